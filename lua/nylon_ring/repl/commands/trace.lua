-- The command that shows what crosses a plugin's ABI.

local fail = require "nylon_ring.repl.fail"
local files = require "nylon_ring.repl.files"
local known_plugins = require "nylon_ring.repl.known_plugins"
local text = require "nylon_ring.io.text"
local traces = require "nylon_ring.repl.traces"

local function list(session)
    local rows = {}
    for _, known in ipairs(known_plugins.of(session)) do
        local watch = session.watches[known.plugin]
        if watch then
            local count = text.plural(watch.count, "event")
            table.insert(rows, { known.name, count, watch.path or "shown here" })
        end
    end
    local none = "no plugin is traced here; :trace NAME on [FILE]\n"
    session:write(#rows > 0 and text.columns(rows) .. "\n" or none)
end

local function start(session, known, path)
    local ok, err = traces.start(session, known.plugin, path and files.expand(path))
    if not ok then
        fail("%s", tostring(err))
    end
    local where = path and " into " .. path or ""
    session:write(("tracing %s%s; :trace %s off ends it\n"):format(known.name, where, known.name))
end

local function stop(session, known)
    local watch = traces.stop(session, known.plugin)
    if not watch then
        fail("%s is not traced here", known.name)
    end
    local where = watch.path and " in " .. watch.path or ""
    session:write(("%s of %s%s\n"):format(text.plural(watch.count, "event"), known.name, where))
end

-- `[NAME] on [FILE]`, `[NAME] off`: a plugin that is called on or off needs its name.
local function parse(rest)
    for _, pattern in ipairs { "^(%S+)%s+(%S+)%s*(.-)$", "^()(%S+)%s*(.-)$" } do
        local name, switch, path = rest:match(pattern)
        if switch == "on" or switch == "off" and path == "" then
            return type(name) == "string" and name or "", switch, path ~= "" and path or nil
        end
    end
    fail ":trace takes NAME on, NAME on FILE, or NAME off"
end

local function trace(session, rest)
    if rest == "" then
        return list(session)
    end
    local name, switch, path = parse(rest)
    local known, problem = known_plugins.named(session, name)
    if not known then
        fail("%s", problem)
    elseif switch == "off" then
        return stop(session, known)
    end
    start(session, known, path)
end

return {
    { name = "trace", args = "[NAME] on|off", completes = "trace", run = trace,
        example = ":trace echo on", help = "show what crosses a plugin's ABI; on FILE writes it there",
        more = "A line an event: plugin, sid, time since the last one; what was called, with\n"
            .. "what, on which thread, and what became of it. NAME may be left out where one\n"
            .. "plugin is loaded. :trace lists what is traced." },
}
