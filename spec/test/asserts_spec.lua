local nr = require "nylon_ring"

-- Checks that an assert fails, and answers its message.
local function failure(fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok, "it passed")
    return tostring(type(err) == "table" and err.message or err)
end

describe("the assert", function()
    local plugin

    setup(function()
        plugin = nr.plugin_from_lua {
            ["/echo"] = function(call) return call.body end,
            ["/fail"] = function() return nil, "down" end,
            ["/never"] = function() nr.sleep(60000) end,
            ["/soon"] = function() nr.sleep(1) return "soon" end,
            ["/frames"] = function(call)
                for word in call.body:gmatch "%S+" do
                    call:frame(word)
                end
                call:finish()
            end,
            ["/broken"] = function(call)
                call:frame "1"
                call:fail "down"
            end,
        }
    end)

    teardown(function() plugin:unload() end)

    describe("ok", function()
        it("takes an answer of Ok, and hands it on", function()
            assert.same({ nr.OK, "x" }, { assert.ok(plugin:call("/echo", "x")) })
            assert.is_ok(nr.STREAM_END)
            assert.is_not_ok(plugin:call "/fail")
            assert.is_not_ok(plugin:call "/none")
        end)

        it("says what it got", function()
            assert.equal('Expected an answer that is Ok.\nGot: Err (1), "down"',
                failure(assert.ok, plugin:call "/fail"))
            assert.matches("Got: plugin 'lua' refused '/none' with status 3 %(Unsupported%)",
                failure(assert.ok, plugin:call "/none"))
            assert.equal('Expected an answer that is not Ok.\nGot: Ok (0), "x"',
                failure(assert.is_not_ok, plugin:call("/echo", "x")))
        end)
    end)

    describe("status", function()
        it("knows numbers, names and codes", function()
            assert.status(nr.ERR, plugin:call "/fail")
            assert.status("ERR", plugin:call "/fail")
            assert.status("StreamEnd", nr.STREAM_END)
            assert.status("plugin_handle_failed", plugin:call "/none")
            assert.status("TIMEOUT", plugin:call("/never", "", { timeout = 1 }))
            assert.is_not.status("timeout", plugin:call "/none")
            assert.is_not.status("ERR", plugin:call "/echo")
        end)

        it("says what it got, and refuses what is no status", function()
            assert.equal('Expected an answer of Invalid (2).\nGot: Ok (0), "x"',
                failure(assert.status, "INVALID", plugin:call("/echo", "x")))
            assert.matches("not TIMEUOT", failure(assert.status, "TIMEUOT", nil))
        end)
    end)

    describe("frames", function()
        it("reads a stream to its end", function()
            assert.frames({ "a", "b" }, plugin:call_stream("/frames", "a b"))
            assert.frames({ "a", { nr.STREAM_END, "" } }, plugin:call_stream("/frames", "a"))
            assert.frames({ "1", { nr.ERR, "down" } }, plugin:call_stream "/broken")
            assert.is_not.frames({ "1" }, plugin:call_stream "/broken")
        end)

        it("shows the difference", function()
            assert.equal(table.concat({
                "Expected these frames (-), got others (+):",
                '  "a"',
                '+ "b"',
                '  "c"',
                '- "d"',
                "  StreamEnd (4)",
            }, "\n"), failure(assert.frames, { "a", "c", "d" }, plugin:call_stream("/frames", "a b c")))
            assert.matches("Got: plugin 'lua' refused '/none'",
                failure(assert.frames, {}, plugin:call_stream "/none"))
            local late = plugin:call_stream("/never", "", { timeout = 1 })
            assert.matches("%- StreamEnd.-\n%+ plugin 'lua' did not answer '/never' within 1 ms %(timeout%)",
                failure(assert.frames, {}, late))
        end)
    end)

    describe("eventually", function()
        it("asks again until it is true", function()
            local asked = 0
            assert.eventually(function()
                asked = asked + 1
                return asked == 3
            end, { every = 1 })
            assert.is_not.eventually(function() return false end, { within = 2 })
        end)

        it("moves the clock that is moved by hand", function()
            local clock = nr.test.clock()
            local done = false
            nr.spawn(function() nr.sleep(10000) done = true end)
            assert.is_not.eventually(function() return done end, { within = 9990, every = 10 })
            assert.eventually(function() return done end, { within = 20, every = 10 })
            assert.equal(10000, clock:now())
            clock:close()
        end)

        it("says how long, and what it was", function()
            local clock = nr.test.clock()
            local message = failure(assert.eventually, function() end, { within = 7 })
            clock:close()
            assert.equal("Expected that it gets true within 7 ms.\nLast it was: nil", message)
        end)
    end)

    describe("no_reply", function()
        it("waits for none, and gives the call up", function()
            local before = plugin:stats().cancelled
            assert.no_reply(function() return plugin:call "/never" end, { within = 2 })
            assert.equal(before + 1, plugin:stats().cancelled)
            local kept = nr.spawn(function() return plugin:call "/never" end)
            assert.no_reply(kept, { within = 2 })
            assert.equal("suspended", kept:status())
            kept:cancel()
            assert.is_not.no_reply(function() return plugin:call "/soon" end, { within = 1000 })
        end)

        it("says what came", function()
            assert.matches('^Expected no reply, but one came after %d+ ms%.\nGot: Ok %(0%), "x"$',
                failure(assert.no_reply, function() return plugin:call("/echo", "x") end))
        end)
    end)

    describe("json_equal", function()
        it("compares what JSON means", function()
            assert.json_equal('{"b":[1,2],"a":null}', '{ "a": null, "b": [1, 2] }')
            assert.json_equal({ name = "Ada" }, '{"name":"Ada"}')
            assert.is_not.json_equal({ 1 }, "[2]")
        end)

        it("names every place that differs", function()
            assert.equal(table.concat({
                "Expected the same JSON.",
                "$.list[2]",
                "- 2",
                "+ 3",
                "$.name",
                '- "Ada"',
                "+ nothing",
                '$["odd key"]',
                "- nothing",
                "+ true",
            }, "\n"), failure(assert.json_equal, { name = "Ada", list = { 1, 2 } },
                '{"list":[1,3],"odd key":true}'))
            assert.matches("no JSON: \"{\"", failure(assert.json_equal, {}, "{"))
        end)
    end)
end)
