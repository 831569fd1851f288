-- Raises what a script did wrong, at the place in the script.

local core = require "nylon_ring.core"

local home = debug.getinfo(1, "S").source:gsub("misuse%.lua$", "")

-- The level, as `error` of the function that calls this counts, of the first function that is not ours.
local function caller()
    for level = 3, math.huge do
        local info = debug.getinfo(level, "S")
        if not info then
            return 0
        elseif info.what ~= "C" and info.source ~= "=nylon_ring" and info.source:sub(1, #home) ~= home then
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
