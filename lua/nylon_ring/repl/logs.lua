-- Plugins' log lines: the last ones are kept, and each is shown to the sessions as it comes.

local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

local KEPT = 1000
local styles = { error = "bad", warn = "strong" }

---@type nylon_ring.LogLine[]
M.recent = {}

local followers = {}

---@param line nylon_ring.LogLine
---@param paint fun(style: string, text: string): string
---@return string
function M.format(line, paint)
    local sid = line.sid and " " .. line.sid or ""
    local level = paint(styles[line.level] or "dim", line.level)
    return ("[%s] %s%s: %s"):format(line.plugin, level, sid, line.message)
end

local function take(line)
    table.insert(M.recent, line)
    if #M.recent > KEPT then
        table.remove(M.recent, 1)
    end
    local sessions = require "nylon_ring.repl.session"
    for session in sessions.each() do
        local name = followers[session]
        if session.settings.logs and name == nil or name == "" or name == line.plugin then
            session.write_log(M.format(line, session.paint) .. "\n")
        end
    end
end

---Takes plugins' log lines over, until what it answers is called.
---@return fun() stop
function M.open()
    local previous = nr.on_log(take)
    return function()
        nr.on_log(previous)
    end
end

---Shows the lines of one plugin (or all, "") until the task is cancelled.
---@async
---@param session nylon_ring.repl.Session
---@param name string
function M.follow(session, name)
    followers[session] = name
    local awake = uv.new_async(function() end) -- lines may come from threads while nothing else goes on
    local ok, err = pcall(nr.await, function()
        return function() end
    end)
    awake:close()
    followers[session] = nil
    if not ok then
        error(err, 0)
    end
end

return M
