-- `coroutine.resume` and `coroutine.wrap` for scripts that suspend inside coroutines of their own, such
-- as generators: a suspension goes through to the task, everything else is as it was.
--
--     task ── resume ──▶ the script's coroutine ── suspends ──▶ marker
--      ▲                                                          │ handed on, not the script's to see
--      └──────────────── yields it to the scheduler ◀─────────────┘
--
-- What the scheduler resumes the task with goes back down the same way.

local core = require "nylon_ring.core"

local create, raw_resume, raw_yield = coroutine.create, coroutine.resume, coroutine.yield
local error, rawequal, type = error, rawequal, type
local marker = core.marker

local M = {}

-- What came out of a coroutine: the script's own values, or a suspension on its way to the scheduler.
local function pass(co, ok, ...)
    if ok and rawequal((...), marker) then
        return pass(co, raw_resume(co, raw_yield(...)))
    end
    return ok, ...
end

---`coroutine.resume`, through which a task may suspend.
---@param co thread
---@param ... any
---@return boolean ok
---@return any ...
function M.resume(co, ...)
    return pass(co, raw_resume(co, ...))
end

local function answer(ok, ...)
    if ok then
        return ...
    end
    local err = ...
    -- As the built-in does it: only its own complaint is blamed on the caller.
    error(err, err == "cannot resume dead coroutine" and 2 or 0)
end

---`coroutine.wrap`, through which a task may suspend.
---@param fn function
---@return fun(...: any): any ...
function M.wrap(fn)
    if type(fn) ~= "function" then
        local got = fn == nil and "no value" or type(fn)
        error(("bad argument #1 to 'wrap' (function expected, got %s)"):format(got), 2)
    end
    local co = create(fn)
    return function(...)
        return answer(pass(co, raw_resume(co, ...)))
    end
end

return M
