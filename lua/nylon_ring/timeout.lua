-- `nr.timeout`: a limit in time for everything that a function does.

local errors = require "nylon_ring.errors"
local Group = require "nylon_ring.group"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"

local M = {}

local function check(ms, fn)
    if type(ms) ~= "number" or ms ~= ms or ms < 0 then
        error("nr.timeout takes milliseconds first", 3)
    elseif type(fn) ~= "function" then
        error(("nr.timeout takes a function, not a %s"):format(type(fn)), 3)
    end
end

-- What was raised on the way down is kept with the error that the deadline is.
local function expired(err, member)
    if member._state == "failed" and member._err ~= err then
        err.cause = member._err
    end
    return nil, err
end

---Runs a function, as a task of its own, for so many milliseconds at most. Returns what it returns and
---raises what it raises. When the time is over before it and all that it made are done, an Error
---`timeout` is raised where they wait, and at every later suspension; when they are down, `nil, err` is
---answered with that Error, whatever they made of it. Calls, tasks and further timeouts inside have the
---same deadline. A stream that was made inside is closed at the end: read it inside.
---@async
---@generic T
---@param ms number
---@param fn fun(...): T...
---@param ... any
---@return T ...
function M.timeout(ms, fn, ...)
    check(ms, fn)
    local timer, err, member
    local group = Group.new(task.must_suspend(), "nr.timeout", function(_, _, ended)
        member = ended
        timers.cancel(timer)
    end)
    timer = timers.after(ms, function()
        err = errors.new { code = "timeout", message = ("nr.timeout: %g ms are over"):format(ms) }
        group:stop(err)
    end)
    group:start(1, fn, ...)
    group:wait(0)
    if err then
        return expired(err, member)
    end
    return task.outcome(member)
end

return M
