-- A session without a terminal: lines from a pipe, a file or the command line, one after the other,
-- without prompt, colour or history. It stops at the first error. An unfinished last line is an error.

local evaluate = require "nylon_ring.repl.evaluate"
local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

---@class nylon_ring.repl.Reader
---@field private _rest string
---@field private _ended boolean
local Reader = {}
Reader.__index = Reader

---Reads a descriptor by lines, while the loop turns. For files, pipes and sockets alike.
---@param fd integer
---@return nylon_ring.repl.Reader
function M.reader(fd)
    return setmetatable({ _fd = fd, _rest = "", _ended = false }, Reader)
end

---@async
---@return string|nil line
function Reader:line()
    while true do
        local line, rest = self._rest:match "^([^\n]*)\n(.*)$"
        if line then
            self._rest = rest
            return line
        elseif self._ended then
            local last = self._rest
            self._rest = ""
            return last ~= "" and last or nil
        end
        local err, data = nr.await(function(resume)
            return uv.fs_read(self._fd, 65536, -1, resume)
        end)
        self._ended = err ~= nil or data == nil or data == ""
        self._rest = self._rest .. (data or "")
    end
end

---Runs one entry to its end, also what it made.
---@async
---@param session nylon_ring.repl.Session
---@param text string
---@return boolean ok
function M.run(session, text)
    nr.await(function(resume)
        session:submit(text, resume)
    end)
    return not session.failed
end

---Runs all lines.
---@async
---@param session nylon_ring.repl.Session
---@param reader nylon_ring.repl.Reader
---@return boolean ok
---@return string|nil err
function M.run_all(session, reader)
    local kept
    for line in Reader.line, reader do
        local text = kept and kept .. "\n" .. line or line
        if evaluate.is_incomplete(text) then
            kept = text
        else
            kept = nil
            if not M.run(session, text) then
                return false
            end
        end
    end
    if kept then
        return false, ("the last line is unfinished: %s"):format(kept:match "[^\n]*$")
    end
    session:wait()
    return not session.failed
end

return M
