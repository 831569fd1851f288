--- The summary of many calls: how many, how long, how fast, and what went wrong.
local json = require "nylon_ring.io.json"
local text = require "nylon_ring.io.text"

---@class nylon_ring.io.Latency
---@field _times number[] nanoseconds
---@field _ok integer
---@field _failures table<string, integer> how often each outcome that is not good
---@field _names string[] those outcomes, in the order of their first time
local Latency = {}
Latency.__index = Latency

---@return nylon_ring.io.Latency
function Latency.new()
    return setmetatable({ _times = {}, _ok = 0, _failures = {}, _names = {} }, Latency)
end

--- Adds one call.
---@param nanoseconds number
---@param failure string|nil the name of an outcome that is not good
function Latency:add(nanoseconds, failure)
    self._times[#self._times + 1] = nanoseconds
    if not failure then
        self._ok = self._ok + 1
        return
    end
    if not self._failures[failure] then
        table.insert(self._names, failure)
    end
    self._failures[failure] = (self._failures[failure] or 0) + 1
end

--- All times, the shortest first.
---@return number[] nanoseconds
function Latency:times()
    table.sort(self._times)
    return self._times
end

--- The numbers, times in microseconds; `elapsed` is the whole run's nanoseconds. Of no
--- call at all there are no times.
---@param elapsed number
---@return table
function Latency:numbers(elapsed)
    local times = self:times()
    local function quantile(share)
        local time = times[math.max(1, math.ceil(share * #times))]
        return time and time / 1e3
    end
    return {
        calls = #times,
        ok = self._ok,
        failed = #times - self._ok,
        p50_us = quantile(0.5),
        p90_us = quantile(0.9),
        p99_us = quantile(0.99),
        max_us = quantile(1),
        calls_per_second = math.floor(#times / (elapsed / 1e9) + 0.5),
    }
end

--- The summary for people: a line, and one more for each kind of failure.
---@param elapsed number
---@return string
function Latency:text(elapsed)
    local n = self:numbers(elapsed)
    local function duration(microseconds)
        return text.time(microseconds * 1e3)
    end
    if n.calls == 0 then
        return "0 calls"
    end
    local lines = { ("%s: %d ok, %d failed; p50 %s, p90 %s, p99 %s, max %s; %d calls/s"):format(
        text.plural(n.calls, "call"), n.ok, n.failed, duration(n.p50_us), duration(n.p90_us),
        duration(n.p99_us), duration(n.max_us), n.calls_per_second) }
    for _, name in ipairs(self._names) do
        table.insert(lines, ("%8d %s"):format(self._failures[name], name))
    end
    return table.concat(lines, "\n")
end

local order = { "calls", "ok", "failed", "p50_us", "p90_us", "p99_us", "max_us", "calls_per_second" }

--- The summary as a JSON object; `failures` in it counts them by name.
---@param elapsed number
---@return string
function Latency:json(elapsed)
    local n, fields = self:numbers(elapsed), {}
    for i, key in ipairs(order) do
        fields[i] = { key, n[key] }
    end
    table.insert(fields, { "failures", #self._names > 0 and self._failures or nil })
    return json.object(fields)
end

return Latency
