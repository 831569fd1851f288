-- Taking tasks down: what cancels one cancels all that it made, and is raised at every suspension from
-- then on.

local core = require "nylon_ring.core"
local suspend = require "nylon_ring.task.suspend"

local error, ipairs, pairs, rawequal, type, xpcall = error, ipairs, pairs, rawequal, type, xpcall

local M = {}

local NONE = {}

local function is_cancelled(task)
    return task._cancel ~= nil and not task._barred
end

local function mark(task, err)
    if is_cancelled(task) or task._ended then
        return
    end
    task._cancel, task._barred = err, false
    if task._shield == 0 then
        core.set_cancel(task._co, err)
    end
end

-- A task and what it made, as far as a cancellation goes; every one after the one that made it.
local function family(task)
    local list, next_one = { task }, 1
    while list[next_one] do
        local each = list[next_one]
        for child in pairs(each._children or NONE) do
            if each._ended or not child._shielded then
                list[#list + 1] = child
            end
        end
        next_one = next_one + 1
    end
    return list
end

---Cancels a task and what it made: `err` is raised at their suspensions, and at every later one. All are
---marked before any is raised at, and those that were made last unwind first.
---@param task nylon_ring.Task one that is not done
---@param err any
function M.cancel(task, err)
    local list = family(task)
    for _, each in ipairs(list) do
        mark(each, err)
    end
    for index = #list, 1, -1 do
        local each = list[index]
        if each._cancel ~= nil and each._shield == 0 then
            suspend.interrupt(each, each._cancel)
        end
    end
end

---Has every later suspension of a task raise `err`, as if it were cancelled, until that is taken back.
---What it made is left alone. A cancellation comes before it.
---@param task nylon_ring.Task one that is not done
---@param err? any nil: it may suspend again
function M.bar(task, err)
    if is_cancelled(task) or task._ended then
        return
    end
    task._cancel, task._barred = err, err ~= nil
    if task._shield == 0 then
        core.set_cancel(task._co, err)
    end
end

---Passes an error on that is the running task's own cancellation; returns for any other. For code that
---catches errors.
---@param err any
function M.rethrow(err)
    local task = suspend.current()
    if task and task._cancel ~= nil and rawequal(task._cancel, err) then
        error(err, 0)
    end
end

---Raises the running task's cancellation. For waits that do not lose what they were woken with.
function M.check()
    local task = suspend.current()
    if task and task._cancel ~= nil and task._shield == 0 then
        error(task._cancel, 0)
    end
end

---Called when a task leaves its last shield: what was put off meanwhile.
---@type fun(task: nylon_ring.Task)|nil
M.on_unshield = nil

local function leave_shield(task, ok, ...)
    task._shield = task._shield - 1
    if task._shield == 0 then
        if task._cancel ~= nil then
            core.set_cancel(task._co, task._cancel)
        end
        M.on_unshield(task)
    end
    if not ok then
        error((...), 0)
    end
    return ...
end

---Runs a function that is not interrupted where it waits, neither by a cancellation of the task nor by
---a child that fails: for work at its end that has to suspend. Tasks that it makes are spared as well.
---What was put off takes effect at the first suspension after it. Bound it with `nr.timeout`.
---@async
---@generic T
---@param fn fun(...): T...
---@param ... any
---@return T ...
function M.shield(fn, ...)
    local task = suspend.current()
    if not task then
        error("nr.shield is for tasks: call it inside nr.run or nr.spawn", 2)
    elseif type(fn) ~= "function" then
        error(("nr.shield takes a function, not a %s"):format(type(fn)), 2)
    end
    task._shield = task._shield + 1
    core.set_cancel(task._co, nil)
    return leave_shield(task, xpcall(fn, suspend.keep_stack, ...))
end

return M
