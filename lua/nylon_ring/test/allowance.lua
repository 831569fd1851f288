--- `nr.test.allow_leaks`: where what is left behind is no failure.
local stage = require "nylon_ring.test.stage"

local M = {}

---@type table<table, true> by element
local allowed = setmetatable({}, { __mode = "k" })

---What is left behind is closed, but no failure: of the spec that this is called in; in a `describe` or at
---the top of a file of all its specs and hooks.
function M.allow_leaks()
    stage.watch()
    local element = stage.spec() or stage.block()
    if element then -- else a stock busted without our helper, which looks for none
        allowed[element] = true
    end
end

---@param element table|nil
---@return boolean
function M.is_allowed(element)
    return stage.setting(allowed, element) or false
end

return M
