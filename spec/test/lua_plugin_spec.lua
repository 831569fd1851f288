local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"

local function collect(stream)
    local frames = {}
    for status, data in stream:frames() do
        frames[#frames + 1] = status .. ":" .. data
    end
    return frames
end

describe("a plugin written in Lua", function()
    local plugin

    local function make(handlers, options)
        plugin = nr.plugin_from_lua(handlers, options)
        return plugin
    end

    after_each(function()
        if plugin and plugin:stats() then
            assert.equal(0, plugin:stats().in_flight)
            plugin:unload()
        end
        plugin = nil
    end)

    it("has the methods of a loaded one, and so have its streams", function()
        local loaded = assert(nr.load(support.plugin "echo"))
        local stream = make({ ["/s"] = function(call) call:finish() end }):call_stream "/s"
        local native = assert(loaded:call_stream "/stream?frames=1")
        for _, pair in ipairs { { loaded, plugin }, { native, stream } } do
            local class = getmetatable(pair[1]).__index
            for name, method in pairs(class) do
                if type(method) == "function" and not name:find "^_" then
                    assert.is_function(pair[2][name], name)
                end
            end
        end
        for field in pairs(assert(loaded:stats())) do
            assert.is_number(plugin:stats()[field], field)
        end
        native:close()
        stream:close()
        loaded:unload()
    end)

    it("answers with what the handler returns", function()
        make {
            ["/both"] = function(call) return nr.ERR, call.body end,
            ["/body"] = function(call) return call.method .. call.path .. "?" .. call.query end,
            ["/text"] = function() return nil, "no such thing" end,
            ["/error"] = function() return nr.plugin_from_lua({}):call "/x" end,
            ["/raise"] = function() error "oh" end,
            ["/odd"] = function() return true end,
            ["/shy"] = function() error(setmetatable({}, { __tostring = error })) end,
            ["/share"] = function() return 1.5, "?" end,
        }
        assert.same({ nr.ERR, "x" }, { plugin:call("/both", "x") })
        assert.same({ nr.OK, "GET/body?a=1" }, { plugin:call "/body?a=1" })
        assert.same({ nr.ERR, "no such thing" }, { plugin:call "/text" })
        local status, err = plugin:call "/error"
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "plugin_handle_failed"))
        assert.equal(nr.UNSUPPORTED, err.status)
        local panic, text = plugin:call "/raise"
        assert.equal(nr.PANIC, panic)
        assert.matches("lua_plugin_spec.lua:%d+: oh", text)
        assert.same({ nr.PANIC, "a handler answered a boolean" }, { plugin:call "/odd" })
        assert.same({ nr.PANIC, "(table)" }, { plugin:call "/shy" })
        panic, text = plugin:call "/share"
        assert.equal(nr.PANIC, panic)
        assert.matches("a status is a whole number of 32 bits, not 1.5", text)
        assert.equal(1, plugin:stats().ok)
        assert.equal(7, plugin:stats().errors)
    end)

    it("sees the request as a loaded one does", function()
        make {
            ["*"] = function(call)
                return table.concat({ call.method, call.path, call.query, call:header "accept",
                    call.state.user, call.body }, " ")
            end,
        }
        local request = { method = "PUT", path = "/p", query = { a = "1" }, headers = { Accept = "x/y" } }
        local expected = { nr.OK, "PUT /p a=1 x/y me b" }
        local state = { state = { user = "me" } }
        request.body = "b"
        assert.same(expected, { plugin:call(request, state) })
        assert.same(expected, { plugin:call(assert(nr.request(request)), state) })
        request.headers = { { "ACCEPT", "x/y" }, { "accept", "z" } }
        assert.same(expected, { plugin:call(request, state) })
        local status, err = plugin:call { path = "\255" }
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "invalid_request"))
    end)

    it("suspends its caller until it answers, from wherever", function()
        local gate, kept = tasks.gate(), nil
        make {
            ["/wait"] = function() return gate.wait() end,
            ["/later"] = function(call) kept = call end,
        }
        local first = nr.spawn(function() return plugin:call "/wait" end)
        local second = nr.spawn(function() return plugin:call "/later" end)
        assert.equal(2, plugin:stats().in_flight)
        assert.is_true(kept:reply "two")
        gate.open "one"
        assert.same({ nr.OK, "one" }, { first:join() })
        assert.same({ nr.OK, "two" }, { second:join() })
    end)

    it("has what comes late and twice dropped and counted", function()
        local kept
        make {
            ["/twice"] = function(call)
                assert(call:reply "first")
                assert(not call:reply "second")
                return "third"
            end,
            ["/never"] = function(call) kept = call end,
        }
        assert.same({ nr.OK, "first" }, { plugin:call "/twice" })
        assert.equal(1, plugin:stats().duplicate)
        local status, err = plugin:call("/never", "", { timeout = 1 })
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "timeout"))
        assert.equal("plugin 'lua' did not answer '/never' within 1 ms", err.message)
        assert.equal("timeout", kept.cancelled)
        assert.is_false(kept:reply "late")
        assert.equal(1, plugin:stats().late)
        assert.equal(1, plugin:stats().timeouts)
    end)

    it("is told when its caller leaves, and goes on only under nr.shield", function()
        local heard, shielded = {}, tasks.gate()
        make {
            ["/stop"] = function(call)
                call:on_cancel(function(code) heard[#heard + 1] = code end)
                nr.sleep(60000)
                heard[#heard + 1] = "went on"
            end,
            ["/go_on"] = function(call)
                nr.shield(shielded.wait)
                heard[#heard + 1] = call:reply "late" and "taken" or "dropped"
            end,
        }
        for _, path in ipairs { "/stop", "/go_on" } do
            local caller = nr.spawn(function() plugin:call(path) end)
            caller:cancel()
            caller:join()
        end
        nr.sleep(0)
        assert.same({ "cancelled" }, heard)
        assert.equal(1, plugin:stats().owed)
        shielded.open()
        nr.sleep(0)
        assert.same({ "cancelled", "dropped" }, heard)
        assert.equal(2, plugin:stats().cancelled)
        assert.equal(0, plugin:stats().owed)
    end)

    it("unwinds knowing why its caller left", function()
        local why
        make {
            ["/x"] = function(call)
                pcall(nr.sleep, 60000)
                why = call.cancelled
            end,
        }
        plugin:call("/x", "", { timeout = 1 })
        assert.equal("timeout", why)
    end)

    it("has errors that nobody gets reported", function()
        local caught = tasks.catch_errors()
        make {
            ["/x"] = function(call)
                call:reply "done"
                error("afterwards", 0)
            end,
        }
        plugin:call "/x"
        caught.restore()
        assert.equal("afterwards", caught[1].err)
    end)

    it("takes notifications, also outside of tasks", function()
        local seen = {}
        make {
            ["/note"] = function(call) seen[#seen + 1] = call.body end,
        }
        assert.is_true(plugin:notify("/note", "a"))
        assert.is_true(tasks.outside(function() return plugin:notify("/note", "b") end))
        assert.same({ "a", "b" }, seen)
        local ok, err = plugin:notify "/other"
        assert.is_nil(ok)
        assert.is_true(nr.is_error(err, "plugin_handle_failed"))
    end)

    it("answers a router's requests", function()
        make { ["/hello/Ada"] = function(call) return "hello from " .. call.path end }
        local router = nr.router():any("/hello/:name", plugin)
        assert.equal("hello from /hello/Ada", router:handle({ path = "/hello/Ada" }).body)
        assert.equal(404, router:handle({ path = "/hello/Bob" }).code)
    end)

    it("is mocked with luassert's spies", function()
        local handler = spy.new(function() return "ok" end)
        make { ["/x"] = handler }
        plugin:call "/x"
        assert.spy(handler).was.called(1)
    end)

    it("refuses what makes no sense", function()
        for message, fn in pairs {
            ["takes a table of handlers"] = function() nr.plugin_from_lua(1) end,
            ["/x = number"] = function() nr.plugin_from_lua { ["/x"] = 1 } end,
            ["no option 'nmae'"] = function() nr.plugin_from_lua({}, { nmae = "x" }) end,
            ["a body must be a string"] = function() make({}):call("/x", 1) end,
            ["no option 'tiemout'"] = function() make({}):call("/x", "", { tiemout = 1 }) end,
            ["overflow is"] = function() make({}):call_stream("/x", "", { overflow = "drop" }) end,
        } do
            local ok, err = pcall(fn)
            assert.is_false(ok)
            assert.matches(message, err, 1, true)
            assert.matches("lua_plugin_spec.lua", err, 1, true)
        end
    end)

    describe("unloaded", function()
        it("is final", function()
            make { ["*"] = function() return "x" end }
            assert.same({ unmapped = true, completed = 0, owed = 0 }, plugin:unload())
            for _, outcome in ipairs {
                { plugin:call "/x" },
                { plugin:call_stream "/x" },
                { plugin:notify "/x" },
                { plugin:stats() },
                { plugin:info() },
                { plugin:unload() },
                { plugin:reload() },
            } do
                assert.is_nil(outcome[1])
                assert.is_true(nr.is_error(outcome[2], "plugin_unloaded"))
            end
        end)

        it("lets open calls finish, and refuses without grace while there are some", function()
            local gate = tasks.gate()
            make { ["*"] = gate.wait }
            local call = nr.spawn(function() return plugin:call "/x" end)
            assert.is_true(nr.is_error(select(2, plugin:unload { grace = 0 }), "plugin_busy"))
            local unload = nr.spawn(function() return plugin:unload() end)
            gate.open "answer"
            assert.same({ nr.OK, "answer" }, { call:join() })
            assert.equal(0, unload:join().completed)
        end)

        it("ends what is left at the grace's end, and its handlers", function()
            make { ["*"] = function() nr.sleep(60000) end }
            local call = nr.spawn(function() return plugin:call "/x" end)
            local report = plugin:unload { grace = 1 }
            local status, err = call:join()
            assert.is_nil(status)
            assert.equal("plugin 'lua' was unloaded before it answered '/x'", err.message)
            assert.same({ unmapped = true, completed = 1, owed = 1, error = "drain_timeout" }, report)
        end)
    end)

    describe("as a stream", function()
        it("gives frames in order and the end, as they come", function()
            local gate = tasks.gate()
            make {
                ["/frames"] = function(call)
                    call:frame "1"
                    gate.wait()
                    call:frame "2"
                    call:finish(nr.STREAM_END, "bye")
                end,
                ["/reply"] = function() return "whole" end,
                ["/fail"] = function(call) call:fail "down" end,
            }
            local stream = assert(plugin:call_stream "/frames")
            assert.same({ 0, "1" }, { stream:recv() })
            gate.open()
            assert.same({ "0:2", "4:bye" }, collect(stream))
            assert.is_nil(stream:recv())
            stream:close()
            assert.same({ "0:whole", "4:" }, collect(plugin:call_stream "/reply"))
            assert.same({ "1:down" }, collect(plugin:call_stream "/fail"))
            assert.is_true(nr.is_error(select(2, plugin:call_stream "/none"), "plugin_handle_failed"))
        end)

        it("feels a slow reader", function()
            local sent, refused = 0, nil
            make {
                ["*"] = function(call)
                    while call:offer "x" do
                        sent = sent + 1
                    end
                    refused = select(2, call:offer "x")
                    call:frame "room"
                    call:finish()
                end,
            }
            local stream = assert(plugin:call_stream("/x", "", { max_frames = 64 }))
            assert.equal(64, sent)
            assert.equal("backpressure", refused)
            assert.equal(2, plugin:stats().backpressure)
            local frames = collect(stream)
            assert.equal(66, #frames)
            assert.same({ "0:room", "4:" }, { frames[65], frames[66] })
            stream:close()
        end)

        it("takes one frame that is larger than its limit", function()
            make {
                ["*"] = function(call)
                    call:frame(("x"):rep(100))
                    assert(not call:offer "y")
                    call:finish()
                end,
            }
            local stream = assert(plugin:call_stream("/x", "", { max_bytes = 10 }))
            assert.equal(2, #collect(stream))
            stream:close()
        end)

        it("takes input until it is finished", function()
            make {
                ["/echo"] = function(call)
                    for data in call.recv, call do
                        call:frame(data:upper())
                    end
                    call:finish()
                end,
                ["/deaf"] = function() nr.sleep(60000) end,
            }
            local stream = assert(plugin:call_stream "/echo")
            assert(stream:send "a")
            assert(stream:send "b")
            assert(stream:finish())
            assert.is_true(nr.is_error(select(2, stream:send "c"), "stream_ended"))
            assert.same({ "0:A", "0:B", "4:" }, collect(stream))
            stream:close()
            local deaf = assert(plugin:call_stream "/deaf")
            for _ = 1, 64 do
                assert(deaf:send "x")
            end
            local err = select(2, deaf:send "x")
            assert.is_true(nr.is_error(err, "backpressure"))
            deaf:close()
        end)

        it("finds no input in a unary call", function()
            make { ["*"] = function(call) return tostring(call:recv()) end }
            assert.same({ nr.OK, "nil" }, { plugin:call "/x" })
        end)

        it("ends by timeout and by deadline", function()
            make { ["*"] = function() nr.sleep(60000) end }
            for option, verb in pairs { timeout = "answer", deadline = "end" } do
                local stream = assert(plugin:call_stream("/x", "", { [option] = 1 }))
                local status, err = stream:recv()
                assert.is_nil(status)
                assert.equal("timeout", err.code)
                assert.equal(("plugin '%s' did not %s '/x' within 1 ms"):format(plugin.name, verb),
                    err.message)
                stream:close()
            end
            assert.equal(2, plugin:stats().timeouts)
        end)

        it("is cancelled by close, by the end of its task, and when it is collected", function()
            make { ["*"] = function() nr.sleep(60000) end }
            local stream = assert(plugin:call_stream "/x")
            assert.matches("^%d+$", stream:sid())
            stream:close()
            stream:close()
            assert.is_nil(stream:recv())
            assert.is_nil(stream:sid())
            nr.spawn(function() assert(plugin:call_stream "/x") end):join()
            assert.equal(0, plugin:stats().in_flight)
            nr.spawn(function()
                assert(plugin:call_stream "/x")
                collectgarbage()
                collectgarbage()
                nr.sleep(0)
                assert.equal(0, plugin:stats().in_flight)
            end):join()
            assert.equal(3, plugin:stats().cancelled)
        end)

        it("is read by one task, and another one may close it", function()
            make { ["*"] = function() nr.sleep(60000) end }
            local stream = assert(plugin:call_stream "/x")
            local reader = nr.spawn(function() return stream:recv() end)
            assert.matches("another task reads", select(2, pcall(stream.recv, stream)))
            stream:close()
            local status, err = reader:join()
            assert.is_nil(status)
            assert.is_true(nr.is_error(err, "cancelled"))
        end)

        it("hands another plugin's stream on, with input and end", function()
            local inner = nr.plugin_from_lua {
                ["/echo"] = function(call)
                    for data in call.recv, call do
                        call:frame(data .. "!")
                    end
                    call:finish(nr.ERR, "why")
                end,
                ["/late"] = function() nr.sleep(60000) end,
            }
            make {
                ["*"] = function(call) return inner:call_stream(call.path, "", { timeout = 1000 }) end,
                ["/late"] = function(call) return inner:call_stream(call.path, "", { timeout = 1 }) end,
            }
            local stream = assert(plugin:call_stream "/echo")
            stream:send "a"
            stream:finish()
            assert.same({ "0:a!", "1:why" }, collect(stream))
            local _, err = assert(plugin:call_stream "/late"):recv()
            assert.is_true(nr.is_error(err, "timeout"))
            inner:unload()
        end)
    end)
end)

describe("a spec that leaves a call to a plugin written in Lua", function()
    it("fails, and says which", function()
        local path, remove = support.file("inner_spec.lua", [[
            local nr = require "nylon_ring"
            it("leaves", function()
                local mute = nr.plugin_from_lua({ ["*"] = function() end }, { name = "mute" })
                nr.spawn(function() mute:call "/x" end)
                mute:call_stream "/y"
            end)
        ]])
        local got = support.run { "test", "-o", "TAP", path }
        remove()
        assert.equal(1, got.code)
        assert.matches("an open call of '/x' to plugin 'mute'", got.out, 1, true)
    end)
end)
