-- Errors as values: what `nil, err` answers and what a cancelled or expired suspension raises.

local core = require "nylon_ring.core"

local getmetatable, setmetatable = getmetatable, setmetatable

local M = {}

---@class nylon_ring.Error
---@field code string stable, lower_snake; one of `nr.codes` or of a scheduler's own
---@field message string one line for people: cause and cure
---@field plugin? string the name of the one that it is about
---@field sid? string the call that it is about
---@field status? integer what the plugin answered
---@field cause? any the error behind this one
---@field traceback? string the stacks of the tasks it went through
local Error = core.error_meta -- shared with the errors that C makes
Error.__index = Error
Error.__name = "nylon_ring.Error"

function Error.__tostring(err)
    return ("%s (%s)"):format(err.message, err.code)
end

---@param fields table those of the class; `code` and `message` at least
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
