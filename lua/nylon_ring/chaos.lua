-- `nr.chaos`: a plugin that behaves as badly as it is told to, around one that does not.
--
--     local shaky = nr.chaos(echo, { delay = { 1, 20 }, drop = 0.1, duplicate = 0.1, fail = 0.2, seed = 7 })
--
-- The same seed and the same calls, made one after the other, give the same faults. It leaves the inner
-- plugin as it is: unload both.

local core = require "nylon_ring.core"
local await = require "nylon_ring.await"
local lua_plugin = require "nylon_ring.lua_plugin"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local relay = require "nylon_ring.lua_plugin.relay"
local uv = require "luv"

local type = type

local statuses = core.statuses

local M = {}

local KNOWN = { delay = true, drop = true, duplicate = true, fail = true, seed = true, name = true }

---@class nylon_ring.ChaosOptions
---@field delay? number|{ [1]: number, [2]: number } milliseconds before each answer and frame, or from and to
---@field drop? number share (0 to 1) of answers and frames that never come
---@field duplicate? number share that comes twice
---@field fail? number share of calls that are answered with status Err in place of the plugin
---@field seed? integer of the faults; a new one each time by default, told by `tostring`
---@field name? string of the wrapped one; the plugin's with the seed by default

local function check_share(name, value)
    value = value or 0
    if type(value) ~= "number" or not (value >= 0 and value <= 1) then
        misuse("%s must be a share from 0 to 1", name)
    end
    return value
end

local function check_delay(delay)
    local from, to = delay or 0, delay or 0
    if type(delay) == "table" then
        from, to = delay[1], delay[2]
    end
    if type(from) ~= "number" or type(to) ~= "number" or not (from >= 0 and to >= from) then
        misuse "delay must be a number of milliseconds, or { from, to }"
    end
    return from, to
end

local function check_seed(seed)
    seed = seed or uv.hrtime() % 2147483646
    if type(seed) ~= "number" or seed < 0 or seed % 1 ~= 0 then
        misuse "seed must be a whole number, 0 or more"
    end
    return seed
end

-- Numbers from 0 to 1 that only depend on the seed (Lehmer's generator): `math.random` is everybody's.
local function dice(seed)
    local state = seed % 2147483646 + 1
    local function roll()
        state = state * 48271 % 2147483647
        return state / 2147483647
    end
    for _ = 1, 8 do -- the first ones of small seeds are all small
        roll()
    end
    return roll
end

---@class nylon_ring.Chaos
---@field roll fun(): number
local Chaos = {}
Chaos.__index = Chaos

function Chaos:hits(share)
    return share > 0 and self.roll() < share
end

function Chaos:wait()
    if self.to > 0 then
        await.sleep(self.from + (self.to - self.from) * self.roll())
    end
end

-- Sends an answer or a frame by `send`: late, twice or not at all.
function Chaos:pass(send)
    self:wait()
    if self:hits(self.drop) then
        return true
    end
    local twice = self:hits(self.duplicate)
    local taken = send()
    if twice then
        send()
    end
    return taken
end

local function pass_stream(chaos, plugin, call)
    local stream, err = plugin:call_stream(call:request())
    if not stream then
        return nil, err
    end
    relay.frames(call, stream, function(_, status, data)
        return chaos:pass(function()
            return relay.send(call, status, data)
        end)
    end)
end

local function pass_call(chaos, plugin, call)
    local status, body = plugin:call(call:request())
    chaos:pass(function()
        if status then
            return call:reply(status, body)
        end
        return call:stop(body)
    end)
end

local function handle(chaos, plugin, call)
    if chaos:hits(chaos.fail) then
        chaos:wait()
        call:fail(statuses.ERR, "chaos")
    elseif call.notified then
        plugin:notify(call:request())
    elseif call.stream then
        return pass_stream(chaos, plugin, call)
    else
        return pass_call(chaos, plugin, call)
    end
end

---Wraps a plugin, native or written in Lua, in faults.
---@param plugin nylon_ring.Plugin
---@param opts nylon_ring.ChaosOptions
---@return nylon_ring.LuaPlugin
function M.chaos(plugin, opts)
    if type(plugin) ~= "table" or type(plugin.call_stream) ~= "function" then
        misuse("nr.chaos takes a plugin, not %s", type(plugin))
    end
    options.check("nr.chaos", opts, KNOWN)
    local seed = check_seed(opts.seed)
    local from, to = check_delay(opts.delay)
    local chaos = setmetatable({
        roll = dice(seed),
        from = from,
        to = to,
        drop = check_share("drop", opts.drop),
        duplicate = check_share("duplicate", opts.duplicate),
        fail = check_share("fail", opts.fail),
    }, Chaos)
    return lua_plugin.plugin_from_lua({
        ["*"] = function(call)
            return handle(chaos, plugin, call)
        end,
    }, { name = opts.name or ("%s with chaos %d"):format(plugin.name, seed) })
end

return M
