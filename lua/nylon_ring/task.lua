-- Tasks: coroutines that the scheduler runs, each owned by the task that made it.
--
--            start             fn returned or failed          children gone
--     (new) ───────▶ running ─────────────────────▶ closing ───────────────▶ done
--                    │    ▲
--               park │    │ wake, interrupt
--                    ▼    │
--                  suspended
--
-- A task that returns waits for its children; one that fails or is cancelled takes them down first. The
-- outcome of a task that was cancelled is no error: join answers `nil, err`. task/suspend.lua,
-- task/cancel.lua and task/ending.lua are its parts; this is what the rest of the house uses.

local cancel = require "nylon_ring.task.cancel"
local core = require "nylon_ring.core"
local ending = require "nylon_ring.task.ending"
local errors = require "nylon_ring.errors"
local report = require "nylon_ring.report"
local suspend = require "nylon_ring.task.suspend"

local error, type, unpack = error, type, unpack

local M = {
    current = suspend.current,
    must_suspend = suspend.must_suspend,
    park = suspend.park,
    wake = suspend.wake,
    keep_stack = suspend.keep_stack,
    bar = cancel.bar,
    cancel = cancel.cancel,
    check_cancelled = cancel.check,
    rethrow_cancellation = cancel.rethrow,
    shield = cancel.shield,
    carry = ending.carry,
    report = report.deliver,
}

---@class nylon_ring.Carried an error that a task may end with, and the stack that belongs to it
---@field err any
---@field traceback string
---@field whole? boolean it is the task's own, from where it was raised first; else another task's

---@class nylon_ring.Task
---@field id integer its number, from 1 on
---@field private _co thread
---@field private _fn function
---@field private _parent? nylon_ring.Task
---@field private _children? table<nylon_ring.Task, true>
---@field private _alive integer children that are not done
---@field private _shielded boolean made under `nr.shield`: the parent's cancellation spares it
---@field private _shield integer depth of `nr.shield`
---@field private _cancel? any raised at every suspension
---@field private _barred? boolean that is no cancellation, and may be taken back
---@field private _parked boolean
---@field private _canceller? fun()
---@field private _awaits? string
---@field private _detail? any
---@field private _since? integer
---@field private _ended boolean its function is over
---@field private _done boolean
---@field private _state? "ok"|"failed"|"cancelled" its outcome
---@field private _values? table
---@field private _err? any
---@field private _traceback? string
---@field private _delivered boolean
---@field private _failed? nylon_ring.Task[] children whose errors wait for this task
---@field private _carried? nylon_ring.Carried
---@field private _on_end? fun(task: nylon_ring.Task) takes the outcome, in place of joiners and parent
---@field private _waiters? nylon_ring.Task[]
---@field private _joining? nylon_ring.Task
---@field private _owned? table closed at its end
local Task = {}
Task.__index = Task

local last_id = 0
local NONE = {}

---Called with each task that is made, where set: a test runner remembers who made it, and where.
---@type fun(task: nylon_ring.Task)|nil
M.on_new = nil

---A task that has not begun.
---@param fn function
---@param parent? nylon_ring.Task
---@param on_end? fun(task: nylon_ring.Task) takes the outcome when it is done
---@return nylon_ring.Task
function M.new(fn, parent, on_end)
    last_id = last_id + 1
    local co = coroutine.create(fn)
    local task = setmetatable({
        id = last_id,
        _co = co,
        _fn = fn,
        _parent = parent,
        _alive = 0,
        _shield = 0,
        _shielded = parent ~= nil and parent._shield > 0,
        _parked = false,
        _ended = false,
        _done = false,
        _delivered = false,
        _on_end = on_end,
    }, Task)
    suspend.tasks[co] = task
    if M.on_new then
        M.on_new(task)
    end
    if parent then
        parent._children = parent._children or {}
        parent._children[task] = true
        parent._alive = parent._alive + 1
        if parent._cancel ~= nil and not task._shielded then
            task._cancel = parent._cancel
            core.set_cancel(co, task._cancel)
        end
    end
    return task
end

---@param task nylon_ring.Task as `new` made it
---@param ... any for its function
function M.start(task, ...)
    core.start(task._co, ...)
end

---Starts a task: it runs at once, until it suspends or ends. Inside a task it is a child of that one;
---from outside (a luv callback) it belongs to nobody, and its errors go to `nr.on_error`.
---@param fn fun(...)
---@param ... any
---@return nylon_ring.Task
function M.spawn(fn, ...)
    if type(fn) ~= "function" then
        error(("nr.spawn takes a function, not a %s"):format(type(fn)), 2)
    end
    local task = M.new(fn, suspend.current())
    core.start(task._co, ...)
    return task
