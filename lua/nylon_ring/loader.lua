-- `require` and `dofile` in Lua, so that a module may suspend while it loads: the built-in ones call it
-- from C, where nothing can.
--
-- A module is loaded by one task. Another task that requires it meanwhile waits for that; the same
-- task, or a ring of tasks that would wait for each other, has found a cycle and raises the chain of
-- names. Everything else is as the built-in does it: package.loaded first, then package.loaders in
-- order.

local core = require "nylon_ring.core"
local misuse = require "nylon_ring.misuse"
local task = require "nylon_ring.task"

local error, ipairs, pcall, type, xpcall = error, ipairs, pcall, type, xpcall
local loaded = package.loaded

local M = {}

---@class nylon_ring.Loading
---@field name string
---@field owner thread|string the task that loads it; MAIN outside of tasks
---@field below? nylon_ring.Loading what the owner was loading when this was required
---@field waiting nylon_ring.Task[]
---@field failed? boolean
---@field err? any

local MAIN = "main"

---@type table<string, nylon_ring.Loading>
local loading = {}
-- What a task is loading, the innermost; and what a task waits for.
local innermost, awaited = {}, {}

local function find_loader(name)
    local tried = {}
    for _, loader in ipairs(package.loaders) do
        -- protected: called from here, a built-in one would blame this line for a module's error
        local ok, found = xpcall(loader, task.keep_stack, name)
        if not ok then
            error(found, 0)
        elseif type(found) == "function" then
            return found
        elseif type(found) == "string" then
            tried[#tried + 1] = found
        end
    end
    return nil, ("module '%s' not found:%s"):format(name, table.concat(tried))
end

local function load_module(name)
    local chunk, problem = find_loader(name)
    if not chunk then
        error(problem, 0)
    end
    local value = chunk(name)
    if value ~= nil then
        loaded[name] = value
    elseif loaded[name] == nil then
        loaded[name] = true
    end
    return loaded[name]
end

local function finish(record, ok, value)
    loading[record.name] = nil
    innermost[record.owner] = record.below
    record.failed, record.err = not ok, value
    for _, waiting in ipairs(record.waiting) do
        task.wake(waiting)
    end
    if not ok then
        error(value, 0)
    end
    return value
end

local function load_here(name, me)
    local record = { name = name, owner = me, below = innermost[me], waiting = {} }
    loading[name], innermost[me] = record, record
    return finish(record, xpcall(load_module, task.keep_stack, name))
end

-- The names from what is being loaded down to what is required now, when that ends where it began.
local function find_cycle(record, me)
    local names = { record.name }
    local at = record
    while at do
        local top = innermost[at.owner]
        while top and top ~= at do
            table.insert(names, 2, top.name)
            top = top.below
        end
        if at.owner == me then
            return names
        end
        at = awaited[at.owner]
        names[#names + 1] = at and at.name
    end
    return nil
end

local function check_cycle(record, me)
    local names = find_cycle(record, me)
    if names then
        names[#names + 1] = record.name
        misuse("modules require each other: %s", table.concat(names, " -> "))
    end
end

local function wait_for(record, me)
    if me == MAIN then
        local text = "module '%s' is being loaded by a task that is suspended; a task could wait for it"
        error(text:format(record.name), 2)
    end
    local current = task.must_suspend()
    record.waiting[#record.waiting + 1] = current
    awaited[me] = record
    local ok, err = pcall(task.park, current, nil, "the loading of module " .. record.name)
    awaited[me] = nil
    if not ok then
        error(err, 0)
    elseif record.failed then
        error(record.err, 0)
    end
    return loaded[record.name]
end

---`require`, in which a module may suspend.
---@param name string
---@return any module
function M.require(name)
    if type(name) ~= "string" and type(name) ~= "number" then
        local got = name == nil and "no value" or type(name)
        error(("bad argument #1 to 'require' (string expected, got %s)"):format(got), 2)
    end
    name = tostring(name)
    local record = loading[name]
    if not record then
        local module = loaded[name]
        if module then
            return module
        end
        return load_here(name, core.running() or MAIN)
    end
    local me = core.running() or MAIN
    check_cycle(record, me)
    return wait_for(record, me)
end

---`dofile`, in which the file may suspend.
---@param path? string standard input where there is none
---@return any ...
function M.dofile(path)
    local chunk, problem = loadfile(path)
    if not chunk then
        error(problem, 0)
    end
    return chunk()
end

return M
