local cjson = require "cjson"
local support = require "spec.support"

local echo = support.plugin "echo"

local function call(...)
    return support.run { "call", ... }
end

describe("call --repeat", function()
    it("sums the calls up in one line", function()
        local got = call(echo, "/echo", "--repeat", "25")
        assert.equal(0, got.code)
        assert.matches("^25 calls: 25 ok, 0 failed; p50 %S+ %S+, p90 %S+ %S+, p99 %S+ %S+, max %S+ %S+; "
            .. "%d+ calls/s\n$", got.out)
    end)

    it("prints the numbers as JSON, in their order", function()
        local n = cjson.decode(call(echo, "/thread", "--repeat", "25", "--json").out)
        assert.equal(25, n.calls)
        assert.equal(25, n.ok)
        assert.is_nil(n.failures)
        assert.is_true(0 < n.p50_us and n.p50_us <= n.p90_us)
        assert.is_true(n.p90_us <= n.p99_us and n.p99_us <= n.max_us)
    end)

    it("leaves with 1 when a call failed, and counts the failures by name", function()
        local got = call(echo, "/no-such-path", "--repeat", "3")
        assert.equal(1, got.code)
        assert.matches("^3 calls: 0 ok, 3 failed; [^\n]*\n +3 Invalid\n$", got.out)
        assert.matches("^nylon%-ring call: [^\n]*refused[^\n]*\n$", got.err)
    end)

    it("repeats streams, each to its end", function()
        local got = call(echo, "/stream?frames=2", "--stream", "--repeat", "5")
        assert.equal(0, got.code)
        assert.matches("^5 calls: 5 ok, 0 failed", got.out)
    end)

    it("keeps as many calls in flight as --concurrency says", function()
        -- Each call waits for its whole timeout: one after the other these would take 400 ms at least.
        local got = call(support.plugin "fixture_never", "/", "--repeat", "8", "--concurrency", "8",
            "--timeout", "50", "--json")
        assert.equal(1, got.code)
        local n = cjson.decode(got.out)
        assert.same({ timeout = 8 }, n.failures)
        assert.is_true(n.calls_per_second > 20)
    end)

    it("counts one call as one", function()
        assert.matches("^1 call: 1 ok,", call(echo, "/echo", "--repeat", "1").out)
    end)

    it("starts no more callers than there are calls", function()
        local got = call(echo, "/echo", "--repeat", "3", "--concurrency", "100000000")
        assert.matches("^3 calls: 3 ok,", got.out)
    end)

    it("makes exactly as many calls as asked when they do not divide evenly", function()
        local n = cjson.decode(call(echo, "/thread", "--repeat", "10", "--concurrency", "4", "--json").out)
        assert.equal(10, n.calls)
        assert.equal(10, n.ok)
    end)

    it("sums up what was done when Ctrl-C ends it", function()
        local child = support.start(support.program,
            { "call", echo, "/thread", "--repeat", "1000000000", "-v" })
        child:wait_for("err", "* loaded")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.matches("^%d+ calls?", got.out)
    end)
end)
