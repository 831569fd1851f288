-- `nr.run`: the loop, from outside, until one task is done.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local list = require "nylon_ring.list"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local unpack = unpack

local M = {}

-- luv's own, also when nylon_ring.install has put a guard in its place.
local loop_run = uv.run

---The Error `deadlock` for a task that waits although nothing is left on the loop that could wake it. It says
---what every task awaits.
---@return nylon_ring.Error
function M.deadlock()
    local lines = { "nothing is left that could end this wait:" }
    for _, entry in ipairs(list.tasks()) do
        lines[#lines + 1] = ("  %s awaits %s"):format(tostring(entry.task), entry.awaits or "nothing")
    end
    return errors.new { code = "deadlock", message = table.concat(lines, "\n") }
end

---Cancels a task by that error.
---@param main nylon_ring.Task
function M.break_deadlock(main)
    task.cancel(main, M.deadlock())
end

local function run_loop(main)
    local broken = false
    while not main._done do
        local alive = loop_run("once") or timers.revive()
        if not alive and not main._done then
            if broken then
                error(("%s did not end when it was told that nothing can wake it"):format(tostring(main)), 0)
            end
            broken = true
            M.break_deadlock(main)
        end
    end
end

local function run(fn, ...)
    local main = task.new(fn, nil, function() end)
    task.start(main, ...)
    run_loop(main)
    return main
end

local function check(fn)
    if core.running() then
        error("nr.run is for outside: this is a task already. Call the function, or nr.spawn it", 3)
    elseif type(fn) ~= "function" then
        error(("nr.run takes a function, not a %s"):format(type(fn)), 3)
    end
end

---Runs a function as a task, and the loop until that task and all that it made are done. Returns its
---results or raises its error. Other tasks may be left; they go on when the loop runs again. Where
---nothing is left that could wake the task, it is cancelled with an Error `deadlock` which says what
---every task awaits.
---@generic T
---@param fn fun(...): T...
---@param ... any
---@return T ...
function M.run(fn, ...)
    check(fn)
    local main = run(fn, ...)
    if main._state == "cancelled" then
        error(main._err, 0)
    end
    return task.outcome(main)
end

---As `run`, protected: true and the results, or false, the error and the stacks of the tasks it went
---through.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ...
function M.prun(fn, ...)
    check(fn)
    local main = run(fn, ...)
    if main._state == "ok" then
        return true, unpack(main._values, 1, main._values.n)
    end
    return false, main._err, main._traceback
end

return M
