-- Several tasks as one step: `nr.all`, `nr.any`, `nr.race`, `nr.map`.
--
-- Each function runs as a task of its own, a child of the one that waits; all of them are done when the
-- combinator returns, what is not needed any more was cancelled. A function fails when it answers `nil,
-- err` or when it raises. The first failure is the outcome: `nil, err` is answered, an error is raised;
-- errors that follow it (of cleaning up) go to `nr.on_error`. Where a combinator answers one value for
-- each function, that is the function's first; `task:join()` has all of them.

local errors = require "nylon_ring.errors"
local Group = require "nylon_ring.group"
local options = require "nylon_ring.options"
local report = require "nylon_ring.report"
local task = require "nylon_ring.task"

local ipairs, pairs, type = ipairs, pairs, type

local M = {}

local MAP = { limit = true }

local function check_functions(functions, name)
    if type(functions) ~= "table" then
        error(("%s takes a table of functions, not a %s"):format(name, type(functions)), 3)
    end
    for key, fn in pairs(functions) do
        if type(fn) ~= "function" then
            error(("%s takes functions; [%s] is a %s"):format(name, tostring(key), type(fn)), 3)
        end
    end
end

local function check_some(functions, name)
    check_functions(functions, name)
    if #functions == 0 then
        error(name .. " takes a list of one function at least", 3)
    end
end

-- A member of `all` or `map` is done: its value, or the failure that ends the whole.
local function collect(group, key, member)
    if member._state == "failed" then
        return group:fail(member)
    elseif group.stopped then
        return
    end
    local failed, err = Group.failure(member)
    if failed then
        group.failed = err
        group:stop()
    else
        group.results[key] = member._values[1]
    end
end

-- Waits for the rest of `all` or `map`.
local function results_of(group)
    group:wait(0)
    group:raise()
    if group.failed ~= nil then
        return nil, group.failed
    end
    return group.results
end

---Runs functions at the same time. Answers their results under the same keys; `nil, err` when one answers
---that; raises when one raises. The others are cancelled then.
---
---     local r = assert(nr.all { user = load_user, posts = load_posts })
---@async
---@generic K
---@param functions table<K, fun(): any>
---@return table<K, any>|nil results
---@return any err
function M.all(functions)
    check_functions(functions, "nr.all")
    local group = Group.new(task.must_suspend(), "nr.all", collect)
    group.results = {}
    for key, fn in pairs(functions) do
        if group.stopped then
            break
        end
        group:start(key, fn)
    end
    return results_of(group)
end

-- One line of why every function of `any` failed.
local function all_failed(failures, count)
    local lines = {}
    for index = 1, count do
        lines[index] = report.text_of(failures[index])
    end
    return errors.new {
        code = "task_failed",
        message = ("all %d functions failed: %s"):format(count, table.concat(lines, "; ")),
        cause = failures[1],
    }
end

local function take_first_success(group, key, member)
    if group.winner then
        if member._state == "failed" then
            group:fail(member)
        end
        return
    end
    local failed, err = Group.failure(member)
    if failed then
        group.failures[key] = err
    else
        group.winner = member
        group:stop()
    end
end

-- Starts all functions of a list, until the group needs no more.
local function start_each(group, functions)
    for index, fn in ipairs(functions) do
        if group.stopped then
            break
        end
        group:start(index, fn)
    end
    group:wait(0)
end

---Runs functions at the same time, and answers what the first one returns that does not fail. When all
---fail: `nil, err`, an Error `task_failed` that names each.
---@async
---@param functions (fun(): any)[]
---@return any ...
function M.any(functions)
    check_some(functions, "nr.any")
    local group = Group.new(task.must_suspend(), "nr.any", take_first_success)
    group.failures = {}
    start_each(group, functions)
    group:raise()
    if group.winner then
        return Group.values(group.winner)
    end
    return nil, all_failed(group.failures, #functions)
end

local function take_first(group, _, member)
    if not group.winner then
        group.winner = member
        group:stop()
    elseif member._state == "failed" then
        group:fail(member)
    end
end

---Runs functions at the same time, and answers or raises what the first one does that is done.
---@async
---@param functions (fun(): any)[]
---@return any ...
function M.race(functions)
    check_some(functions, "nr.race")
    local group = Group.new(task.must_suspend(), "nr.race", take_first)
    start_each(group, functions)
    group:raise()
    return task.outcome(group.winner)
end

local function items_of(list)
    if type(list) == "function" then
        return list
    end
    local index = 0
    return function()
        index = index + 1
        return list[index]
    end
end

-- Hands items out while there is room; runs in the task that waits, or in one of its own where the
-- items come from an iterator, which may suspend.
local function feed(group, items, fn, limit, own)
    local index = 0
    for item in items do
        if group.stopped then
            return
        end
        index = index + 1
        group:start(index, fn, item, index)
        group:wait(limit - 1 + own)
    end
end

local FEEDER = {}

local function collect_mapped(group, key, member)
    if key ~= FEEDER or member._state == "failed" then
        collect(group, key, member)
    end
end

local function check_map(list, fn, given)
    local kind = type(list)
    if kind ~= "table" and kind ~= "function" then
        error(("nr.map takes a list or an iterator, not a %s"):format(kind), 3)
    elseif type(fn) ~= "function" then
        error(("nr.map takes a function, not a %s"):format(type(fn)), 3)
    end
    if given ~= nil then
        options.check("nr.map", given, MAP)
    end
    local limit = given and given.limit or math.huge
    if type(limit) ~= "number" or limit ~= limit or limit < 1 then
        error("nr.map's limit is a number from 1 on", 3)
    end
    return limit
end

---@class nylon_ring.MapOptions
---@field limit? integer how many run at the same time; all, where there is none

---Calls `fn(item, index)` for every item, each in a task of its own, and answers the list of their
---first values in the order of the items; `nil, err` when one answers that, and raises when one raises.
---`list` may be an iterator that suspends: items are asked for when there is room.
---@async
---@generic T, R
---@param list T[]|fun(): T|nil
---@param fn fun(item: T, index: integer): R
---@param given? nylon_ring.MapOptions
---@return R[]|nil results
---@return any err
function M.map(list, fn, given)
    local limit = check_map(list, fn, given)
    local group = Group.new(task.must_suspend(), "nr.map", collect_mapped)
    group.results = {}
    local items = items_of(list)
    if items == list then
        group:start(FEEDER, feed, group, items, fn, limit, 1)
    else
        feed(group, items, fn, limit, 0)
    end
    return results_of(group)
end

return M
