-- Log lines of plugins: on standard error, or handed to a function of the script.

local core = require "nylon_ring.core"
local misuse = require "nylon_ring.misuse"

local M = {}

---@class nylon_ring.LogLine
---@field level "trace"|"debug"|"info"|"warn"|"error"
---@field plugin string
---@field sid? string the call that it is about
---@field message string

local handler

---Sets who gets the log lines of plugins, instead of standard error. `NYLON_RING_LOG` in the environment
---names the lowest level that is kept.
---@param fn? fun(line: nylon_ring.LogLine) nil: standard error again
---@return fun(line: nylon_ring.LogLine)|nil previous
function M.on_log(fn)
    if fn ~= nil and type(fn) ~= "function" then
        misuse("nr.on_log takes a function, not %s", type(fn))
    end
    local previous = handler
    handler = fn
    core.on_log(fn)
    return previous
end

return M
