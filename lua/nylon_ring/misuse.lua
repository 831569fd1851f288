-- Raises what a script did wrong, at the place in the script.

local core = require "nylon_ring.core"

-- Asserts of ours are called by luassert.
local LUASSERT = "/luassert/"

local home = debug.getinfo(1, "S").source:gsub("misuse%.lua$", "")

local function is_script(info)
    local source = info.source
    return info.what ~= "C" and source ~= "=nylon_ring" and source:sub(1, #home) ~= home
        and not source:find(LUASSERT, 1, true)
end

-- The level, as `error` of the function that calls this counts, of the first function that is not ours.
local function caller()
    for level = 3, math.huge do
        local info = debug.getinfo(level, "S")
        if not info then
            return 0
        elseif is_script(info) then
            return level - 1
        end
    end
end

core.home(home)

---@param message string names cause and cure; the rest as for `string.format`
---@param ... any
return function(message, ...)
    error(message:format(...), caller())
end
