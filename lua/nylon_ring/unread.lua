-- An answer that the bridge still holds when the next call is made. Either memory ran out while it was being
-- taken, and it can go; or this is a finalizer that Lua runs right while it is being taken, and it must stay.

local errors = require "nylon_ring.errors"
local fast = require "nylon_ring.fast"

local M = {}

local takers = {}

---Names a function that takes answers.
---@param fn function
function M.takes(fn)
    takers[fn] = true
end

-- How many functions that take answers are running: the caller, and one that it has interrupted.
local function count_takers()
    local count, level = 0, 3
    local info = debug.getinfo(level, "f")
    while info do
        count = count + (takers[info.func] and 1 or 0)
        level = level + 1
        info = debug.getinfo(level, "f")
    end
    return count
end

---Lets go of the answer that was left. Nil and an Error where it is still being taken.
---@return true|nil free
---@return nylon_ring.Error? err
function M.free()
    if count_takers() > 1 then
        return nil, errors.new {
            code = "misuse",
            message = "a finalizer (__gc) can not call a plugin while it interrupts a call: let it note what "
                .. "is to be done, and do that in a task",
        }
    end
    fast.release(fast)
    return true
end

return M
