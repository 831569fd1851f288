local cjson = require "cjson"
local support = require "spec.support"

local echo, never = support.plugin "echo", support.plugin "fixture_never"
local endless = support.plugin "fixture_endless"

local function call(...)
    return support.run { "call", ... }
end

local function last_line(text)
    return cjson.decode(text:match "([^\n]+)\n$")
end

describe("call --json", function()
    local failures = {
        {
            "a refusal", { echo, "/no-such-path" },
            { error = "plugin_handle_failed", plugin = "echo", status = 2, status_name = "Invalid" },
        },
        { "a timeout", { never, "/", "--timeout", "20" }, { error = "timeout", plugin = "fixture_never" } },
        { "a stream's timeout", { never, "/", "--stream", "--timeout", "20" }, { error = "timeout" } },
        {
            "a stream's deadline", { echo, "/stream?interval=60000", "--stream", "--deadline", "50" },
            { error = "timeout", message = "plugin 'echo' did not end '/stream' within 50 ms" },
        },
        {
            "a queue that is full",
            { endless, "/flood", "--stream", "--max-frames", "64", "--max-bytes", "9999" },
            { error = "backpressure", plugin = "fixture_endless" },
        },
        { "a file that is not there", { "/no/such/plugin.so", "/" }, { error = "invalid_path" } },
        { "a body that cannot be read", { echo, "/echo", "-d", "@/no/such/file" }, { error = "system" } },
        { "many calls of no plugin", { "/no/such.so", "/", "--repeat", "3" }, { error = "invalid_path" } },
    }
    for _, case in ipairs(failures) do
        it("prints " .. case[1] .. " as an object, and says the same to people", function()
            local args = { "call", "--json" }
            for _, word in ipairs(case[2]) do
                table.insert(args, word)
            end
            local got = support.run(args)
            assert.equal(1, got.code)
            local object = last_line(got.out)
            for key, value in pairs(case[3]) do
                assert.equal(value, object[key], key)
            end
            assert.matches("^nylon%-ring call: [^\n]+\n$", got.err)
            assert.is_truthy(got.err:find(object.message, 1, true))
        end)
    end

    it("prints the frames that came before a timeout, then the timeout", function()
        local got = call(echo, "/stream?frames=2&interval=60000", "--stream", "--json", "--timeout", "50")
        assert.equal(1, got.code)
        local first = cjson.decode(got.out:match "^[^\n]+")
        assert.equal("Ok", first.status_name)
        assert.equal("timeout", last_line(got.out).error)
    end)
end)

describe("call", function()
    it("is ended by a broken pipe without a word", function()
        local child = support.start(support.program,
            { "call", echo, "/stream?frames=100000&interval=1", "-d", "frame", "--stream" })
        child:wait_for("out", "frame")
        child:close_output()
        local got = child:wait()
        assert.equal("", got.err)
        assert.equal(13, got.signal)
    end)

    it("ends a stream at once where its frames cannot be written", function()
        local script = 'exec "$0" call "$1" "/paced?pace=1" --stream $2 >/dev/full'
        for _, json in ipairs { "", "--json" } do
            local got = support.start("/bin/sh", { "-c", script, support.program, endless, json }):wait()
            assert.equal(1, got.code)
            assert.matches("^nylon%-ring: could not write all of the standard output[^\n]*\n$", got.err)
        end
    end)

    it("gives a stream up at Ctrl-C", function()
        local child = support.start(support.program,
            { "call", echo, "/stream?frames=3&interval=60000", "-d", "frame", "--stream" })
        child:wait_for("out", "frame")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.equal("frame", got.out)
    end)
end)
