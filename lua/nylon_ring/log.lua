-- Log lines of plugins: on standard error, or handed to a function of the script.

local core = require "nylon_ring.core"
local misuse = require "nylon_ring.misuse"

local M = {}

---@class nylon_ring.LogLine
---@field level "trace"|"debug"|"info"|"warn"|"error" as the plugin says it
---@field plugin string the name of the one that logs
---@field sid? string the call that it is about
---@field message string the line, without its end

---@type fun(line: nylon_ring.LogLine)|nil
local handler, watcher
local shown -- by whom watches, in place of standard error

local function both(line)
    watcher(line)
    handler(line)
end

local function apply()
    core.on_log(handler and watcher and both or handler or watcher, not handler and not shown)
end

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
    apply()
    return previous
end

---Sets who gets the log lines beside whoever else gets them: for the REPL.
---@param fn? fun(line: nylon_ring.LogLine)
---@param instead? boolean they are shown, and so do not go to standard error
function M.watch(fn, instead)
    watcher, shown = fn, instead
    apply()
end

return M
