-- What an expression came to: how its values are kept by a session, and shown.

local environment = require "nylon_ring.repl.environment"
local errors = require "nylon_ring.errors"

local M = {}

---@alias nylon_ring.repl.Kind
---| "answer" a plugin's: its status and its body
---| "failure" an error that came as a value, `nil, err`
---| "values" anything else

local function is_answer(entry, values)
    return values.n == 2 and type(values[1]) == "number" and type(values[2]) == "string"
        and entry.text:find("[.:][%w_]*call%f[^%w_]") ~= nil
end

-- luv's third value beside nil and a text.
local function is_luv_error(name)
    return type(name) == "string" and name:match "^E[%u%d]+$" ~= nil
end

local function kind_of(entry, values)
    if is_answer(entry, values) then
        return "answer"
    elseif values[1] == nil and (errors.is(values[2]) or values.n == 3 and is_luv_error(values[3])) then
        return "failure"
    end
    return "values"
end

---Keeps the values of an expression as the session's last ones, and notes them for `:save` and `:spec`.
---@param session nylon_ring.repl.Session
---@param entry nylon_ring.repl.Entry
---@param values { n: integer }
---@return nylon_ring.repl.Kind
function M.keep(session, entry, values)
    local kind = kind_of(entry, values)
    environment.keep(session.env, values, kind == "answer" and values[2] or values[1])
    session.notes:came(entry.record, kind, values)
    if kind == "failure" then
        session:keep_failure(values[2])
    end
    return kind
end

---Shows them.
---@param session nylon_ring.repl.Session
---@param kind nylon_ring.repl.Kind
---@param values { n: integer }
---@param nanoseconds number
---@param background boolean nobody waited for them
function M.show(session, kind, values, nanoseconds, background)
    if kind == "answer" then
        session.out.show_answer(session, values[1], values[2], nanoseconds)
    elseif kind == "failure" then
        session.out.show_failure(session, values[2], nanoseconds)
    else
        session.out.show_values(session, values, nanoseconds, background)
    end
end

return M
