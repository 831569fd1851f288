--- `nr.test.async_it`: specs and hooks that are tasks under every runner, so that one file serves
--- `nylon-ring test`, a stock busted and its like.
---
---     local nr = require "nylon_ring"
---     local it, before_each = nr.test.async_it(it), nr.test.async_it(before_each)
local core = require "nylon_ring.core"
local limits = require "nylon_ring.test.limits"
local misuse = require "nylon_ring.misuse"
local nr = require "nylon_ring"
local report = require "nylon_ring.report"
local stage = require "nylon_ring.test.stage"

local M = {}

--- What is to be done at the end of a body, in its task. Without, the task waits for all that it made.
function M.on_end() end

-- What was raised in a body, with the body's place where it has none: busted would take ours.
local function placed(err, place)
    local kind = stage.raised_kind(err)
    if kind == "pending" then
        err.message = ("%s: %s"):format(place, tostring(err.message))
    end
    local text = report.text_of(err)
    if kind == "pending" or kind == "failure" or text:find "^[^\n]-:%d+: " then
        return err
    end
    return ("%s: %s"):format(place, text)
end

local function finish(place, ok, ...)
    local late = limits.end_body()
    if not ok then
        error(placed((...), place), 0)
    elseif late then
        error(placed(late, place), 0)
    end
    return ...
end

local function ended(...)
    M.on_end()
    return ...
end

local function run(body, ...)
    local info = debug.getinfo(body, "S")
    return finish(("%s:%d"):format(info.short_src, info.linedefined), pcall(nr.run, function(...)
        limits.begin_body()
        return ended(body(...))
    end, ...))
end

-- It sees the globals that the body does: busted looks at those of what it is given.
local function as_task(body)
    local function run_as_task(...)
        if core.running() then
            return body(...)
        end
        return run(body, ...)
    end
    return setfenv(run_as_task, getfenv(body))
end

local function wrap(register)
    return function(...)
        local args, count = { ... }, select("#", ...)
        local body = args[count]
        if type(body) ~= "function" then
            local more = register(...) -- as in: it "name" (function() ... end)
            return type(more) == "function" and wrap(more) or more
        end
        args[count] = as_task(body)
        return register(unpack(args, 1, count))
    end
end

---Wraps `it`, or what else takes the body of a spec or hook as its last argument: the body runs as a task.
---Where specs are tasks already it runs as it is. `nr.test.limit` holds for it.
---@generic T: function
---@param register T
---@return T
function M.async_it(register)
    local meta = getmetatable(register)
    if type(register) ~= "function" and not (type(meta) == "table" and meta.__call) then
        misuse("nr.test.async_it takes `it`, or another function that takes a body; not %s", type(register))
    end
    stage.watch()
    return wrap(register)
end

return M
