-- The globals that a session's lines see: those of the program, plugins by their names, the values of
-- the lines before, and a `print` that writes to this session. Assignments go to the program's globals.

local nr = require "nylon_ring"

local M = {}

---@param write fun(text: string)
---@return table
function M.new(write)
    local env = {
        nr = nr,
        uv = require "luv",
        print = function(...)
            local parts = {}
            for index = 1, select("#", ...) do
                parts[index] = tostring((select(index, ...)))
            end
            write(table.concat(parts, "\t") .. "\n")
        end,
    }
    return setmetatable(env, {
        __index = function(_, name)
            local value = rawget(_G, name)
            if value == nil and type(name) == "string" then
                value = nr.plugin(name)
            end
            if value == nil then
                return _G[name] -- a program may have given its globals a metatable that complains
            end
            return value
        end,
        __newindex = _G,
    })
end

---Keeps the values of a line: `_1`, `_2` and so on, and in `_` what the line was about.
---@param env table
---@param values { n: integer }
---@param main any
function M.keep(env, values, main)
    for index = 1, math.max(values.n, rawget(env, M) or 0) do
        rawset(env, "_" .. index, values[index])
    end
    rawset(env, M, values.n)
    rawset(env, "_", main)
end

return M
