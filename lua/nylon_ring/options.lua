-- Options tables: every name is known, every value makes sense, or the caller hears of it.

local misuse = require "nylon_ring.misuse"
local nearest = require "nylon_ring.nearest"

local ceil, pairs, tostring, type = math.ceil, pairs, tostring, type

local M = {}

local MAX = 2 ^ 52

---Raises for a name that is not known: says which one was probably meant, and which there are.
---@param what string what takes them, for the message
---@param kind string what the names are: "option", "field"
---@param name any
---@param known table<string, true>
function M.unknown(what, kind, name, known)
    local names = {}
    for each in pairs(known) do
        names[#names + 1] = each
    end
    table.sort(names)
    local near = nearest(tostring(name), names)
    misuse("%s has no %s '%s'%s; it has: %s", what, kind, tostring(name),
        near and (", perhaps '%s'"):format(near) or "", table.concat(names, ", "))
end

---Raises where `options` is not a table, or has a name that is not in `known`.
---@param what string the function, for the message
---@param options table
---@param known table<string, true>
function M.check(what, options, known)
    if type(options) ~= "table" then
        misuse("%s takes its options as a table, not %s", what, type(options))
    end
    for name in pairs(options) do
        if not known[name] then
            M.unknown(what, "option", name, known)
        end
    end
end

---Milliseconds or a limit: a number above 0; false for none, which is 0 for the bridge.
---@param name string
---@param value any
---@param default number what nil stands for
---@return number
function M.limit(name, value, default)
    if value == nil then
        return default
    elseif value == false or value == math.huge then
        return 0
    elseif type(value) ~= "number" or value ~= value or value <= 0 or value > MAX then
        misuse("%s must be a number above 0, or false for none", name)
    end
    return ceil(value)
end

---Milliseconds of grace: a number, 0 as well.
---@param value any
---@return number
function M.grace(value)
    if value == nil then
        return 5000
    elseif type(value) ~= "number" or value ~= value or value < 0 or value > MAX then
        misuse("grace must be a number of milliseconds, 0 or more")
    end
    return ceil(value)
end

return M
