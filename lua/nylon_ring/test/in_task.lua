--- Functions that suspend, for where nothing is a task: a stock busted's hooks and specs.
local core = require "nylon_ring.core"
local nr = require "nylon_ring"

--- The same function; it runs as a task where it is called outside of one.
---@generic T: function
---@param fn T
---@return T
return function(fn)
    return function(...)
        if core.running() then
            return fn(...)
        end
        return nr.run(fn, ...)
    end
end
