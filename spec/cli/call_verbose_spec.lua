local cjson = require "cjson"
local support = require "spec.support"

local echo, echo_v2 = support.plugin "echo", support.plugin "echo_v2"

local function call(...)
    return support.run { "call", ... }
end

describe("call -v", function()
    it("tells what was loaded and asked, and how long it took, beside the answer", function()
        local got = call(echo, "/thread?x=1", "-d", "hi", "-v")
        assert.equal(0, got.code)
        assert.equal("hi", got.out)
        assert.matches("^%* loaded echo 1%.0%.0 %(ABI v1%) in %S+ %S+\n"
            .. "%* asked POST /thread%?x=1 with 2 bytes, sid %d+\n"
            .. "%* got 2 bytes in 1 frame, status Ok; first after %S+ %S+, all after %S+ %S+\n$", got.err)
    end)

    it("tells a stream's sid, its frames, and the time of its first one", function()
        local got = call(echo, "/stream?frames=2&interval=30", "-d", "xyz", "--stream", "--json", "-v")
        assert.equal(0, got.code)
        local told = cjson.decode(got.err)
        assert.matches("^%d+$", told.sid)
        assert.same({ 3, 6, 3 }, { told.frames, told.received, told.sent })
        assert.is_true(told.first_us + 20000 < told.total_us)
    end)

    it("tells the sid of a call that failed, and that nothing came", function()
        local got = call(support.plugin "fixture_never", "/", "-v", "--timeout", "10")
        assert.equal(1, got.code)
        assert.matches("\n%* asked GET / with 0 bytes, sid %d+\n%* got no answer in %S+ %S+\n", got.err)
        assert.matches("\nnylon%-ring call: [^\n]*10 ms[^\n]*\n$", got.err)
    end)

    it("tells what was asked while the answer is waited for, and what came at Ctrl-C", function()
        local child = support.start(support.program, { "call", support.plugin "fixture_never", "/", "-v" })
        child:wait_for("err", "* asked GET / with 0 bytes, sid ")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.matches("\n%* got no answer in %S+ %S+\n$", got.err)
        child = support.start(support.program,
            { "call", echo, "/stream?interval=60000", "-d", "tick", "--stream", "-v" })
        child:wait_for("out", "tick")
        child:kill "sigint"
        assert.matches("\n%* got 4 bytes in 1 frame, status Ok; [^\n]*\n$", child:wait().err)
    end)

    it("counts what it sent into a stream", function()
        local got = support.run({ "call", echo_v2, "duplex", "--stream", "--input", "-", "-v", "--json" },
            { stdin = "one\ntwo\n" })
        local told = cjson.decode(got.err)
        assert.same({ 6, 6 }, { told.sent, told.received })
    end)

    it("tells of many calls what is the same for all", function()
        local got = call(echo, "/echo", "--repeat", "20", "--concurrency", "2", "-v")
        assert.matches("\n%* asked GET /echo with 0 bytes, 20 times, 2 at a time\n$", got.err)
    end)

    it("tells no method and no query of an entry, which has none", function()
        local told = cjson.decode(call(echo_v2, "echo", "-v", "--json").err)
        assert.equal("echo", told.path)
        assert.same({}, { told.method, told.query })
    end)
end)

describe("call", function()
    it("refuses a method and headers where the plugin's ABI has none", function()
        for option, words in pairs { ["-H"] = { "-H", "a: b" }, ["-X"] = { "-X", "PUT" } } do
            local got = call(echo_v2, "echo", unpack(words))
            assert.equal(2, got.code)
            assert.equal("", got.out)
            assert.matches("^nylon%-ring call: plugin 'echo_v2' has ABI v2, [^\n]*leave %" .. option
                .. " out\n$", got.err)
        end
    end)

    it("says so when a unary call was answered more often than once", function()
        local got = call(support.plugin "fixture_twice", "/inside")
        assert.same({ 0, "1" }, { got.code, got.out })
        assert.equal("nylon-ring call: the plugin sent more than one answer: --stream shows them all\n",
            got.err)
        assert.equal("", call(echo, "/echo", "-d", "once").err)
    end)
end)

describe("call --input", function()
    local function duplex(stdin, ...)
        return support.run({ "call", echo_v2, "duplex", "--stream", "--input", "-", ... }, { stdin = stdin })
    end

    it("sends each line as a frame, the last one also without an end of line", function()
        local got = duplex("one\n\ntwo", "--json")
        assert.equal(0, got.code)
        local bodies = {}
        for line in got.out:gmatch "[^\n]+" do
            table.insert(bodies, cjson.decode(line).body)
        end
        assert.same({ "ONE", "", "TWO", "" }, bodies)
    end)

    it("reads from a file, more than fits a queue", function()
        local path, remove = support.file("frames", ("some text\n"):rep(20000))
        finally(remove)
        local got = call(echo_v2, "duplex", "--stream", "--input", path)
        assert.equal(0, got.code)
        assert.equal(("SOME TEXT"):rep(20000), got.out)
    end)

    it("answers a line before the next is written", function()
        local child = support.start(support.program,
            { "call", echo_v2, "duplex", "--stream", "--input", "-" },
            { stdin = "first\n", hold_stdin = true })
        child:wait_for("out", "FIRST")
        child:send "second\n"
        assert.same({ code = 0, signal = 0, out = "FIRSTSECOND", err = "" }, child:wait())
    end)

    it("does not wait for more input when the stream is over", function()
        local child = support.start(support.program,
            { "call", echo_v2, "stream", "-d", "frames=1", "--stream", "--input", "-" },
            { hold_stdin = true })
        finally(function() child:finish() end)
        assert.same({ code = 0, signal = 0, out = "frame 1", err = "" }, child:wait())
    end)

    it("says so when the plugin takes no input", function()
        local got = support.run({ "call", echo_v2, "stream", "-d", "frames=2&interval=60000", "--stream",
            "--input", "-" }, { stdin = "line\n" })
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: [^\n]*refused the stream's input[^\n]*\n$", got.err)
    end)

    it("says so when the file cannot be read", function()
        local got = call(echo_v2, "duplex", "--stream", "--input", "/no/such/file")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: cannot read the input: /no/such/file: [^\n]*\n$", got.err)
    end)
end)
