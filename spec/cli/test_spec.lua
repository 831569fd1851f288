local cjson = require "cjson"
local inner = require "spec.support.inner"
local support = require "spec.support"

local function test(content, ...)
    return inner(content, { ... })
end

describe("test", function()
    it("lets specs and every hook suspend", function()
        local got = test [[
            describe("hooks", function()
                local log = {}
                local function note(what) nr.sleep(1) table.insert(log, what) end
                nr.sleep(1)
                setup(function() note "setup" end)
                lazy_setup(function() note "lazy_setup" end)
                before_each(function() note "before_each" end)
                after_each(function() note "after_each" end)
                lazy_teardown(function() note "lazy_teardown" end)
                teardown(function()
                    note "teardown"
                    print(table.concat(log, " "))
                end)
                it("suspends", function()
                    finally(function() note "finally" end)
                    assert.has_error(function() nr.sleep(1) error "x" end)
                    note "it"
                end)
            end)
        ]]
        assert.equal(0, got.code)
        assert.matches("\nsetup lazy_setup before_each it finally after_each lazy_teardown teardown\n",
            got.out)
    end)

    it("leaves with 1 when a spec fails", function()
        local got = test "it('fails', function() nr.sleep(1) assert.equal(1, 2) end)"
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- fails", got.out)
        assert.equal("", got.err)
    end)

    local unfinished = {
        ["calls os.exit"] = "os.exit(0)",
        ["takes away what busted needs"] = "_G.pcall, _G.error, _G.tostring = nil",
        ["raises an error without a value"] = "error()",
        ["waits for what cannot come"] = "nr.await(function() end)",
    }
    for what, code in pairs(unfinished) do
        it("leaves with 1 when a spec " .. what, function()
            local got = test(("it('ends', function() %s end)"):format(code))
            assert.equal(1, got.code)
        end)
    end

    it("says where a spec called os.exit", function()
        local got = test "\nit('ends', function() os.exit(0) end)"
        assert.matches("inner_spec%.lua:3 called os%.exit%(0%): the other specs had no turn", got.err)
    end)

    local exit = ("local plugin = nr.test.plugin(%q)\n"):format(support.plugin "fixture_exit")
    local early = "nylon%-ring test: exit%(%) was called before the run was over, by a plugin or through "
        .. "the FFI: the other specs had no turn\n$"
    local exits = {
        ["the FFI"] = "it('ends', function() local C = require 'ffi'.C C.exit(0) end)",
        ["a plugin's handle"] = exit .. "it('ends', function() plugin:call '/handle' end)",
        ["a plugin's thread"] = exit .. "it('ends', function() plugin:call '/thread' end)",
        ["a plugin's shutdown"] = exit .. "it('ends', function() plugin:call '/shutdown' end)",
    }
    for what, code in pairs(exits) do
        it("leaves with 1 when C's exit(0) is called by " .. what, function()
            local got = test("require 'ffi'.cdef 'void exit(int);' it('is first', function() end) " .. code)
            assert.equal(1, got.code)
            assert.matches(early, got.err)
            assert.matches("^ok 1 %- is first\n", got.out)
        end)
    end

    it("leaves a fork's exit code alone", function()
        if support.sanitized then
            pending "the leak check of a fork finds what its parent still uses"
        end
        local got = test(exit .. [[
            it('forks', function() assert.equal('0', select(2, plugin:call '/fork')) end)
        ]])
        assert.equal("ok 1 - forks\n1..1\n", got.out)
        assert.equal(0, got.code)
    end)

    it("keeps its code when a destructor calls exit(0)", function()
        local got = test(exit .. "it('fails', function() plugin:call '/late' error 'on purpose' end)")
        assert.matches("^not ok 1 %- fails\n.*\n1%.%.1\n$", got.out)
        assert.equal("", got.err)
        assert.equal(1, got.code)
        assert.equal(0, test(exit .. "it('is fine', function() plugin:call '/late' end)").code)
    end)

    it("goes on with the other specs when one waits for what cannot come", function()
        local got = test [[
            it("waits", function() nr.await(function() end) end)
            it("is next", function() nr.sleep(1) end)
        ]]
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- waits", got.out)
        assert.matches("ok 2 %- is next", got.out)
    end)

    it("leaves with 1 when a file does not parse or is not there", function()
        assert.equal(1, support.run({ "test", "/no/such/spec" }).code)
        local got = test "it("
        assert.equal(1, got.code)
        assert.matches("not ok 1 [^\n]*inner_spec%.lua\n# [^\n]*inner_spec%.lua @ 2\n", got.out)
    end)

    for _, words in ipairs { { "-o", "TAP" }, { "-o", "plainTerminal" }, { "--isolate" } } do
        it("fails a spec with an error that can not be told, with " .. words[#words], function()
            local got = test([[
                local function overflow() return overflow() + 1 end
                it("overflows", overflow)
                it("raises", function() error(setmetatable({}, { __tostring = error })) end)
                it("is fine", function() end)
            ]], unpack(words))
            assert.equal(1, got.code)
            assert.matches("inner_spec.lua:%d+: stack overflow\n", got.out)
            assert.matches("inner_spec.lua:4: an error that can not be put in words: its __tostring failed",
                got.out, 1, true)
        end)
    end

    it("tells what a hook has raised that can not be told", function()
        local got = test [[
            before_each(function() local function overflow() return overflow() + 1 end overflow() end)
            it("has no turn", function() end)
        ]]
        assert.matches("\n# Failure message: inner_spec.lua:2: stack overflow\n", got.out)
    end)

    it("reports in JSON what can not be put in words", function()
        for _ = 1, 10 do -- which of its errors busted hands on differs from run to run
            local got = test([[
                local unsayable = setmetatable({}, { __tostring = function() error "no" end })
                it("raises", function() error(unsayable) end)
                it("is fine", function() end)
            ]], "-o", "json")
            assert.equal(1, got.code)
            local report = cjson.decode(got.out)
            assert.equal(1, #report.successes)
            assert.matches("inner_spec.lua:2: no", report.errors[1].message, 1, true)
        end
    end)

    it("shows the file of what a tail call has left no line of", function()
        for _, isolate in ipairs { "--no-isolate", "--isolate" } do
            local got = test("return pending 'soon'", "-o", "plainTerminal", isolate)
            assert.equal(0, got.code)
            assert.matches("\nPending %-> [^\n]*inner_spec.lua @ 0\nsoon\n", got.out)
        end
    end)

    it("fails a spec that yields to nobody, and it alone", function()
        local got = test [[
            it("yields", function() coroutine.yield() end)
            it("generates", function()
                local co = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end)
                assert.same({ 1, 2 }, { co(), co() })
            end)
        ]]
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- yields\n[^\n]*\n[^\n]*inner_spec%.lua:2: this yields to nobody", got.out)
        assert.matches("ok 2 %- generates", got.out)
    end)

    local load_echo = ("nr.load(%q)"):format(support.plugin "echo")
    local left = {
        { "a plugin", load_echo, "plugin 'echo' made at [^\n]*:2, still loaded" },
        { "a handle", "require 'luv'.new_timer()", "a timer handle made at [^\n]*inner_spec%.lua:2" },
        { "a task", "nr.spawn(function() nr.sleep(100000) end)", "task %d+ %([^\n]*inner_spec%.lua:2%)" },
        { "a task of ours", "nr.spawn(nr.sleep, 100000)", "task %d+ made at inner_spec%.lua:2, which " },
    }
    for _, case in ipairs(left) do
        it("fails a spec that leaves " .. case[1] .. ", and says which", function()
            local specs = "it('leaves', function() %s end) it('is next', function() end)"
            local got = test(specs:format(case[2]))
            assert.equal(1, got.code)
            assert.matches("not ok 1 %- leaves", got.out)
            assert.matches("left behind: " .. case[3], got.out)
            assert.matches("ok 2 %- is next", got.out)
        end)
    end

    it("fails a spec that leaves a stream, and one that leaves a call", function()
        local got = test(([[
            local echo, never, stream
            setup(function() echo, never = nr.load(%q), nr.load(%q) end)
            teardown(function() echo:unload() never:unload { grace = 1 } end)
            it("leaves a stream", function() stream = echo:call_stream "/stream?frames=3&interval=60000" end)
            it("leaves a call", function() nr.spawn(never.call, never, "/") end)
            it("leaves none", function() stream:close() end)
        ]]):format(support.plugin "echo", support.plugin "fixture_never"))
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- leaves a stream\n[^\n]*\n# Failure message: left behind: stream '"
            .. "echo /stream%?frames=3&interval=60000' %(sid %d+, 0 frames so far%) made at [^\n]*:5\n",
            got.out)
        assert.matches("not ok 2 %- leaves a call\n[^\n]*\n# Failure message: left behind: "
            .. "task %d+ made at [^\n]*:6, which awaits fixture_never / for %d+ ms %(sid %d+%)\n",
            got.out)
        assert.matches("ok 3 %- leaves none", got.out)
    end)

    it("fails a file that leaves what its setup opened", function()
        local got = test [[
            setup(function() require "luv".new_tcp() end)
            it("is fine", function() end)
        ]]
        assert.equal(1, got.code)
        assert.matches("\nok 1 %- is fine", "\n" .. got.out)
        assert.matches("left behind: a tcp handle made at [^\n]*inner_spec%.lua:2", got.out)
    end)

    it("lets a spec clean up in after_each and finally", function()
        local got = test [[
            local timer
            after_each(function() timer:close() end)
            it("leaves nothing", function()
                timer = require "luv".new_timer()
                local task = nr.spawn(function() nr.sleep(100000) end)
                finally(function() task:cancel() end)
            end)
        ]]
        assert.equal(0, got.code)
    end)

    it("fails the spec whose task failed in the background", function()
        local got = test [[
            it("fails", function()
                nr.spawn(function() nr.sleep(1) error "in the background" end)
                nr.sleep(5)
            end)
            it("is next", function() nr.sleep(1) end)
        ]]
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- fails", got.out)
        assert.matches("in the background", got.out)
        assert.matches("ok 2 %- is next", got.out)
    end)

    it("charges what a task does after the end of its spec to that spec", function()
        local got = test [[
            it("starts", function()
                nr.spawn(function()
                    pcall(nr.await, function() end)
                    error "too late"
                end)
            end)
            it("is next", function() nr.sleep(1) end)
        ]]
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- starts\n.*task %d+ %b(), which 'starts' started, failed after its end: "
            .. "inner_spec.lua:5: too late\n.*\nok 2 %- is next", got.out)
    end)

    for _, output in ipairs { "utfTerminal", "plainTerminal", "TAP", "json", "junit", "gtest" } do
        it("keeps busted's output handler " .. output, function()
            local got = test("it('shines', function() nr.sleep(1) end)", "-o", output)
            assert.equal(0, got.code)
            assert.equal("", got.err)
            assert.is_true(#got.out > 0)
        end)
    end

    it("writes JSON of specs that fail and of pending ones", function()
        local got = test("pending('later') it('fails', function() assert.equal(1, 2) end)", "-o", "json")
        assert.equal(1, got.code)
        local told = require "cjson".decode(got.out)
        assert.equal("fails", told.failures[1].name)
        assert.equal("later", told.pendings[1].name)
    end)

    it("writes JSON of errors of files and blocks", function()
        local function errors(content)
            local told = require "cjson".decode(test(content, "-o", "json").out)
            return told.errors
        end
        assert.matches(":2: at the top", errors("error 'at the top'")[1].message)
        assert.matches("left behind: a timer", errors("require 'luv'.new_timer()")[1].message)
        local of_block = errors [[describe("block", function()
            teardown(function() require "luv".new_timer() end)
            it("is there", function() end)
        end)]]
        assert.equal("block", of_block[1].name)
        assert.is_nil(of_block[1].element.it)
    end)

    it("writes bytes of messages and names in JSON and XML so that they can be read", function()
        local specs = [[
            it("\1 is fine\255", function() end)
            it("fails", function() error "\0\27\255\239\191\191\237\160\128é<&" end)
        ]]
        local json = require "nylon_ring.io.json"
        local out = test(specs, "-o", "json").out
        local told = require "cjson".decode(out)
        assert.is_true(json.is_utf8(out))
        assert.equal("\1 is fine\\255", told.successes[1].name)
        assert.matches("\0\27\\255\239\191\191\\237\\160\\128é<&", told.errors[1].message, 1, true)
        out = test(specs, "-o", "junit").out
        assert.is_true(json.is_utf8(out))
        assert.is_nil(out:find("[%z\1-\8\11\12\14-\31]"))
        assert.matches("name='\\1 is fine\\255'", out, 1, true)
        assert.matches("\\0\\27\\255\\239\\191\\191\\237\\160\\128é&lt;&amp;", out, 1, true)
    end)

    it("passes busted's options on", function()
        local specs = "it('one #fast', function() end) it('two', function() end)"
        assert.matches("1%.%.1\n$", test(specs, "-t", "fast").out)
        assert.matches("1%.%.2\n.*1%.%.2\n$", test(specs, "--repeat", "2").out)
        assert.equal("two\n", test(specs, "--list", "--filter", "two").out)
    end)

    it("gives every file the same nylon_ring, and its own globals", function()
        local path, remove = support.file("a_spec.lua", [[
            it("marks", function() require "nylon_ring".mark = true; mine = 1; package.loaded.mine = 1 end)
        ]])
        finally(remove)
        local other = path:gsub("a_spec", "b_spec")
        local file = assert(io.open(other, "w"))
        file:write [[
            it("finds", function()
                assert.is_true(require "nylon_ring".mark)
                assert.is_nil(mine)
                assert.is_nil(package.loaded.mine)
            end)
        ]]
        file:close()
        finally(function() os.remove(other) remove() end)
        assert.equal(0, support.run({ "test", path, other }).code)
    end)

    for _, isolate in ipairs { "--no-isolate", "--isolate" } do
        it("runs no spec when Ctrl-C comes before the first, with " .. isolate, function()
            local path, remove = support.file("a_spec.lua", "it('is first', function() print 'NOT HERE' end)")
            finally(remove)
            local waits = [[
                io.write "ready\n" io.flush()
                pcall(require("nylon_ring").sleep, 100000)
            ]]
            local child = support.start(support.program, { "test", isolate, "-e", waits, path })
            child:wait_for("out", "ready")
            child:kill "sigint"
            local got = child:wait()
            assert.equal(130, got.code)
            assert.matches("^nylon%-ring: interrupted[^\n]*\n$", got.err)
            assert.is_nil(got.out:find("NOT HERE", 1, true))
        end)
    end

    it("is left with 130 by Ctrl-C, and runs no other spec", function()
        local path, remove = support.file("slow_spec.lua", ([[
            local nr = require "nylon_ring"
            it("waits", function() nr.load(%q) io.write "ready\n" io.flush() nr.sleep(100000) end)
            it("is next", function() print "NOT HERE" end)
        ]]):format(support.plugin "echo"))
        finally(remove)
        local child = support.start(support.program, { "test", path })
        child:wait_for("out", "ready")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.matches("slow_spec%.lua:2: interrupted %(cancelled%)\n", got.out)
        assert.equal(1, select(2, got.out:gsub("interrupted", "")))
        assert.is_nil(got.out:find("NOT HERE", 1, true))
    end)
end)
