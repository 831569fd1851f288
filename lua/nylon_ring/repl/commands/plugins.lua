-- Commands about plugins: loading, looking at them, their numbers and their log lines.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local fail = require "nylon_ring.repl.fail"
local files = require "nylon_ring.repl.files"
local inspection = require "nylon_ring.io.inspection"
local known_plugins = require "nylon_ring.repl.known_plugins"
local logs = require "nylon_ring.repl.logs"
local nr = require "nylon_ring"
local text = require "nylon_ring.io.text"
local uv = require "luv"

---@return nylon_ring.repl.Known
local function plugin_named(session, name)
    local known, problem = known_plugins.named(session, name)
    return known or fail("%s", problem)
end

local function load(session, rest)
    local path, name = rest:match "^(.-)%s+as%s+(%S+)$"
    local ok, problem = known_plugins.load(session, files.expand(path or rest), name)
    if not ok then
        fail("%s", problem)
    end
end

-- Unloads or reloads; tells what that waits for, and that it goes on where nobody waits for it any more.
local function drain(session, plugin, how)
    local open = tonumber(plugin:stats().in_flight)
    if open > 0 then
        session:write(("%s in flight may take 5 s\n"):format(text.plural(open, "call")))
    end
    local ok, report, err = pcall(plugin[how], plugin)
    if not ok then
        session:write(errors.is(report, "cancelled") and ("the %s goes on\n"):format(how) or "")
        error(report, 0)
    end
    return report, err
end

-- What had to be done to calls that took longer.
local function ended(report)
    return report.error and ("; %s had to be ended"):format(text.plural(report.completed, "call")) or ""
end

local function reload(session, rest)
    local plugin = plugin_named(session, rest).plugin
    local report, err = drain(session, plugin, "reload")
    if not report then
        fail("%s; the old one keeps serving", tostring(err))
    end
    session.notes:add { kind = "reload", name = plugin.name }
    session:write(("reloaded %s%s\n"):format(known_plugins.describe(plugin), ended(report)))
end

local function unload(session, rest)
    local known = plugin_named(session, rest)
    local report, err = drain(session, known.plugin, "unload")
    if not report then
        fail("%s", tostring(err))
    end
    session.notes:add { kind = "unload", name = known.name }
    local kept = not report.unmapped and report.reason ~= "" and report.reason
    session:write(("unloaded %s%s%s\n"):format(known.name, ended(report),
        kept and "; it stays mapped: " .. kept or ""))
end

local function list(session)
    local rows = {}
    for index, known in ipairs(known_plugins.of(session)) do
        local stats = known.plugin:stats()
        rows[index] = {
            known.name, known.plugin.version, known.kind, text.plural(tonumber(stats.calls), "call"),
            ("%d in flight"):format(tonumber(stats.in_flight)), known.plugin.path,
        }
    end
    session:write(#rows > 0 and text.columns(rows) .. "\n" or "no plugin is loaded; :load PATH\n")
end

local function path_of(known)
    if known.kind == "Lua" then
        fail("plugin %s is written in Lua (%s): there is no file to inspect", known.name,
            known.plugin.path)
    end
    return known.plugin.path
end

local function inspect(session, rest)
    local path = rest
    if rest == "" or not rest:find "/" and not uv.fs_stat(rest) then
        path = path_of(plugin_named(session, rest))
    end
    local found, err = core.inspect(files.expand(path))
    if not found then
        fail("%s", tostring(err))
    end
    session:write(text.columns(inspection.rows(found)) .. "\n")
end

local order = { "calls", "ok", "errors", "in_flight", "late", "duplicate", "unknown", "cancelled",
    "timeouts", "backpressure", "owed" }

local function stats(session, rest)
    local chosen = rest ~= "" and { plugin_named(session, rest) } or known_plugins.of(session)
    local rows = { { "" } }
    for _, name in ipairs(order) do
        table.insert(rows, { name })
    end
    for _, known in ipairs(chosen) do
        local numbers = known.plugin:stats()
        table.insert(rows[1], known.name)
        for index, name in ipairs(order) do
            table.insert(rows[index + 1], tostring(tonumber(numbers[name])))
        end
    end
    session:write(#chosen > 0 and text.columns(rows) .. "\n" or "no plugin is loaded; :load PATH\n")
end

-- Shows the last lines of one plugin, or all (""); of a plugin that is gone too.
local function show_recent(session, name)
    local shown = false
    for _, line in ipairs(logs.recent) do
        if name == "" or line.plugin == name then
            session:write(logs.format(line, session.paint) .. "\n")
            shown = true
        end
    end
    return shown
end

local function show_logs(session, rest)
    local follow = rest:match "^%-f%f[%s%z]" ~= nil
    local name = follow and rest:match "^%-f%s*(.*)$" or rest
    local shown = show_recent(session, name)
    if not shown and name ~= "" then
        plugin_named(session, name)
    end
    if not shown and not follow then
        session:write "nothing was logged yet\n"
    elseif follow then
        session:job_of(nr.current()).ends_quietly = true
        logs.follow(session, name)
    end
end

return {
    { name = "load", args = "PATH [as NAME]", completes = "file", help = "load a plugin",
        example = ":load build/release/plugins/echo.so as echo",
        more = "Its name is a name of the session from then on.", run = load },
    { name = "reload", args = "[NAME]", completes = "plugin", example = ":reload echo", run = reload,
        help = "load its file anew; the old code has 5 s for its calls" },
    { name = "unload", args = "[NAME]", completes = "plugin", example = ":unload echo", run = unload,
        help = "wait for its calls, for 5 s, then unload it" },
    { name = "plugins", help = "list what is loaded", example = ":plugins", run = list },
    { name = "inspect", args = "[NAME|PATH]", completes = "inspected", run = inspect,
        example = ":inspect echo",
        help = "show what a plugin's file offers, loaded or not" },
    { name = "stats", args = "[NAME]", completes = "plugin", example = ":stats echo", run = stats,
        help = "show the numbers that the host keeps of a plugin" },
    { name = "logs", args = "[-f] [NAME]", completes = "plugin", run = show_logs, example = ":logs -f",
        help = "show plugins' last log lines; -f goes on until Ctrl-C" },
}
