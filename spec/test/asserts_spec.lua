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

        -- A stream of these frames.
        local function stream_of(list)
            return assert(nr.plugin_from_lua({
                ["/list"] = function(call)
                    for _, data in ipairs(list) do
                        call:frame(data)
                    end
                    call:finish()
                end,
            }):call_stream "/list")
        end

        local function numbers(count, make)
            local list = {}
            for index = 1, count do
                list[index] = (make or tostring)(index)
            end
            return list
        end

        it("compares what it cuts when it shows it, and shows where that differs", function()
            local long = ("x"):rep(300)
            assert.frames({ long .. "1" }, stream_of { long .. "1" })
            assert.equal(table.concat({
                "Expected these frames (-), got others (+):",
                '- "xxxxxxxxxxxxxxxxxxxx2" (bytes 281 to 301 of 301)',
                '+ "xxxxxxxxxxxxxxxxxxxx1" (bytes 281 to 301 of 301)',
                "  StreamEnd (4)",
            }, "\n"), failure(assert.frames, { long .. "2" }, stream_of { long .. "1" }))
            assert.matches('^[^\n]*\n%- "\\255\\0\\n"\n%+ "é"\n',
                failure(assert.frames, { "\255\0\n" }, stream_of { "é" }))
        end)

        it("compares long streams, and shows what stands around a difference", function()
            local list = numbers(5000)
            assert.frames(list, stream_of(list))
            list[2500] = "x"
            assert.equal(table.concat({
                "Expected these frames (-), got others (+):",
                "  ... 2496 that are the same",
                '  "2497"',
                '  "2498"',
                '  "2499"',
                '- "x"',
                '+ "2500"',
                '  "2501"',
                '  "2502"',
                '  "2503"',
                "  ... 2498 that are the same",
            }, "\n"), failure(assert.frames, list, stream_of(numbers(5000))))
        end)

        it("is short where everything differs", function()
            local others = numbers(300, function(index) return "x" .. index end)
            local message = failure(assert.frames, numbers(300), stream_of(others))
            assert.matches('\n%- "10"\n%- %.%.%. 290 more\n%+ "x1"\n', message)
            assert.matches('\n%+ "x10"\n%+ %.%.%. 290 more\n  StreamEnd %(4%)$', message)
            others = numbers(300, function(index) return index % 7 == 0 and "x" or tostring(index) end)
            message = failure(assert.frames, numbers(300), stream_of(others))
            local _, count = message:gsub("\n", "")
            assert.is_true(count < 60)
            assert.matches("%.%.%. and more that is not shown$", message)
            message = failure(assert.is_not.frames, numbers(300), stream_of(numbers(300)))
            assert.matches('\n  "40"\n  %.%.%. 261 more$', message)
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

        it("asks again when an assert fails, and shows the last error", function()
            local asked = 0
            assert.eventually(function()
                asked = asked + 1
                assert.equal(3, asked)
                return true
            end, { every = 1 })
            local clock = nr.test.clock()
            local message = failure(assert.eventually, function() assert.equal(1, 2) end, { within = 7 })
            local raised = failure(assert.eventually, function() error { code = 7 } end, { within = 7 })
            clock:close()
            assert.matches("^Expected that it gets true within 7 ms%.\nLast it raised: "
                .. "[^\n]*asserts_spec.lua:%d+: Expected objects to be equal", message)
            assert.equal("Expected that it gets true within 7 ms.\nLast it raised: { code = 7 }", raised)
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
            assert.json_equal({ a = {}, b = { 1 } }, '{"a":[],"b":[1]}')
            assert.json_equal({ a = {} }, '{"a":{}}')
            assert.json_equal({ require("cjson").null }, "[null]")
            assert.is_not.json_equal("[]", "{}")
            assert.is_not.json_equal('{"1":1}', "[1]")
            assert.is_not.json_equal("{}", '{"a":null}')
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
            assert.equal("Expected the same JSON.\n$.a\n- null\n+ nothing\n$.b\n- []\n+ {}",
                failure(assert.json_equal, '{"a":null,"b":[]}', '{"b":{}}'))
            assert.equal('Expected other JSON than {"a":[1,null]}',
                failure(assert.is_not.json_equal, '{"a":[1,null]}', '{"a":[1,null]}'))
            assert.matches("no JSON: \"{\"", failure(assert.json_equal, {}, "{"))
            assert.matches('%- "x+2" %(bytes 281 to 301 of 301%)\n%+ "x+1" %(bytes 281',
                failure(assert.json_equal, { ("x"):rep(300) .. "2" }, { ("x"):rep(300) .. "1" }))
        end)
    end)

    describe("throws_status", function()
        local function raise(...)
            error((select(2, plugin:call(...))), 0)
        end

        it("takes an Error with this code or status, and hands it on", function()
            local err = assert.throws_status("plugin_handle_failed", raise, "/none")
            assert.equal(nr.UNSUPPORTED, err.status)
            assert.throws_status("UNSUPPORTED", raise, "/none")
            assert.throws_status(nr.UNSUPPORTED, function() raise "/none" end)
            assert.throws_status("timeout", raise, "/never", "", { timeout = 1 })
            assert.throws_status("timeout", function() assert(plugin:call("/never", "", { timeout = 1 })) end)
            assert.is_not.throws_status("timeout", raise, "/none")
            assert.is_not.throws_status("timeout", function() error "timeout" end)
            assert.is_not.throws_status("timeout", function() end)
        end)

        it("says what came instead", function()
            assert.matches("^Expected an Error of timeout%.\nRaised: plugin 'lua' refused '/none' with ",
                failure(assert.throws_status, "timeout", raise, "/none"))
            assert.equal("Expected an Error of timeout.\nRaised: { code = 7 }",
                failure(assert.throws_status, "timeout", function() error { code = 7 } end))
            assert.equal('Expected an Error of timeout, but nothing was raised.\nAnswered: Ok (0), "x"',
                failure(assert.throws_status, "timeout", function() return plugin:call("/echo", "x") end))
            assert.matches("^Expected no Error of Unsupported %(3%)%.\nRaised: ",
                failure(assert.is_not.throws_status, "UNSUPPORTED", raise, "/none"))
        end)
    end)

    describe("called_with", function()
        local mock

        before_each(function()
            mock = nr.plugin_from_lua { ["*"] = function(call) return call.body end }
            mock:call("/users?id=7", "Ada")
            mock:call { path = "/users", method = "PUT", query = "id=8", body = "Bob" }
            mock:notify("/log", "x")
        end)

        it("takes a call that was made, by what is given", function()
            assert.called_with(mock, "/users?id=7", "Ada")
            assert.called_with(mock, "/users?id=8")
            assert.called_with(mock, { path = "/users", method = "PUT" })
            assert.called_with(mock, nr.request { path = "/log" }, "x")
            assert.is_not.called_with(mock, "/users")
            assert.is_not.called_with(mock, "/users?id=7", "Bob")
            assert.is_not.called_with(mock, { path = "/users", method = "POST" })
        end)

        it("knows the calls of what wraps a plugin", function()
            local shaky = nr.chaos(mock, { fail = 1, seed = 1 })
            shaky:call("/x", "to chaos")
            assert.called_with(shaky, "/x", "to chaos")
            assert.is_not.called_with(mock, "/x")
        end)

        it("shows the nearest call, and the last ones", function()
            assert.equal(table.concat({
                "Expected a call (-), the nearest one was another (+):",
                "  PUT /users",
                '  query "id=8"',
                '- body "Bobby"',
                '+ body "Bob"',
                "The calls:",
                '  GET /users?id=7 "Ada"',
                '  PUT /users?id=8 "Bob"',
                '  GET /log "x", a notification',
            }, "\n"), failure(assert.called_with, mock, "/users?id=8", "Bobby"))
            assert.matches("^Expected no call of '/users'%.\nThe calls:\n",
                failure(assert.is_not.called_with, mock, { path = "/users" }))
            assert.equal("Expected a call of '/x'.\nThere were no calls.",
                failure(assert.called_with, nr.plugin_from_lua {}, "/x"))
        end)

        it("remembers the last hundred", function()
            for index = 1, 100 do
                mock:call("/n", tostring(index))
            end
            assert.called_with(mock, "/n", "1")
            mock:call("/n", "101")
            assert.is_not.called_with(mock, "/n", "1")
            assert.matches('\nThe last of 104 calls:\n  GET /n "92"\n.*\n  GET /n "101"$',
                failure(assert.called_with, mock, "/n", "1"))
        end)

        it("stays luassert's own after a spy or a stub", function()
            local counted, replaced = spy.new(function() end), { fn = function() end }
            stub(replaced, "fn")
            counted("a", 1)
            replaced.fn "b"
            assert.spy(counted).was.called_with("a", 1)
            assert.spy(counted).was_not.called_with "b"
            assert.stub(replaced.fn).was_called_with "b"
            assert.spy(counted).was.called_with(match.is_string(), 1)
            local missing = failure(function() assert.spy(counted).was.called_with "other" end)
            assert.matches("Function was never called with matching arguments%.\n.*'a'.*'other'", missing)
            assert.matches("mine\nFunction was called with matching arguments at least once%.\n",
                failure(function() assert.spy(counted, "mine").was_not.called_with("a", 1) end))
        end)

        it("takes no native plugin", function()
            assert.matches("assert.called_with takes a plugin written in Lua, or one that is wrapped; not",
                failure(assert.called_with, {}, "/x"))
        end)
    end)

    it("keeps the message that it is given", function()
        assert.equal("mine\nExpected an answer that is Ok.\nGot: Err (1)",
            failure(assert.message("mine").ok, nr.ERR))
    end)

    it("blames misuse on the line of the spec", function()
        for _, misuse in ipairs {
            function() assert.status("TIMEUOT", 1) end,
            function() assert.frames({}, 5) end,
            function() assert.frames(5) end,
            function() assert.eventually(5) end,
            function() assert.eventually(function() end, { withn = 5 }) end,
            function() assert.no_reply(5) end,
            function() assert.json_equal("{", "{}") end,
            function() local t = {} t.t = t assert.json_equal(t, "{}") end,
            function() assert.throws_status("timeout", 5) end,
            function() assert.called_with(plugin, 5) end,
        } do
            local info = debug.getinfo(misuse, "S")
            local place = ("%s:%d: "):format(info.short_src, info.linedefined)
            assert.equal(place, failure(misuse):sub(1, #place))
        end
    end)
end)
