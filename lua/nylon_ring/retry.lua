-- `nr.retry`: again, after a growing pause.

local await = require "nylon_ring.await"
local errors = require "nylon_ring.errors"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local task = require "nylon_ring.task"

local ipairs, type, xpcall = ipairs, type, xpcall
local max, min, random = math.max, math.min, math.random

local M = {}

---@class nylon_ring.RetryOptions
---@field delay? number the first pause in milliseconds; default 100
---@field factor? number by which each pause is longer than the one before; default 2
---@field max_delay? number no pause is longer; default 10,000
---@field jitter? number 0 to 1: this part of each pause is left to chance; default 0
---@field when? fun(err: any, attempt: integer): any whether to try again after this error

local KNOWN = { delay = true, factor = true, max_delay = true, jitter = true, when = true }
local NUMBERS = { "delay", "factor", "max_delay", "jitter" }

local function check_given(given)
    options.check("nr.retry", given, KNOWN)
    for _, name in ipairs(NUMBERS) do
        local value = given[name]
        if value ~= nil and (type(value) ~= "number" or value ~= value or value < 0) then
            misuse("nr.retry's %s must be a number, 0 or more", name)
        end
    end
    if given.when ~= nil and type(given.when) ~= "function" then
        misuse("nr.retry's when is a function(err, attempt), not a %s", type(given.when))
    end
end

local function check(attempts, fn, given)
    if type(attempts) ~= "number" or attempts ~= attempts or attempts < 1 then
        error("nr.retry takes the number of attempts first, 1 at least", 3)
    elseif type(fn) ~= "function" then
        error(("nr.retry takes a function, not a %s"):format(type(fn)), 3)
    elseif given ~= nil then
        check_given(given)
    end
end

local function pause(given, attempt)
    local delay = (given.delay or 100) * (given.factor or 2) ^ (attempt - 1)
    delay = min(delay, given.max_delay or 10000)
    return max(delay * (1 - (given.jitter or 0) * random()), 0)
end

-- Only what the API answers or raises by design is tried again; any other error is a fault in the script.
local function is_worth_it(given, raised, err, attempt)
    if given.when then
        return given.when(err, attempt)
    end
    return not raised or errors.is(err)
end

-- One attempt's outcome: whether it is final, then what it answered.
local function judge(given, attempt, last, ok, ...)
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
    if not last and is_worth_it(given, not ok, err, attempt) then
        return false
    elseif not ok then
        error(err, 0)
    end
    return true, ...
end

local function loop(attempts, fn, given, attempt, final, ...)
    if final then
        return ...
    end
    if attempt > 0 then
        await.sleep(pause(given, attempt))
    end
    attempt = attempt + 1
    local last = attempt >= attempts
    return loop(attempts, fn, given, attempt,
        judge(given, attempt, last, xpcall(fn, task.keep_stack, attempt)))
end

---Calls `fn(attempt)` up to so many times, until it does not fail: until it answers something else than
---`nil, err` and raises no Error of ours. Errors that are a fault in the script are raised at once.
---Between the attempts it sleeps, 100, 200, 400 ms ... where the options say nothing else. The last
---failure is the outcome.
---@async
---@generic T
---@param attempts integer
---@param fn fun(attempt: integer): T...
---@param given? nylon_ring.RetryOptions
---@return T ...
function M.retry(attempts, fn, given)
    check(attempts, fn, given)
    return loop(attempts, fn, given or {}, 0, false)
end

return M
