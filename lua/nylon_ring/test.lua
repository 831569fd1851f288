-- `nylon_ring.test`, also `nr.test`: what specs need beyond busted. Nothing of it is loaded before it is
-- used.

local modules = require "nylon_ring.modules"

local parts = {
    allow_leaks = "nylon_ring.test.allowance",
    async_it = "nylon_ring.test.async",
    clock = "nylon_ring.test.clock",
    limit = "nylon_ring.test.limits",
    plugin = "nylon_ring.test.fixture",
    record = "nylon_ring.test.record",
    replay = "nylon_ring.test.replay",
}

---@class nylon_ring.test
---@field allow_leaks fun() what the spec that runs, or a block's specs, leave behind is no failure
---@field async_it fun(it: function): function runs bodies as tasks under a stock busted as well
---@field clock fun(): nylon_ring.test.Clock a clock that is moved by hand
---@field limit fun(ms: integer) the limit of the spec that runs, or of a block's specs
---@field plugin fun(path: string, opts?: nylon_ring.test.PluginOptions): nylon_ring.Plugin for a block
---@field record fun(plugin: nylon_ring.Plugin, path: string): nylon_ring.LuaPlugin writes answers down
---@field replay fun(path: string, opts?: nylon_ring.ReplayOptions): nylon_ring.LuaPlugin plays them
local M = {}

return setmetatable(M, {
    __index = function(_, name)
        if parts[name] then
            M[name] = require(parts[name])[name]
            modules.keep()
        end
        return rawget(M, name)
    end,
})
