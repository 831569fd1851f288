-- A session without a terminal: lines from a pipe, a file or the command line, one after the other,
-- without prompt, colour or history. It stops at the first error. An unfinished last line is an error.

local evaluate = require "nylon_ring.repl.evaluate"
local nr = require "nylon_ring"

local M = {}

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
---@param input nylon_ring.cli.Input
---@return boolean ok
---@return string|nil err
function M.run_all(session, input)
    local kept
    local line, unreadable = input:line()
    while line do
        local text = kept and kept .. "\n" .. line or line
        if evaluate.is_incomplete(text) then
            kept = text
        else
            kept = nil
            if not M.run(session, text) then
                return false
            end
        end
        line, unreadable = input:line()
    end
    if unreadable then
        return false, ("the input can not be read: %s"):format(unreadable)
    end
    if kept then
        return false, ("the last line is unfinished: %s"):format(kept:match "[^\n]*$")
    end
    session:wait()
    return not session.failed
end

return M
