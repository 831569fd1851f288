-- Errors as values: what `nil, err` answers and what a cancelled or expired suspension raises.

local getmetatable, setmetatable = getmetatable, setmetatable

local M = {}

---@class nylon_ring.Error
---@field code string stable, lower_snake
---@field message string one line for people: cause and cure
---@field plugin? string
---@field sid? any
---@field status? integer what the plugin answered
---@field cause? any the error behind this one
---@field traceback? string the stacks of the tasks it went through
local Error = {}
Error.__index = Error
Error.__name = "nylon_ring.Error"

function Error.__tostring(err)
    local plugin = err.plugin and err.plugin .. ": " or ""
    return ("%s%s (%s)"):format(plugin, err.message, err.code)
end

---@param fields { code: string, message: string, plugin?: string, sid?: any, status?: integer, cause?: any }
---@return nylon_ring.Error
function M.new(fields)
    return setmetatable(fields, Error)
end

---Whether a value is an Error, and one with this code where one is given.
---@param value any
---@param code? string
---@return boolean
function M.is(value, code)
    return getmetatable(value) == Error and (code == nil or value.code == code)
end

return M
