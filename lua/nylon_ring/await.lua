-- Suspensions that are not calls: any callback API (`nr.await`) and time (`nr.sleep`).

local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local select, type, unpack = select, type, unpack

local M = {}

-- Gives up what a starter began: by its own function, or as luv gives requests and handles up.
local function canceller_of(answer)
    if type(answer) == "function" then
        return answer
    elseif type(answer) ~= "userdata" or not tostring(answer):find "^uv_%w+_t" then
        return nil
    end
    return function()
        if not answer.is_closing then
            uv.cancel(answer)
        elseif not answer:is_closing() then
            answer:close()
        end
    end
end

-- What the starter answered: `nil, err` says that it began nothing.
local function wait(current, state, answer, ...)
    if state.settled then
        return unpack(state, 1, state.n)
    elseif answer == nil and select("#", ...) > 0 and (...) ~= nil then
        state.settled = true
        return nil, ...
    end
    local canceller = canceller_of(answer)
    state.parked = true
    return task.park(current, function()
        state.settled = true
        if canceller then
            canceller()
        end
    end, "await", state.starter)
end

---Suspends the task until a callback is called: `start` gets `resume`, begins what is to be waited for,
---and hands `resume` over as its callback. Returns what `resume` was called with.
---
---`resume` may be called at once, later, or more than once: the first call counts. What `start` returns
---says how to give up when the task is cancelled: a function, or the luv request or handle. Where
---`start` returns `nil, err` (as luv does when it can not begin), so does `await`, at once.
---
---     local err, stat = nr.await(function(resume) return uv.fs_stat(path, resume) end)
---@async
---@param start fun(resume: fun(...: any)): (fun()|userdata|nil), any
---@return any ...
function M.await(start)
    if type(start) ~= "function" then
        error(("nr.await takes a function, not a %s"):format(type(start)), 2)
    end
    local current = task.must_suspend()
    local state = { starter = start }
    local function resume(...)
        if state.settled then
            return
        end
        state.settled = true
        if state.parked then
            task.wake(current, ...)
        else
            state.n = select("#", ...)
            for index = 1, state.n do
                state[index] = (select(index, ...))
            end
        end
    end
    return wait(current, state, start(resume))
end

local function pause(ms, set)
    local current = task.must_suspend()
    local timer = set(ms, function()
        task.wake(current)
    end)
    task.park(current, function()
        timers.cancel(timer)
    end, "sleep", ms)
end

---Suspends the task for some milliseconds; 0 lets the loop turn once.
---@async
---@param ms number
function M.sleep(ms)
    if type(ms) ~= "number" or ms ~= ms then
        error("nr.sleep takes milliseconds", 2)
    end
    pause(ms, timers.after)
end

---Suspends the task for some milliseconds of the loop's own time, whatever clock is installed.
---@async
---@param ms number
function M.sleep_on_loop(ms)
    pause(ms, timers.on_loop)
end

---Suspends the task until the loop has looked for signals: one has come, and `fast` starts nothing before.
---The task may be cancelled here.
---@async
function M.let_signal_in()
    M.sleep_on_loop(1) -- 0 would come before the loop's poll
end

return M
