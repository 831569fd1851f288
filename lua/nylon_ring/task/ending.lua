-- The end of a task: it waits for its children or takes them down, closes what it owns, and its error
-- is delivered once: to who joins, else to the parent (where it waits, or at its end), else to
-- `report.deliver`.

local cancel = require "nylon_ring.task.cancel"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local report = require "nylon_ring.report"
local suspend = require "nylon_ring.task.suspend"

local ipairs, pairs, rawequal, select, xpcall = ipairs, pairs, rawequal, select, xpcall

local M = {}

local NO_VALUES = { n = 0 }
local NONE = {}

local function pack(...)
    local count = select("#", ...)
    if count == 0 then
        return NO_VALUES
    end
    return { n = count, ... }
end

local function run_deferred(fn, argument, place)
    if place.at_once then
        place.waits = true
        core.suspend()
    end
    fn(argument)
end

-- Runs a function when the tasks that are running now have suspended: in a coroutine that waits in the
-- ready queue, where `start` has put it or `resume` does.
local function defer(fn, argument)
    local co, place = coroutine.create(run_deferred), { at_once = true }
    core.start(co, fn, argument, place)
    place.at_once = false
    if place.waits then
        core.resume(co)
    end
end

---Notes that a task got its present error from another one, whose stack belongs to it.
---@param task nylon_ring.Task
---@param from nylon_ring.Task
function M.carry(task, from)
    task._carried = { err = from._err, traceback = from._traceback }
    from._delivered = true
end

-- Raises the errors of failed children where their parent waits. One that runs gets them at its end,
-- one that was woken when it has suspended again.
local function deliver_to_parent(parent)
    local failed = parent._failed
    while failed and failed[1] and failed[1]._delivered do
        table.remove(failed, 1)
    end
    local child = failed and failed[1]
    if not child or parent._ended or parent._shield > 0 then
        return
    end
    if suspend.interrupt(parent, child._err) then
        table.remove(failed, 1)
        M.carry(parent, child)
    end
    if failed[1] then
        defer(deliver_to_parent, parent)
    end
end

function cancel.on_unshield(task)
    if task._failed then
        defer(deliver_to_parent, task)
    end
end

local function close_owned(task)
    local owned = task._owned
    if not owned then
        return
    end
    task._owned = nil
    for resource in pairs(owned) do
        local ok, err = xpcall(resource.close, debug.traceback, resource)
        if not ok then
            report.deliver(err, "", task)
        end
    end
end

-- Hands the outcome to whom it was promised.
local function deliver(task)
    local waiters, on_end = task._waiters, task._on_end
    task._waiters, task._on_end = nil, nil
    if on_end then
        task._delivered = true
        on_end(task)
    end
    for _, waiter in ipairs(waiters or NONE) do
        task._delivered = suspend.wake(waiter) or task._delivered
    end
end

local function take_down_children(task)
    if task._alive > 0 then
        cancel.cancel(task, errors.new {
            code = "cancelled",
            message = ("%s, which made this task, is over"):format(tostring(task)),
        })
    end
end

-- A task whose function has returned fails with a child's error.
local function fail_with(task, child)
    task._state, task._values = "failed", nil
    task._err, task._traceback = child._err, child._traceback
    child._delivered = true
    take_down_children(task)
end

local function take_failure(parent, child)
    if not parent._ended then
        parent._failed = parent._failed or {}
        table.insert(parent._failed, child)
        defer(deliver_to_parent, parent)
    elseif parent._state == "ok" then
        fail_with(parent, child)
    else
        child._delivered = true
        report.deliver(child._err, child._traceback, child)
    end
end

local function leave_parent(task)
    local parent, unheard = task._parent, task._state == "failed" and not task._delivered
    task._parent = nil
    if parent then
        parent._children[task] = nil
        parent._alive = parent._alive - 1
    end
    if unheard and parent then
        take_failure(parent, task)
    elseif unheard then
        task._delivered = true
        report.deliver(task._err, task._traceback, task)
    end
    return parent
end

-- Ends a task whose function is over and that is alone, and then those above it that only waited for it.
local function settle(task)
    while task and task._ended and task._alive == 0 do
        task._done = true
        suspend.tasks[task._co] = nil
        close_owned(task)
        deliver(task)
        task._children, task._failed = nil, nil
        task = leave_parent(task)
    end
end

local function set_failure(task, err, traceback)
    local carried = task._carried
    traceback = traceback or ""
    if carried and rawequal(carried.err, err) then
        traceback = carried.whole and carried.traceback or report.splice(carried.traceback, task, traceback)
    end
    task._err, task._traceback = err, traceback
    if task._cancel ~= nil and rawequal(task._cancel, err) then
        task._state = "cancelled"
    else
        task._state = "failed"
        report.annotate(err, traceback)
    end
end

-- Children that failed while the task ran on to its end without a suspension.
local function take_late_failures(task)
    for _, child in ipairs(task._failed or NONE) do
        if not child._delivered then
            take_failure(task, child)
        end
    end
end

local function on_exit(co, ok, ...)
    local task = suspend.tasks[co]
    if not task then
        return
    end
    task._ended = true
    if ok then
        task._state, task._values = "ok", pack(...)
    else
        set_failure(task, ...)
        take_down_children(task)
    end
    take_late_failures(task)
    settle(task)
end

core.on_exit(on_exit)

return M
