--- The summary of many calls: how many, how long, how fast.
local json = require "nylon_ring.cli.json"

---@class nylon_ring.cli.Latency
---@field _times number[] nanoseconds
---@field _ok integer
local Latency = {}
Latency.__index = Latency

---@return nylon_ring.cli.Latency
function Latency.new()
    return setmetatable({ _times = {}, _ok = 0 }, Latency)
end

--- Adds one call.
---@param nanoseconds number
---@param ok boolean
function Latency:add(nanoseconds, ok)
    self._times[#self._times + 1] = nanoseconds
    if ok then
        self._ok = self._ok + 1
    end
end

--- The numbers, times in microseconds; `elapsed` is the whole run's nanoseconds.
---@param elapsed number
---@return table
function Latency:numbers(elapsed)
    local times = self._times
    table.sort(times)
    local function quantile(share)
        return times[math.max(1, math.ceil(share * #times))] / 1e3
    end
    return {
        calls = #times,
        ok = self._ok,
        failed = #times - self._ok,
        p50_us = quantile(0.5),
        p99_us = quantile(0.99),
        max_us = times[#times] / 1e3,
        calls_per_second = math.floor(#times / (elapsed / 1e9) + 0.5),
    }
end

local function duration(microseconds)
    if microseconds < 1e3 then
        return ("%.2f µs"):format(microseconds)
    elseif microseconds < 1e6 then
        return ("%.2f ms"):format(microseconds / 1e3)
    end
    return ("%.2f s"):format(microseconds / 1e6)
end

--- The summary as a line for people.
---@param elapsed number
---@return string
function Latency:text(elapsed)
    local n = self:numbers(elapsed)
    return ("%d calls: %d ok, %d failed; p50 %s, p99 %s, max %s; %d calls/s"):format(
        n.calls, n.ok, n.failed, duration(n.p50_us), duration(n.p99_us), duration(n.max_us),
        n.calls_per_second)
end

local order = { "calls", "ok", "failed", "p50_us", "p99_us", "max_us", "calls_per_second" }

--- The summary as a JSON object.
---@param elapsed number
---@return string
function Latency:json(elapsed)
    local n, fields = self:numbers(elapsed), {}
    for i, key in ipairs(order) do
        fields[i] = { key, n[key] }
    end
    return json.object(fields)
end

return Latency
