local inner_spec = require "spec.support.inner"
local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

describe("a recording", function()
    local inner, recorded, path, remove, clock

    before_each(function()
        path, remove = support.file("calls.tape", "old")
        inner = nr.plugin_from_lua({
            ["/echo"] = function(call) return call.body end,
            ["/fail"] = function() return nr.ERR, "down" end,
            ["/slow"] = function() nr.sleep(300) return "slow" end,
            ["/note"] = function() end,
            ["/count"] = function(call)
                for index = 1, tonumber(call.query:match "n=(%d+)") do
                    call:frame(tostring(index))
                    nr.sleep(10)
                end
                call:finish()
            end,
        }, { name = "inner", version = "1.2" })
        recorded = nr.test.record(inner, path)
        clock = nr.test.clock()
    end)

    after_each(function()
        clock:close()
        recorded:unload()
        inner:unload()
        remove()
    end)

    it("keeps the times of one clock", function()
        local reader = nr.spawn(function()
            for _ in recorded:call_stream("/count?n=2"):frames() do end -- luacheck: ignore 542
        end)
        nr.sleep(0)
        clock:advance(3)
        clock:close()
        reader:join()
        recorded:unload()
        for time in read(path):gmatch ',(%d+)%]' do
            assert.is_true(tonumber(time) <= 3)
        end
        assert.matches('"frames":%[%[0,"1",0%],', read(path))
        clock = nr.test.clock()
    end)

    -- Reads a stream while the clock moves.
    local function frames(plugin, target)
        local list = {}
        local reader = nr.spawn(function()
            for status, data in plugin:call_stream(target):frames() do
                list[#list + 1] = status .. ":" .. data
            end
        end)
        while reader:status() ~= "done" do
            clock:next()
        end
        return list
    end

    local function make_calls(plugin)
        local answers = {}
        local function add(...)
            answers[#answers + 1] = { ... }
        end
        add(plugin:call("/echo", "hi"))
        add(plugin:call {
            path = "/echo",
            method = "PUT",
            query = "a=1",
            headers = { B = "2" },
            body = "\255",
        })
        add(plugin:call "/fail")
        local slow = nr.spawn(function() return plugin:call "/slow" end)
        clock:advance(300)
        add(slow:join())
        add(plugin:notify("/note", "n"))
        add(unpack(frames(plugin, "/count?n=2")))
        local status, err = plugin:call "/none"
        add(status, err.code, err.status)
        return answers
    end

    it("is text: a line a call, with its answer and time", function()
        make_calls(recorded)
        recorded:unload()
        assert.equal(table.concat({
            '{"nylon_ring_tape":2,"plugin":"inner","version":"1.2"}',
            '{"call":"/echo","body":"hi","status":0,"answer":"hi","ms":0}',
            '{"call":"/echo","method":"PUT","query":"a=1","headers":[["b","2"]],'
                .. '"body":{"base64":"/w=="},"status":0,"answer":{"base64":"/w=="},"ms":0}',
            '{"call":"/fail","status":1,"answer":"down","ms":0}',
            '{"call":"/slow","status":0,"answer":"slow","ms":300}',
            '{"call":"/note","body":"n","notify":true}',
            '{"call":"/count","query":"n=2","stream":true,'
                .. '"frames":[[0,"1",0],[0,"2",10],[4,"",20]],"ms":20}',
            '{"call":"/none","error":"plugin_handle_failed",'
                .. '"message":"plugin \'inner\' refused \'/none\' with status 3 (Unsupported)",'
                .. '"status":3,"ms":0}',
            "",
        }, "\n"), read(path))
    end)

    it("answers as the plugin did, and so does its replay", function()
        local answers = make_calls(recorded)
        recorded:unload()
        local replayed = nr.test.replay(path)
        assert.equal("inner", replayed.name)
        assert.same(answers, make_calls(replayed))
        assert.same({}, replayed:unused())
        replayed:unload()
    end)

    it("keeps what came before the caller left", function()
        local call = nr.spawn(function() return recorded:call("/slow", "", { timeout = 200 }) end)
        local stream = assert(recorded:call_stream "/count?n=99")
        assert.same({ 0, "1" }, { stream:recv() })
        clock:advance(200)
        stream:close()
        assert.is_true(nr.is_error(select(2, call:join()), "timeout"))
        recorded:unload()
        local text = read(path)
        assert.matches('{"call":"/slow","left":"timeout","ms":200}', text, 1, true)
        assert.matches('"frames":%[%[0,"1",0%].*%],"left":"cancelled"', text)
        local replayed = nr.test.replay(path)
        assert.no_reply(function() return replayed:call "/slow" end, { within = 1000 })
        replayed:unload()
    end)

    describe("of a stream that takes input", function()
        local duplex

        setup(function() duplex = assert(nr.load(support.plugin "fixture_duplex")) end)
        teardown(function() duplex:unload() end)

        before_each(function() clock:close() end)

        -- Sends these, each after the answer to the one before, and the end; answers the frames.
        local function converse(plugin, pieces, ending)
            local stream = assert(plugin:call_stream "/echo")
            local list = {}
            for _, piece in ipairs(pieces) do
                assert.same({ true }, { stream:send(piece) })
                local status, data = stream:recv()
                list[#list + 1] = status and data or data.message
            end
            if ending ~= false then
                stream:finish()
                list[#list + 1] = stream:recv()
            end
            stream:close()
            return list
        end

        local function record(...)
            local recorder = nr.test.record(duplex, path)
            local list = converse(recorder, ...)
            recorder:unload()
            return list
        end

        it("has the input, with how many frames had come by then", function()
            assert.same({ "a", "\255", nr.STREAM_END }, record { "a", "\255" })
            assert.matches('"stream":true,"input":%[%["a",%d+,0%],%[{"base64":"/w=="},%d+,1%]%],'
                .. '"finish":%[%d+,2%],"frames":', read(path))
        end)

        it("answers the same input in the same way", function()
            local list = record { "a", "b" }
            local replayed = nr.test.replay(path)
            assert.same(list, converse(replayed, { "a", "b" }))
            assert.same({}, replayed:unused())
            replayed:unload()
        end)

        local function failure(...)
            local replayed, caught = nr.test.replay(path), tasks.catch_errors()
            local ok, list = pcall(converse, replayed, ...)
            caught.restore()
            replayed:unload()
            assert.is_true(ok, tostring(list))
            return list, caught
        end

        it("fails on other input, and shows it", function()
            record { "a", "b" }
            local list, caught = failure({ "a", "c" }, false)
            assert.equal("unknown_input", caught[1].err.code)
            assert.matches("record_spec.lua:%d+: [^\n]*calls.tape, line 2: input 2 of '/echo' is another one "
                .. '%(%+%) than was recorded %(%-%):\n%- "b"\n%+ "c"$', caught[1].err.message)
            assert.equal("a", list[1])
            assert.equal(caught[1].err.message, list[2])
        end)

        it("fails on input that ends too early, and on more of it", function()
            record { "a", "b" }
            local _, caught = failure { "a" }
            assert.matches('\n%- "b"\n%+ the end of the input$', caught[1].err.message)
            _, caught = failure({ "a", "b", "c" }, false)
            assert.matches('\n%- the end of the input\n%+ "c"$', caught[1].err.message)
            record({ "a" }, false)
            _, caught = failure({ "a", "c" }, false)
            assert.matches('\n%- the end of the input\n%+ "c"$', caught[1].err.message)
        end)

        it("is not asked of tapes that know nothing of it", function()
            local tape_path, remove_tape = support.file("old.tape", table.concat({
                '{"nylon_ring_tape":1,"plugin":"p"}',
                '{"call":"/echo","stream":true,"frames":[[0,"a",0]],"left":"cancelled","ms":1}\n',
            }, "\n"))
            local replayed = nr.test.replay(tape_path)
            assert.same({ "a" }, converse(replayed, { "whatever" }, false))
            replayed:unload()
            remove_tape()
        end)
    end)

    describe("replayed", function()
        local function replay(lines, options)
            local tape_path, remove_tape = support.file("inner.tape",
                '{"nylon_ring_tape":1,"plugin":"p","version":"1"}\n' .. lines)
            local plugin = nr.test.replay(tape_path, options)
            finally(function()
                remove_tape()
                plugin:unload()
            end)
            return plugin
        end

        it("gives equal calls their answers in order, the last one again", function()
            local plugin = replay [[
                {"call":"/x","status":0,"answer":"1"}
                {"call":"/y","status":0,"answer":"y"}
                {"call":"/x","status":1,"answer":"2"}
            ]]
            assert.same({ 0, "1" }, { plugin:call "/x" })
            assert.same({ 1, "2" }, { plugin:call "/x" })
            assert.same({ 1, "2" }, { plugin:call "/x" })
            assert.equal("/y", plugin:unused()[1].call)
        end)

        it("takes its time when it is told to", function()
            local plugin = replay('{"call":"/x","status":0,"answer":"1","ms":250}\n', { times = true })
            local call = nr.spawn(function() return plugin:call "/x" end)
            clock:advance(249)
            assert.equal("suspended", call:status())
            clock:advance(1)
            assert.same({ 0, "1" }, { call:join() })
        end)

        it("knows calls by their headers only when it is told to", function()
            local line = '{"call":"/x","headers":[["a","1"]],"status":0,"answer":"1"}\n'
            local request = { path = "/x", headers = { A = "1" } }
            assert.is_ok(replay(line):call "/x")
            assert.is_ok(replay(line, { headers = true }):call(request))
            local caught = tasks.catch_errors()
            assert.is_not_ok(replay(line, { headers = true }):call "/x")
            caught.restore()
        end)

        it("fails on a call that it does not know, and shows the nearest", function()
            local plugin = replay [[
                {"call":"/other","status":0,"answer":"1"}
                {"call":"/users/7","query":"full=1","body":"a","status":0,"answer":"1"}
            ]]
            local caught = tasks.catch_errors()
            local status, err = plugin:call({ path = "/users/7", query = "full=0" }, "a")
            caught.restore()
            assert.is_nil(status)
            assert.status("unknown_call", status, err)
            assert.equal(err, caught[1].err)
            assert.matches("has no such call (+); the nearest is in line 3 (-):", err.message, 1, true)
            assert.equal(table.concat({
                "  GET /users/7",
                '- query "full=1"',
                '+ query "full=0"',
                '  body "a"',
            }, "\n"), err.message:match ":\n(.*)$")
        end)

        it("shows where a long body differs", function()
            local body = ("x"):rep(300)
            local plugin = replay(('{"call":"/x","body":"%s1","status":0,"answer":"1"}\n'):format(body))
            local caught = tasks.catch_errors()
            local _, err = plugin:call("/x", body .. "2")
            caught.restore()
            assert.matches('\n%- body "x+1" %(bytes 281 to 301 of 301%)\n%+ body "x+2" %(bytes 281 ',
                err.message)
        end)

        it("fails the spec also where its script copes with errors", function()
            local tape_path, remove_tape = support.file("inner.tape", '{"nylon_ring_tape":1,"plugin":"p"}\n')
            local spec_path, remove_spec = support.file("inner_spec.lua", ([[
                local nr = require "nylon_ring"
                it("copes", function()
                    local router = nr.router():any("/*path", nr.test.replay %q)
                    assert.equal(500, router:handle({ path = "/x" }).code)
                end)
            ]]):format(tape_path))
            local got = support.run { "test", "-o", "TAP", spec_path }
            remove_tape()
            remove_spec()
            assert.equal(1, got.code)
            assert.matches("Failure message: [^\n]*inner_spec.lua:4: [^\n]*inner.tape has no calls at all; "
                .. "this one came:.-GET /x", got.out)
        end)

        it("is told once where an assert shows it as well", function()
            local tape_path, remove_tape = support.file("inner.tape", '{"nylon_ring_tape":1,"plugin":"p"}\n')
            local got = inner_spec(([[
                it("asks", function() assert.ok(nr.test.replay(%q):call "/x") end)
            ]]):format(tape_path))
            remove_tape()
            assert.equal(1, select(2, got.out:gsub("this one came", "")))
        end)

        it("says which line it can not read", function()
            local no_entry = "line 2 has an entry of '%s' that is not %s"
            local no_frame = no_entry:format("frames", "[status, data, ms]")
            for lines, message in pairs {
                ["{"] = "line 2 is no JSON object",
                ["{}"] = "line 2 has no call",
                ['{"call":"/x"}'] = "line 2 has no answer",
                ['{"call":"/x","stauts":0}'] = "line 2 has 'stauts', which no call has",
                ['{"call":"/x","status":"0"}'] = "line 2 has a status that is no number",
                ['{"call":"/x","status":0.5}'] = "line 2 has a status that is none: 0.5",
                ['{"call":"/x","status":4294967296}'] = "line 2 has a status that is none",
                ['{"call":"/x","frames":[["1",0]]}'] = no_frame,
                ['{"call":"/x","frames":[1]}'] = no_frame,
                ['{"call":"/x","frames":[[-1,"x"]]}'] = no_frame,
                ['{"call":"/x","frames":[[0,{"base64":"?"}]]}'] = no_frame,
                ['{"call":"/x","frames":[],"input":["x"]}'] = no_entry:format("input", "[data, ms, frames]"),
                ['{"call":"/x","frames":[],"finish":["x"]}'] = "line 2 has a finish that is not [ms, frames]",
                ['{"call":"/x","status":0,"headers":[1]}'] = no_entry:format("headers", "[name, value]"),
                ['{"call":"/x","status":0,"answer":{"base64":"/w="}}'] = "line 2 has base64 in 'answer'",
                ['{"call":"/x","status":0,"body":{"base64":"/x=="}}'] = "line 2 has base64 in 'body' that is",
            } do
                local ok, err = pcall(replay, lines)
                assert.is_false(ok)
                assert.matches(message, err, 1, true)
            end
            for head, message in pairs {
                ['{"nylon_ring_tape":3}'] = "line 1: it is a tape of version 3, this is 2",
                ['{"nylon_ring_tape":2,"plugin":[1]}'] = "line 1 has a plugin that is no string",
                ["[1]"] = "does not begin with a line of nylon_ring_tape",
            } do
                local tape_path, remove_tape = support.file("head.tape", head .. "\n")
                local _, err = pcall(nr.test.replay, tape_path)
                remove_tape()
                assert.matches(tape_path .. ": ", err, 1, true)
                assert.matches(message, err, 1, true)
            end
            assert.matches("does not begin with a line of nylon_ring_tape",
                select(2, pcall(nr.test.replay, support.plugin "echo")))
            assert.matches("No such file", select(2, pcall(nr.test.replay, "/no/such.tape")))
        end)
    end)
end)
