-- What the specs of tasks share. They run in the program's own runner, where every spec is a task, and
-- under a stock busted, where none is.

local busted = require "busted"
local nr = require "nylon_ring"
local core = require "nylon_ring.core"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

---Runs a function as a task, wherever the spec itself runs.
function M.task(fn, ...)
    if not core.running() then
        return nr.run(fn, ...)
    end
    return nr.spawn(fn, ...):join()
end

---A spec whose body is a task.
function M.it_task(fn)
    return function()
        M.task(fn)
    end
end

local function answer(ok, ...)
    if not ok then
        error((...), 0)
    end
    return ...
end

---Runs a function outside any task, from a luv callback where the spec is a task.
function M.outside(fn)
    if not core.running() then
        return fn()
    end
    return answer(nr.await(function(resume)
        local timer = uv.new_timer()
        timer:start(0, 0, function()
            timer:close()
            resume(pcall(fn))
        end)
    end))
end

---Errors that went to `nr.on_error`, as a list that grows, until `restore` is called.
function M.catch_errors()
    local caught = {}
    local previous = nr.on_error(function(err, traceback, task)
        caught[#caught + 1] = { err = err, traceback = traceback, task = task }
    end)
    function caught.restore()
        nr.on_error(previous)
    end
    return caught
end

local function active_handles()
    local list = {}
    uv.walk(function(handle)
        local ours = core.owns(handle) or timers.owns(handle)
        if handle:is_active() and not handle:is_closing() and not ours then
            list[tostring(handle)] = true
        end
    end)
    return list
end

local function task_ids()
    local ids = {}
    for _, info in ipairs(nr.tasks()) do
        ids[info.id] = info
    end
    return ids
end

---Remembers what is alive; the function it answers fails when more is.
function M.watch()
    local handles, ids, timer_count = active_handles(), task_ids(), timers.count()
    return function()
        for id, info in pairs(task_ids()) do
            assert(ids[id], ("%s is left; it awaits %s"):format(tostring(info.task), tostring(info.awaits)))
        end
        assert(timers.count() <= timer_count, "a timer is left")
        for handle in pairs(active_handles()) do
            assert(handles[handle], handle .. " is left")
        end
    end
end

---From now on no spec of the block leaves anything, and what fails in the background fails the spec, unless
---it takes that.
---@return fun(): { err: any, traceback: string, task: nylon_ring.Task }[] take_caught
function M.watch_each()
    local nothing_left, caught
    busted.before_each(function()
        nothing_left, caught = M.watch(), M.catch_errors()
    end)
    busted.after_each(function()
        caught.restore()
        nothing_left()
        for _, each in ipairs(caught) do
            error(each.err, 0)
        end
    end)
    return function()
        local list = {}
        for index = 1, #caught do
            list[index], caught[index] = caught[index], nil
        end
        return list
    end
end

---A place where tasks wait for each other, without time: `gate:wait()` suspends until `gate:open(...)`.
function M.gate()
    local gate = { waiting = 0 }
    local resumes = {}
    function gate.wait()
        return nr.await(function(resume)
            gate.waiting = gate.waiting + 1
            resumes[#resumes + 1] = resume
            return function()
                gate.waiting, gate.given_up = gate.waiting - 1, (gate.given_up or 0) + 1
            end
        end)
    end
    function gate.open(...)
        local list = resumes
        resumes, gate.waiting = {}, 0
        for _, resume in ipairs(list) do
            resume(...)
        end
    end
    return gate
end

return M
