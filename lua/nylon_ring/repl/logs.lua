-- Plugins' log lines: the last ones are kept, and each is shown to the sessions as it comes.

local log = require "nylon_ring.log"
local nr = require "nylon_ring"
local open_sessions = require "nylon_ring.repl.open_sessions"
local text = require "nylon_ring.io.text"
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
    return ("[%s] %s%s: %s"):format(text.line(line.plugin), level, sid, text.plain(line.message))
end

local function take(line)
    table.insert(M.recent, line)
    if #M.recent > KEPT then
        table.remove(M.recent, 1)
    end
    for session in open_sessions.each() do
        local name = followers[session]
        if session.settings.logs and name == nil or name == "" or name == line.plugin then
            session.write_err(M.format(line, session.paint) .. "\n")
        end
    end
end

local open, shown = 0, 0

local function count(by, own)
    open, shown = open + by, shown + (own and by or 0)
    log.watch(open > 0 and take or nil, shown > 0)
end

---Takes plugins' log lines, beside whoever else gets them, until what it answers is called.
---@param own? boolean the program's own standard error shows them by a session: they do not go there twice
---@return fun() stop
function M.open(own)
    count(1, own)
    return function()
        count(-1, own)
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
