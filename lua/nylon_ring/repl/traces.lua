-- What crosses the ABI of plugins, for the sessions that have asked: a line an event among what they show,
-- or in a file. Events are fetched before a session writes anything else, at the end of its lines, and
-- now and then.

local open_sessions = require "nylon_ring.repl.open_sessions"
local text = require "nylon_ring.io.text"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

local EVERY = 50 -- milliseconds
local KEPT = 10000 -- events between two looks

---@class nylon_ring.repl.Watch
---@field plugin nylon_ring.Plugin
---@field after integer the last event that was told
---@field last? number its time
---@field began number
---@field count integer
---@field path? string
---@field file? file*

---@type table<nylon_ring.Plugin, true> those that are traced for us, and not for the program
local ours = setmetatable({}, { __mode = "k" })
local timer

local function each_watch()
    local list = {}
    for session in open_sessions.each() do
        for plugin, watch in pairs(session.watches) do
            table.insert(list, { session = session, plugin = plugin, watch = watch })
        end
    end
    return list
end

-- ---- Telling ----

local function line_of(session, watch, event)
    local head = { watch.plugin.name }
    table.insert(head, event.sid)
    if watch.last then
        table.insert(head, "+" .. text.time((event.time - watch.last) * 1e6))
    end
    return ("%s %s\n"):format(session.paint("dim", ("[%s]"):format(table.concat(head, " "))),
        text.line(tostring(event)))
end

local function tell(session, watch, event)
    if watch.file then
        watch.file:write(("%12.3f ms  %s  %s\n"):format(event.time - watch.began, event.sid or "-",
            tostring(event)))
    else
        session:put(line_of(session, watch, event))
    end
    watch.after, watch.last, watch.count = event.seq, event.time, watch.count + 1
end

local function tell_lost(session, watch, lost)
    local line = ("[%s] %s lost, they came too fast"):format(watch.plugin.name, text.plural(lost, "event"))
    if watch.file then
        watch.file:write(line .. "\n")
    else
        session:put(session.paint("dim", line) .. "\n")
    end
end

local function tell_new(session, watch)
    local events = watch.plugin:events { after = watch.after }
    if events.lost > 0 then
        tell_lost(session, watch, events.lost)
    end
    for _, event in ipairs(events) do
        tell(session, watch, event)
    end
    if watch.file then
        watch.file:flush()
    end
end

-- ---- On and off ----

local function is_watched(plugin)
    for _, each in ipairs(each_watch()) do
        if each.plugin == plugin then
            return true
        end
    end
    return false
end

local function forget(session, watch)
    session.watches[watch.plugin] = nil
    if watch.file then
        watch.file:close()
    end
    if ours[watch.plugin] and not is_watched(watch.plugin) then
        ours[watch.plugin] = nil
        watch.plugin:trace(false)
    end
end

---Tells the session what has crossed since the last time.
---@param session nylon_ring.repl.Session
function M.flush(session)
    for plugin, watch in pairs(session.watches) do
        local is_there = plugin:info()
        tell_new(session, watch)
        if not is_there then
            forget(session, watch) -- that was the last of it
        end
    end
end

local function flush_all()
    local watches = each_watch()
    for _, each in ipairs(watches) do
        M.flush(each.session)
    end
    if #watches == 0 then
        timer:stop()
    end
end

-- A script may walk the loop and close everything.
local function start_timer()
    if not timer or timer:is_closing() then
        timer = uv.new_timer()
        timer:unref()
        timers.own(timer)
    end
    timer:start(EVERY, EVERY, flush_all)
end

local function record(plugin)
    if plugin:info().trace > 0 then
        return true
    end
    local ok, err = plugin:trace(KEPT)
    ours[plugin] = ok
    return ok, err
end

---Shows a plugin's events to the session from now on, or writes them into a file.
---@param session nylon_ring.repl.Session
---@param plugin nylon_ring.Plugin
---@param path? string of the file, which is emptied
---@return true|nil ok
---@return any err
function M.start(session, plugin, path)
    local file, err
    if path then
        file, err = io.open(path, "w")
        if not file then
            return nil, err
        end
    end
    M.stop(session, plugin)
    local ok, refused = record(plugin)
    if not ok then
        return nil, refused
    end
    local last = plugin:events({ last = 1 })[1]
    session.watches[plugin] = {
        plugin = plugin,
        after = last and last.seq or 0,
        began = uv.hrtime() / 1e6,
        count = 0,
        path = path,
        file = file,
    }
    start_timer()
    return true
end

---@param session nylon_ring.repl.Session
---@param plugin nylon_ring.Plugin
---@return nylon_ring.repl.Watch|nil watch nil where the session has not asked for it
function M.stop(session, plugin)
    local watch = session.watches[plugin]
    if watch then
        tell_new(session, watch)
        forget(session, watch)
    end
    return watch
end

---The session is over.
---@param session nylon_ring.repl.Session
function M.close(session)
    for plugin in pairs(session.watches) do
        M.stop(session, plugin)
    end
end

return M
