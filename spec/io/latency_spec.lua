local bench = require "nylon_ring.repl.bench"
local latencies = require "nylon_ring.io.latency"

-- Times that grow evenly, as many as `count`.
local function evenly(count)
    local latency = latencies.new()
    for time = 1000, count * 1000, 1000 do
        latency:add(time)
    end
    return latency
end

describe("the summary of many calls", function()
    it("has quantiles that are off by no more than 1 %", function()
        local latency = evenly(100000)
        for _, share in ipairs { 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999 } do
            local right = share * 100000 * 1000
            assert.near(right, latency:quantile(share), right / 100)
        end
        assert.equal(1e8, latency:quantile(1))
    end)

    it("does not grow with the calls", function()
        local latency = latencies.new()
        local function add(count)
            for i = 1, count do
                latency:add(1000 + i % 1000)
            end
            return #latency:times()
        end
        assert.equal(add(1000), add(100000))
        assert.equal(101000, latency.calls)
    end)

    it("tells the one time that there is as it was, and none of none", function()
        local latency = latencies.new()
        assert.is_nil(latency:quantile(0.5))
        assert.equal("0 calls", latency:text(1))
        latency:add(12345)
        assert.same({ 12345, 12345 }, { latency:quantile(0.5), latency:quantile(1) })
        assert.equal("1 call: 1 ok, 0 failed; p50 12 µs, p90 12 µs, p99 12 µs, max 12 µs; 1 calls/s",
            latency:text(1e9))
    end)

    it("takes a time that the clock was too coarse for", function()
        local latency = latencies.new()
        latency:add(0)
        assert.equal(0, latency:quantile(1))
        assert.equal(0, latency:quantile(0.5))
    end)

    it("counts what went wrong by name", function()
        local latency = latencies.new()
        latency:add(1000, "timeout")
        latency:add(1000)
        latency:add(1000, "timeout")
        assert.equal('{"calls":3,"ok":1,"failed":2,"p50_us":1,"p90_us":1,"p99_us":1,"max_us":1,'
            .. '"calls_per_second":3,"failures":{"timeout":2}}', latency:json(1e9))
    end)

    it("is drawn as a histogram that counts each call", function()
        local drawn = bench.histogram(evenly(1000), 60)
        local sum = 0
        for count in (drawn .. "\n"):gmatch "(%d+)\n" do
            sum = sum + count
        end
        assert.equal(1000, sum)
    end)
end)
