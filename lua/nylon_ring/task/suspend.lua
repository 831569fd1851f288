-- Which tasks there are, which one runs, and how it suspends and goes on.
--
-- A primitive registers how its wait is given up, and parks. A task that waits inside `nylon_ring.core`
-- (a call, a stream) is given up there. Exactly one of `wake` and `interrupt` resumes a parked task;
-- what comes later finds it no longer parked, and a primitive forgets a wait that was given up. All on
-- the loop's thread.

local core = require "nylon_ring.core"
local report = require "nylon_ring.report"
local uv = require "luv"

local error, rawequal, xpcall = error, rawequal, xpcall

local M = {}

---@type table<thread, nylon_ring.Task> every task that is not done; keeps them from collection
local tasks = {}
M.tasks = tasks

---The running task, or nil.
---@return nylon_ring.Task|nil
function M.current()
    local co = core.running()
    return co and tasks[co]
end

---The running task; raises where there is none or where it can not suspend or is cancelled. To be called
---before a wait is begun.
---@return nylon_ring.Task
function M.must_suspend()
    core.check()
    return tasks[core.running()]
end

local function give_up_wait(task)
    if not task._parked then
        return core.cancel_wait(task._co)
    end
    local canceller = task._canceller
    task._parked, task._canceller = false, nil
    if canceller then
        local ok, err = xpcall(canceller, debug.traceback)
        if not ok then
            report.deliver(err, "", task)
        end
    end
    return true
end

---Suspends the running task, which `must_suspend` has answered. Returns what it is woken with.
---@async
---@param task nylon_ring.Task
---@param canceller? fun() gives the wait up; called at most once, and then nothing wakes
---@param awaits string for `nr.tasks`
---@param detail? any of the same
---@return any ...
function M.park(task, canceller, awaits, detail)
    task._parked, task._canceller = true, canceller
    task._awaits, task._detail, task._since = awaits, detail, uv.now()
    if task._cancel ~= nil and task._shield == 0 then
        give_up_wait(task)
        error(task._cancel, 0)
    end
    return core.suspend()
end

---Resumes a parked task with these values: at once, or when the running task has suspended. False where
---it is no longer parked.
---@param task nylon_ring.Task
---@param ... any
---@return boolean
function M.wake(task, ...)
    if not task._parked then
        return false
    end
    task._parked, task._canceller = false, nil
    core.resume(task._co, ...)
    return true
end

---A message handler for `xpcall`, for code that raises what it caught again: keeps the stack for when the
---task ends with it.
---@param err any
---@return any err
function M.keep_stack(err)
    local task = M.current()
    local kept = task and task._carried
    if task and not (kept and rawequal(kept.err, err)) then
        local stack = debug.traceback("", 2):gsub("^\n", "")
        task._carried = { err = err, traceback = stack, whole = true }
    end
    return err
end

---Raises an error at the task's suspension. False where it does not wait: it runs, or it was woken and
---has not run yet.
---@param task nylon_ring.Task
---@param err any
---@return boolean
function M.interrupt(task, err)
    if task._ended or not give_up_wait(task) then
        return false
    end
    core.resume_error(task._co, err)
    return true
end

return M
