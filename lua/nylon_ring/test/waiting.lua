-- Waiting in asserts: with a limit in real time, or by moving the clock that is moved by hand.

local clock = require "nylon_ring.test.clock"
local options = require "nylon_ring.options"
local task = require "nylon_ring.task"

local M = {}

local EVENTUALLY = { within = true, every = true }
local NO_REPLY = { within = true }

---Asks until the answer is true, or the time is over. What is raised is as good as false.
---@async
---@param ask fun(): { raised: boolean, [1]: any }
---@param opts? { within?: number, every?: number } milliseconds: 1,000 and 5 by default
---@return { raised: boolean, [1]: any } last
---@return number after so many milliseconds, of those that it has
function M.until_true(ask, opts)
    opts = opts or {}
    options.check("assert.eventually", opts, EVENTUALLY)
    local within = options.limit("within", opts.within, 1000)
    local every = options.limit("every", opts.every, 5)
    local elapsed, pass = clock.stopwatch()
    local last = ask()
    while (last.raised or not last[1]) and elapsed() < within do
        pass(math.min(every, within - elapsed()))
        last = ask()
    end
    return last, math.min(elapsed(), within)
end

-- The end of a task, as its values; without raising what it failed with.
local function values_of(ended)
    if ended._state == "ok" then
        return ended._values
    end
    ended._delivered = true
    return { nil, ended._err, n = 2 }
end

---Waits for the end of a task, or of a function that is run as one and cancelled when the time is over.
---@async
---@param what fun()|nylon_ring.Task
---@param opts? { within?: number } milliseconds, 50 by default
---@return table|nil values what it answered; nil where it did not
---@return number after so many milliseconds
function M.for_end(what, opts)
    opts = opts or {}
    options.check("assert.no_reply", opts, NO_REPLY)
    local within = options.limit("within", opts.within, 50)
    local elapsed, pass = clock.stopwatch()
    local running = type(what) == "function" and task.spawn(what) or what
    while not running._done and elapsed() < within do
        pass(math.min(5, within - elapsed()))
    end
    if running._done then
        return values_of(running), elapsed()
    elseif running ~= what then
        running:cancel "no reply came"
        running:join()
    end
    return nil, within
end

return M
