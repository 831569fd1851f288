--- The summary of many calls: how many, how long, how fast, and what went wrong.
local json = require "nylon_ring.io.json"
local text = require "nylon_ring.io.text"

-- Times are counted in buckets, as in an HDR histogram (hdrhistogram.org): each is a 64th of a power of two
-- wide, so that a quantile is off by 1 % at most, and a run takes the same memory however long it is.
local PARTS = 64

---@class nylon_ring.io.Latency
---@field calls integer
---@field ok integer those that went well
---@field private _counts table<integer, integer> by bucket
---@field private _least number nanoseconds, as the next
---@field private _most number
---@field private _failures table<string, integer> how often each outcome that is not good
---@field private _names string[] those outcomes, in the order of their first time
local Latency = {}
Latency.__index = Latency

---@return nylon_ring.io.Latency
function Latency.new()
    return setmetatable({
        calls = 0, ok = 0, _counts = {}, _least = math.huge, _most = 0, _failures = {}, _names = {},
    }, Latency)
end

--- Adds one call.
---@param nanoseconds number
---@param failure string|nil the name of an outcome that is not good
function Latency:add(nanoseconds, failure)
    local bucket = math.floor(math.log(math.max(1, nanoseconds), 2) * PARTS)
    self.calls = self.calls + 1
    self._counts[bucket] = (self._counts[bucket] or 0) + 1
    self._least, self._most = math.min(self._least, nanoseconds), math.max(self._most, nanoseconds)
    if not failure then
        self.ok = self.ok + 1
        return
    end
    if not self._failures[failure] then
        table.insert(self._names, failure)
    end
    self._failures[failure] = (self._failures[failure] or 0) + 1
end

--- The times and how many calls took them, the shortest first.
---@return { time: number, count: integer }[] nanoseconds
function Latency:times()
    local times = {}
    for bucket, count in pairs(self._counts) do
        local middle = 2 ^ ((bucket + 0.5) / PARTS)
        table.insert(times, { time = math.max(self._least, math.min(middle, self._most)), count = count })
    end
    table.sort(times, function(a, b)
        return a.time < b.time
    end)
    return times
end

--- The time that a share of the calls did not exceed; nil of no calls.
---@param share number up to 1
---@return number|nil nanoseconds
function Latency:quantile(share)
    if share == 1 and self.calls > 0 then
        return self._most
    end
    local left = math.max(1, math.ceil(share * self.calls))
    for _, each in ipairs(self:times()) do
        left = left - each.count
        if left <= 0 then
            return each.time
        end
    end
end

--- The numbers, times in microseconds; `elapsed` is the whole run's nanoseconds. Of no
--- call at all there are no times.
---@param elapsed number
---@return table
function Latency:numbers(elapsed)
    local function quantile(share)
        local time = self:quantile(share)
        return time and math.floor(time + 0.5) / 1e3
    end
    return {
        calls = self.calls,
        ok = self.ok,
        failed = self.calls - self.ok,
        p50_us = quantile(0.5),
        p90_us = quantile(0.9),
        p99_us = quantile(0.99),
        max_us = quantile(1),
        calls_per_second = math.floor(self.calls / (elapsed / 1e9) + 0.5),
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