end

---Takes a task from the one that made it, which then neither waits for it nor hears of its errors.
---@param task nylon_ring.Task one that is not done
function M.disown(task)
    local parent = task._parent
    if parent then
        task._parent = nil
        parent._children[task] = nil
        parent._alive = parent._alive - 1
    end
end

---Takes from a task all that it made. What it has not heard of yet is delivered as of nobody's.
---@param parent nylon_ring.Task
function M.disown_children(parent)
    for child in pairs(parent._children or NONE) do
        M.disown(child)
    end
    local failed = parent._failed
    parent._failed = nil
    for _, child in ipairs(failed or NONE) do
        if not child._delivered then
            child._delivered = true
            report.deliver(child._err, child._traceback, child)
        end
    end
end

---The results of a task that is done. Raises its error; a cancelled one has `nil, err`.
---@param task nylon_ring.Task
---@return any ...
function M.outcome(task)
    if task._state == "ok" then
        return unpack(task._values, 1, task._values.n)
    elseif task._state == "cancelled" then
        return nil, task._err
    end
    local current = suspend.current()
    if current then
        ending.carry(current, task)
    end
    task._delivered = true
    error(task._err, 0)
end

local function check_join(current, target)
    local ancestor = current
    while ancestor do
        if ancestor == target then
            local who = target == current and "itself" or "a task that waits for it"
            error(("%s can not join %s: neither would ever end"):format(tostring(current), who), 3)
        end
        ancestor = ancestor._parent
    end
    local next_one = target
    while next_one do
        if next_one == current then
            error(("%s and %s can not join each other"):format(tostring(current), tostring(target)), 3)
        end
        next_one = next_one._joining
    end
end

local function remove_waiter(target, waiter)
    for index, each in ipairs(target._waiters or NONE) do
        if each == waiter then
            return table.remove(target._waiters, index)
        end
    end
end

---Waits until the task is done. Returns what it returned, raises its error, and answers `nil, err` when
---it was cancelled. Any number of tasks may join one; giving the wait up leaves the task alone.
---@async
---@return any ...
function Task:join()
    if not self._done then
        local current = suspend.must_suspend()
        check_join(current, self)
        self._waiters = self._waiters or {}
        table.insert(self._waiters, current)
        current._joining = self
        suspend.park(current, function()
            current._joining = nil
            remove_waiter(self, current)
        end, "join", self)
        current._joining = nil
        cancel.check()
    end
    return M.outcome(self)
end

---Cancels the task and all that it made. Its present suspension raises an Error `cancelled`, and so
---does every later one; what is answered later is dropped. A `pcall` in the task may clean up with what
---does not suspend (`stream:close()`, luv's own functions), and under `nr.shield` with what does.
---@param reason? string
---@return boolean requested false: it was done already
function Task:cancel(reason)
    if self._done then
        return false
    end
    cancel.cancel(self, errors.new { code = "cancelled", message = reason or "the task was cancelled" })
    return true
end

---Where the task is suspended: its stack.
---@return string
function Task:traceback()
    return debug.traceback(self._co)
end

---How far the task is. "closing": its function is over, and it waits for its children.
---@return "running"|"suspended"|"closing"|"done"|"failed"|"cancelled"
function Task:status()
    if self._done then
        return self._state == "ok" and "done" or self._state
    elseif self._ended then
        return "closing"
    end
    return coroutine.status(self._co) == "suspended" and "suspended" or "running"
end

---`file:line` of the task's function; of a program's main task the script, or the command.
---@return string
function Task:name()
    if self._name then
        return self._name
    end
    local info = debug.getinfo(self._fn, "S")
    return ("%s:%d"):format(info.short_src, info.linedefined)
end

function Task.__tostring(task)
    return ("task %d (%s)"):format(task.id, task:name())
end

---Iterates over the tasks that are not done.
function M.each()
    return pairs(suspend.tasks)
end

---Gives the running task something to close at its end, by its `close` method. Held weakly: what is
---collected before needs no closing.
---@param resource { close: fun(self) }
---@return nylon_ring.Task|nil owner for `release`; nil outside a task
function M.adopt(resource)
    local task = suspend.current()
    if task then
        task._owned = task._owned or setmetatable({}, { __mode = "k" })
        task._owned[resource] = true
    end
    return task
end

---@param owner nylon_ring.Task|nil
---@param resource table
function M.release(owner, resource)
    if owner and owner._owned then
        owner._owned[resource] = nil
    end
end

return M
