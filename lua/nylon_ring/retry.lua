-- `nr.retry`: again, after a growing pause.

local await = require "nylon_ring.await"
local errors = require "nylon_ring.errors"
local task = require "nylon_ring.task"

local xpcall = xpcall
local max, min, random = math.max, math.min, math.random

local M = {}

---@class nylon_ring.RetryOptions
---@field delay? number the first pause in milliseconds; default 100
---@field factor? number by which each pause is longer than the one before; default 2
---@field max_delay? number no pause is longer; default 10,000
---@field jitter? number 0 to 1: this part of each pause is left to chance; default 0
---@field when? fun(err: any, attempt: integer): any whether to try again after this error

local function check(attempts, fn, options)
    if type(attempts) ~= "number" or attempts < 1 then
        error("nr.retry takes the number of attempts first, 1 at least", 3)
    elseif type(fn) ~= "function" then
        error(("nr.retry takes a function, not a %s"):format(type(fn)), 3)
    elseif options ~= nil and type(options) ~= "table" then
        error(("nr.retry's options are a table, not a %s"):format(type(options)), 3)
    end
end

local function pause(options, attempt)
    local delay = (options.delay or 100) * (options.factor or 2) ^ (attempt - 1)
    delay = min(delay, options.max_delay or 10000)
    return max(delay * (1 - (options.jitter or 0) * random()), 0)
end

-- Only what the API answers or raises by design is tried again; any other error is a fault in the script.
local function is_worth_it(options, raised, err, attempt)
    if options.when then
        return options.when(err, attempt)
    end
    return not raised or errors.is(err)
end

-- One attempt's outcome: whether it is final, then what it answered.
local function judge(options, attempt, last, ok, ...)
    local first, second = ...
    local err
    if ok then
        if first ~= nil or second == nil then
            return true, ...
        end
        err = second
    else
        task.rethrow_cancellation(first)
        err = first
    end
    if not last and is_worth_it(options, not ok, err, attempt) then
        return false
    elseif not ok then
        error(err, 0)
    end
    return true, ...
end

local function loop(attempts, fn, options, attempt, final, ...)
    if final then
        return ...
    end
    if attempt > 0 then
        await.sleep(pause(options, attempt))
    end
    attempt = attempt + 1
    local last = attempt >= attempts
    return loop(attempts, fn, options, attempt,
        judge(options, attempt, last, xpcall(fn, task.keep_stack, attempt)))
end

---Calls `fn(attempt)` up to so many times, until it does not fail: until it answers something else than
---`nil, err` and raises no Error of ours. Errors that are a fault in the script are raised at once.
---Between the attempts it sleeps, 100, 200, 400 ms ... where the options say nothing else. The last
---failure is the outcome.
---@async
---@generic T
---@param attempts integer
---@param fn fun(attempt: integer): T...
---@param options? nylon_ring.RetryOptions
---@return T ...
function M.retry(attempts, fn, options)
    check(attempts, fn, options)
    return loop(attempts, fn, options or {}, 0, false)
end

return M
