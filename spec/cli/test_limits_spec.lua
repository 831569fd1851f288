local support = require "spec.support"
local test = require "spec.support.inner"

local echo, never = support.plugin "echo", support.plugin "fixture_never"

--- A report with its times and sids left out, which differ from run to run.
local function report(out)
    return (out:gsub("for %d+ ms", "for N ms"):gsub("%-%d+%.%d ms", "-N ms"):gsub("sid %d+", "sid N")
        :gsub("task %d+", "task N"))
end

describe("limits of `test`", function()
    it("tell what a spec awaits: plugin, path, sid, frames, age, stack and ABI events", function()
        local got = test(([[
local function read(stream)
    stream:recv()
    local _, second = stream:recv()
    return second
end
local echo
setup(function() echo = nr.load(%q) end)
teardown(function() echo:unload() end)
it("reads", function() require "nylon_ring.test.limits".limit(100)
    local stream = echo:call_stream "/stream?frames=3&interval=60000"
    finally(function() stream:close() end)
    local frame = read(stream)
    assert.equal("1", frame)
end)
it("is next", function() end)
]]):format(echo))
        assert.equal(1, got.code)
        assert.equal([[
not ok 1 - reads
# inner_spec.lua @ 10
# Failure message: inner_spec.lua:4: the spec did not end within 100 ms
#   it awaits echo /stream?frames=3&interval=60000 for N ms (sid N, 1 frame so far)
#       inner_spec.lua:4: in 'read'
#       inner_spec.lua:13: in a function of line 10
#       -N ms handle "/stream?frames=3&interval=60000" 0 B: Ok
#       -N ms send_result Ok 7 B, from a thread: delivered
ok 2 - is next
1..2
]], report(got.out))
    end)

    it("tell what the tasks of a spec await", function()
        local got = test(([[
local never
setup(function() never = nr.load(%q) end)
teardown(function() never:unload { grace = 1 } end)
it("calls", function() require "nylon_ring.test.limits".limit(100)
    local child = nr.spawn(function()
        local status = never:call "/x"
        assert(status)
    end)
    finally(function() child:cancel() end)
    nr.await(function() end)
end)
]]):format(never))
        assert.equal(1, got.code)
        assert.equal([[
not ok 1 - calls
# inner_spec.lua @ 5
# Failure message: inner_spec.lua:11: the spec did not end within 100 ms
#   it awaits nr.await at inner_spec.lua:11 for N ms
#       inner_spec.lua:11: in a function of line 5
#   task N (inner_spec.lua:6) awaits fixture_never /x for N ms (sid N)
#       inner_spec.lua:7: in a function of line 6
#       -N ms handle "/x" 0 B: Ok
1..1
]], report(got.out))
    end)

    it("show no frame of the program in a traceback", function()
        local got = test("it('waits', function() nr.test.limit(50) nr.sleep(60000) end)",
            { "-v", "-o", "plainTerminal" })
        assert.matches("\nstack traceback:\n%s*inner_spec.lua:2: in function <inner_spec.lua:2>\n", got.out)
        assert.is_nil(got.out:find("nylon_ring[:/]"))
    end)

    it("tell of eight ABI events at most, and first of those of the call that is awaited", function()
        local got = test(([[
local echo
setup(function() echo = nr.load(%q) end)
teardown(function() echo:unload() end)
it("reads", function() require "nylon_ring.test.limits".limit(100)
    local stream = echo:call_stream("/stream?frames=9&interval=60000", "x")
    finally(function() stream:close() end)
    stream:recv()
    for i = 1, 5 do echo:call("/echo", ("x"):rep(i)) end
    stream:recv()
end)
it("reads without a trace", function() require "nylon_ring.test.limits".limit(100)
    echo:trace(false)
    local stream = echo:call_stream "/stream?frames=9&interval=60000"
    finally(function() stream:close() end)
    stream:recv()
    stream:recv()
end)
]]):format(echo), { "--keep-going" })
        assert.equal([[
#       -N ms handle "/stream?frames=9&interval=60000" 1 B: Ok
#       -N ms send_result Ok 1 B, from a thread: delivered
#       -N ms handle "/echo" 3 B: Ok (sid N)
#       -N ms send_result Ok 3 B, inside handle: delivered (sid N)
#       -N ms handle "/echo" 4 B: Ok (sid N)
#       -N ms send_result Ok 4 B, inside handle: delivered (sid N)
#       -N ms handle "/echo" 5 B: Ok (sid N)
#       -N ms send_result Ok 5 B, inside handle: delivered (sid N)
]], report(got.out):match "in a function of line 5\n(.-)not ok 2")
        assert.matches("in a function of line 12\n1..2\n$", got.out)
    end)

    it("tell of ABI events since the spec began, and of a plugin's once", function()
        local got = test(([[
local never = nr.test.plugin(%q, { grace = 1, owes = true })
it("is before", function() never:call("/before", "", { timeout = 1 }) end)
it("calls", function() nr.test.limit(100)
    local child = nr.spawn(never.call, never, "/child")
    finally(function() child:cancel() end)
    never:call "/spec"
end)
]]):format(never))
        local text = report(got.out)
        assert.is_nil(text:find("/before", 1, true))
        local _, count = text:gsub("handle \"/spec\"", "")
        assert.equal(1, count)
        _, count = text:gsub("handle \"/child\"", "")
        assert.equal(1, count)
    end)

    it("tell of some tasks where there are many", function()
        local got = test [[
            it("waits", function() nr.test.limit(100)
                for _ = 1, 30 do nr.spawn(function() nr.await(function() end) end) end
                nr.sleep(60000)
            end)
        ]]
        local _, count = got.out:gsub("\n#   task %d+ %b() awaits", "")
        assert.equal(20, count)
        assert.matches("\n#   %.%.%. and 10 more tasks\n", got.out)
    end)

    local busy = [[
        local function busy(ms)
            local uv = require "luv"
            local start = uv.hrtime()
            while uv.hrtime() - start < ms * 1e6 do end
        end
    ]]

    it("fail what blocks until they are over, with how long it took", function()
        local got = test(busy .. [[
            describe("block", function()
                setup(function() busy(130) end)
                it("is busy", function() busy(130) end)
                it("fails as well", function() busy(130) assert(false, "mine") end)
                it("has time", function() nr.test.limit(100000) busy(130) end)
                it("has no limit", function() nr.test.limit(0) busy(130) end)
                it("has a clock", function()
                    local clock = nr.test.clock()
                    busy(130)
                    clock:close()
                end)
                it("is innocent", function() nr.test.limit(0) nr.sleep(0) end)
            end)
        ]], { "--timeout", "100" })
        local blocked = " took %d+ ms, its limit is 100 ms: it could not be ended there, "
            .. "because it did not suspend"
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- block is busy\n[^\n]*\n# Failure message: the spec" .. blocked, got.out)
        assert.matches("not ok 2 %- block fails as well\n[^\n]*\n[^\n]*: mine\n# the spec" .. blocked,
            got.out)
        assert.matches("\nok 3 %- block has time\nok 4 %- block has no limit\nnot ok 5 %- block has a clock\n"
            .. "[^\n]*\n# Failure message: the spec" .. blocked .. "\nok 6 %- block is innocent\n", got.out)
        assert.matches("not ok 7 %- block\n[^\n]*\n# Failure message: setup of 'block'" .. blocked, got.out)
        assert.equal(0, test(busy .. "it('is busy', function() busy(20) end)", { "--timeout", "0" }).code)
    end)

    it("hold for what blocks do beside hooks and specs", function()
        local got = test([[
            describe("block", function()
                nr.sleep(60000)
                it("is there", function() end)
            end)
        ]], { "--timeout", "100" })
        assert.equal(1, got.code)
        assert.matches("what 'block' does beside its hooks and specs did not end within 100 ms", got.out)
    end)

    it("tell of a clock that nobody moves", function()
        local got = test [[
            it("waits", function()
                local clock = nr.test.clock()
                finally(function() clock:close() end)
                nr.sleep(10)
            end)
        ]]
        assert.matches("inner_spec.lua:5: nothing is left that could end this wait: the clock of nr.test "
            .. "stands still, and one timer waits for clock:advance\n", got.out)
    end)

    it("fail a spec that catches what they raise, and end what waits again", function()
        local got = test([[
            it("catches", function() pcall(nr.sleep, 60000) pcall(nr.sleep, 60000) end)
            it("is next", function() end)
        ]], { "--timeout", "100" })
        assert.equal(1, got.code)
        assert.equal("", got.err)
        assert.matches("not ok 1 %- catches\n[^\n]*\n[^\n]*did not end within 100 ms", got.out)
        assert.matches("\nok 2 %- is next", got.out)
    end)

    it("are raised by every later wait, in nr.timeout as well", function()
        local got = test([[
            it("catches", function()
                local _, first = pcall(nr.sleep, 60000)
                for _, wait in ipairs {
                    function() nr.sleep(60000) end, function() nr.await(function() end) end,
                    function() nr.timeout(60000, nr.sleep, 60000) end,
                } do
                    local ok, err = pcall(wait)
                    assert.is_false(ok)
                    assert.equal(first, err)
                end
                print "ALL RAISED"
            end)
            it("fails, and waits at its end", function()
                finally(function() nr.sleep(1) print "WAITED" end)
                nr.sleep(60000)
            end)
            it("is next", function() nr.sleep(1) end)
        ]], { "--timeout", "100" })
        assert.matches("ALL RAISED", got.out, 1, true)
        assert.matches("WAITED", got.out, 1, true)
        assert.matches("not ok 1 %- catches\n[^\n]*\n[^\n]*did not end within 100 ms", got.out)
        assert.matches("\nok 3 %- is next\n", got.out)
    end)

    local polls = [[
        it("polls", function()
            nr.test.limit(100)
            repeat local ok = pcall(function() nr.sleep(10) error "no" end) until ok
        end)
    ]]

    it("have a spec that catches what they raise for ever killed, where it is isolated", function()
        local got = test(polls, { "--isolate" })
        assert.equal(1, got.code)
        assert.matches("the spec did not end within 100 ms and did not suspend: the process of this file was "
            .. "killed in the spec 'polls'", got.out, 1, true)
    end)

    it("leave a run that does not end after the suite's", function()
        local got = test(polls, { "--suite-timeout=150", "--timeout=0" })
        assert.equal(1, got.code)
        assert.matches("nylon-ring test: the suite did not end within 150 ms (--suite-timeout), nor soon "
            .. "after it: the run was left in the middle of it\n", got.err, 1, true)
    end)

    it("say so where a spec does not suspend, which they cannot end", function()
        local path, remove = support.file("inner_spec.lua", "it('spins', function() while true do end end)")
        finally(remove)
        local run = support.start(support.program, { "test", "--timeout=100", path })
        run:wait_for("err", "\n")
        run:kill "sigkill"
        local err = run:wait().err:gsub("[^ \n(]*/inner_spec.lua", "inner_spec.lua")
        assert.equal("nylon-ring test: the spec did not end within 100 ms, and does not suspend: "
            .. "'spins' (inner_spec.lua:1); Ctrl-C twice leaves, --isolate ends it\n", err)
    end)

    it("hold for hooks as well", function()
        for _, hook in ipairs { "setup", "before_each", "after_each", "teardown" } do
            local got = test(([[
                %s(function() nr.sleep(60000) end)
                it("is there", function() end)
            ]]):format(hook), { "--timeout", "100" })
            assert.equal(1, got.code)
            assert.matches(hook .. " of the file did not end within 100 ms", got.out, 1, true)
        end
    end)

    it("come from the environment, unless they are given", function()
        local specs = "it('waits', function() nr.sleep(60000) end)"
        local env = { NYLON_RING_TEST_TIMEOUT = "100" }
        assert.matches("did not end within 100 ms", test(specs, {}, env).out)
        assert.matches("did not end within 90 ms", test(specs, { "--timeout=90" }, env).out)
    end)

    it("are none where they are 0, or have no end", function()
        for _, isolate in ipairs { "--no-isolate", "--isolate" } do
            local got = test([[
                for _, none in ipairs { 0, math.huge } do
                    it("has " .. none, function() nr.test.limit(none) nr.sleep(1) end)
                end
            ]], { isolate })
            assert.equal("ok 1 - has 0\nok 2 - has inf\n1..2\n", got.out)
            assert.equal("", got.err)
        end
    end)

    it("are set by a spec for itself, and by a block for its specs", function()
        local got = test([[
            local test = require "nylon_ring.test.limits"
            it("sets its own", function() test.limit(100) nr.sleep(60000) end)
            describe("block", function()
                test.limit(110)
                it("has the block's", function() nr.sleep(60000) end)
            end)
            it("has the default", function() nr.sleep(60000) end)
            it("may bound a part", function()
                local _, err = nr.timeout(5, nr.sleep, 60000)
                assert.equal("timeout", err.code)
            end)
        ]], { "--timeout", "120" })
        assert.matches("not ok %d %- sets its own\n[^\n]*\n[^\n]*within 100 ms", got.out)
        assert.matches("not ok %d %- block has the block's\n[^\n]*\n[^\n]*within 110 ms", got.out)
        assert.matches("not ok %d %- has the default\n[^\n]*\n[^\n]*within 120 ms", got.out)
        assert.matches("\nok %d %- may bound a part", got.out)
    end)

    local three = [[
        it("waits", function() nr.sleep(60000) end)
        it("is left out", function() print "NOT HERE" end)
    ]]

    it("leave out the rest of a file that takes too long, and go on with the next", function()
        local path, remove = support.file("a_spec.lua", "local nr = require 'nylon_ring'\n" .. three)
        local other = path:gsub("a_spec", "b_spec")
        finally(function() os.remove(other) remove() end)
        local file = assert(io.open(other, "w"))
        file:write "it('has its turn', function() end)"
        file:close()
        local got = support.run { "test", "-o", "TAP", "--file-timeout", "150", path, other }
        assert.equal(1, got.code)
        assert.matches("the file did not end within 150 ms %(%-%-file%-timeout%)", got.out)
        assert.is_nil(got.out:find("NOT HERE", 1, true))
        assert.matches("ok 2 %- has its turn", got.out)
        got = support.run { "test", "-o", "TAP", "--suite-timeout", "150", path, other }
        assert.equal(1, got.code)
        assert.matches("the suite did not end within 150 ms %(%-%-suite%-timeout%)", got.out)
        assert.matches("\n1%.%.1\n$", got.out)
    end)

    it("are refused where they are no numbers", function()
        for _, words in ipairs { { "--timeout", "soon" }, { "--timeout" }, { "--file-timeout=-1" } } do
            local got = test("", words)
            assert.equal(2, got.code)
            assert.matches("^nylon%-ring test: option '%-%-[%l-]+'", got.err)
        end
        local got = test("", {}, { NYLON_RING_TEST_TIMEOUT = "soon" })
        assert.equal(2, got.code)
        assert.matches("NYLON_RING_TEST_TIMEOUT: 'soon' is not a whole number", got.err)
    end)
end)
