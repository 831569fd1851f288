-- A test runner may forget modules between two files and load them anew. Those with a state, in C or of the
-- one scheduler a Lua state has, take their places again.

local core = require "nylon_ring.core"

local M = {}

core.modules = core.modules or {}

local function is_ours(name)
    return name:match "^nylon_ring%f[.%z]" or name == "luv" or name == "ffi" or name:match "^cjson%f[.%z]"
end

---Remembers what is loaded now.
function M.keep()
    for name, module in pairs(package.loaded) do
        if type(name) == "string" and is_ours(name) then
            core.modules[name] = module
        end
    end
end

---Puts back what was forgotten.
function M.restore()
    for name, module in pairs(core.modules) do
        package.loaded[name] = module
    end
end

return M
