local cjson = require "cjson"
local support = require "spec.support"

local echo, echo_v2 = support.plugin "echo", support.plugin "echo_v2"

local function call(...)
    return support.run { "call", ... }
end

local function lines(text)
    local list = {}
    for line in text:gmatch "[^\n]+" do
        table.insert(list, cjson.decode(line))
    end
    return list
end

describe("call", function()
    it("prints the body as it is", function()
        assert.same({ code = 0, signal = 0, out = "hi", err = "" }, call(echo, "/echo", "-d", "hi"))
    end)

    it("takes the body from a file and from standard input, any bytes", function()
        local bytes = "\0\1\255\n\n"
        local path, remove = support.file("body", bytes)
        finally(remove)
        assert.equal(bytes, call(echo, "/echo", "-d", "@" .. path).out)
        assert.equal(bytes, support.run({ "call", echo, "/echo", "-d", "@-" }, { stdin = bytes }).out)
    end)

    it("writes the answer into a file, also one that is not Ok", function()
        local path, remove = support.file("answer", "old and long")
        finally(remove)
        local function answer(...)
            local got = call(...)
            local file = assert(io.open(path, "rb"))
            local content = file:read "*a"
            file:close()
            return got, content
        end
        local got, content = answer(echo, "/echo", "-d", "a\nb", "-o", path)
        assert.same({ code = 0, signal = 0, out = "", err = "" }, got)
        assert.equal("a\nb", content)
        got, content = answer(echo, "/stream?frames=2", "-d", "tick", "--stream", "-o", path)
        assert.same({ "", "ticktick" }, { got.out, content })
        got, content = answer(support.plugin "fixture_status", "/answer?status=1", "-d", "why", "-o", path)
        assert.same({ 1, "why" }, { got.code, content })
    end)

    it("says so when the file cannot be written", function()
        local got = call(echo, "/echo", "-o", "/no/such/folder/answer")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: cannot write /no/such/folder/answer: [^\n]*\n$", got.err)
        got = call(echo, "/echo", "-d", "x", "-o", "/dev/full")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: cannot write /dev/full: [^\n]*\n$", got.err)
    end)

    it("waits for an answer from a thread", function()
        assert.equal("later", call(echo, "/thread", "-d", "later").out)
    end)

    it("calls an entry of a v2 plugin", function()
        assert.same({ code = 0, signal = 0, out = "hi", err = "" }, call(echo_v2, "echo", "-d", "hi"))
    end)

    it("leaves with 1 when the status is not Ok, and tells status and text", function()
        local db, remove = support.file("empty.db", "")
        finally(remove)
        local sql = '{"sql": "SELEKT 1"}'
        local got = call(support.plugin "sqlite", "/query?db=" .. db, "-d", sql)
        assert.equal(1, got.code)
        assert.equal("", got.out)
        assert.matches('^nylon%-ring call: sqlite answered Err: [^\n]*near "SELEKT"[^\n]*\n$', got.err)
    end)

    it("leaves with 1 when the plugin refuses the call, and tells its status", function()
        local got = call(echo, "/no-such-path")
        assert.equal(1, got.code)
        assert.equal("", got.out)
        assert.matches("^nylon%-ring call: [^\n]*echo[^\n]*Invalid[^\n]*\n$", got.err)
    end)

    it("prints frames as they arrive", function()
        local child = support.start(support.program,
            { "call", echo, "/stream?frames=3&interval=200", "--stream", "--json" })
        child:wait_for("out", "\n")
        assert.is_nil(child.code)
        local got = child:wait()
        assert.equal(0, got.code)
        local frames = lines(got.out)
        assert.equal(4, frames[#frames].status)
        assert.equal("StreamEnd", frames[#frames].status_name)
        assert.equal("Ok", frames[1].status_name)
    end)

    it("prints an answer as one JSON object", function()
        local got = call(echo, "/echo", "-d", 'a "quoted" line\n', "--json")
        assert.equal('{"status":0,"status_name":"Ok","body":"a \\"quoted\\" line\\n"}\n', got.out)
    end)

    it("prints bytes that are no text as base64", function()
        local got = support.run({ "call", echo, "/echo", "-d", "@-", "--json" }, { stdin = "\255\254" })
        assert.equal('{"status":0,"status_name":"Ok","body_base64":"//4="}\n', got.out)
    end)

    it("says in one line why a plugin cannot be loaded", function()
        local got = call("/no/such/plugin.so", "/echo")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: [^\n]*/no/such/plugin%.so[^\n]*\n$", got.err)
    end)

    it("gives up after its timeout", function()
        local got = call(support.plugin "fixture_never", "/", "--timeout", "20")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring call: [^\n]*20 ms[^\n]*\n$", got.err)
    end)

    it("says in the same words when the body or the input cannot be read", function()
        local unreadable = { ["/no/such/file"] = "no such file or directory", ["/tmp"] = "is a directory" }
        for path, why in pairs(unreadable) do
            assert.same({ code = 1, signal = 0, out = "",
                err = ("nylon-ring call: cannot read the body: %s: %s\n"):format(path, why),
            }, call(echo, "/echo", "-d", "@" .. path))
            assert.same({ code = 1, signal = 0, out = "",
                err = ("nylon-ring call: cannot read the input: %s: %s\n"):format(path, why),
            }, call(echo, "/echo", "--stream", "--input", path))
        end
    end)
end)
