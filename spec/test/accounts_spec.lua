local support = require "spec.support"
local test = require "spec.support.inner"

-- What TAP tells, with all that differs from run to run left out.
local function told(out)
    return (out:gsub("for %d+ ms", "for N ms"):gsub("task %d+", "task N"):gsub("sid %d+", "sid N"))
end

describe("what fails in the background", function()
    it("fails the spec that started it, once, with all that is to be said", function()
        local got = test [[
it("fails", function()
    local function deep() error "three" end
    nr.spawn(function() error "one" end)
    nr.spawn(function() error { code = 7, list = { 1, 2 } } end)
    nr.spawn(function() pcall(nr.await, function() end) deep() end)
end)
it("is next", function() nr.sleep(0) end)
]]
        assert.equal(1, got.code)
        assert.equal([[
not ok 1 - fails
# inner_spec.lua @ 2
# Failure message: task N (inner_spec.lua:4) failed in the background: inner_spec.lua:4: one
#   inner_spec.lua:4: in function <inner_spec.lua:4>
# task N (inner_spec.lua:5) failed in the background: { code = 7, list = { 1, 2 } }
#   inner_spec.lua:5: in function <inner_spec.lua:5>
# left behind: task N (inner_spec.lua:6) made at inner_spec.lua:6, ]]
            .. [[which awaits nr.await at inner_spec.lua:6 for N ms at inner_spec.lua:6
# task N (inner_spec.lua:6), which 'fails' started, failed after its end: inner_spec.lua:3: three
#   inner_spec.lua:3: in function 'deep'
#   inner_spec.lua:6: in function <inner_spec.lua:6>
ok 2 - is next
1..2
]], told(got.out))
    end)

    it("is told after the spec's own failure, which left it no chance to clean up", function()
        local got = test [[
            it("fails", function()
                nr.spawn(function() error "background" end)
                nr.spawn(function() nr.await(function() end) end)
                finally(function() error "second" end)
                assert(false, "first")
            end)
        ]]
        assert.equal([[
not ok 1 - fails
# inner_spec.lua @ 2
# Failure message: inner_spec.lua:6: first
# inner_spec.lua:5: second
# task N (inner_spec.lua:3) failed in the background: inner_spec.lua:3: background
#   inner_spec.lua:3: in function <inner_spec.lua:3>
1..1
]], told(got.out))
    end)

    it("is told by every output, also where it is all that fails", function()
        for _, output in ipairs { "TAP", "plainTerminal", "json", "junit", "gtest" } do
            local got = test([[
                it("fails", function()
                    nr.spawn(function() error "one" end)
                    nr.spawn(function() error "two" end)
                end)
            ]], { "-o", output })
            assert.equal(1, got.code)
            assert.equal("", got.err)
            assert.matches("one.-two", got.out)
        end
    end)

    it("is charged to the luv callback's spec, whatever runs then", function()
        local got = test [[
            local uv = require "luv"
            local timer, resume
            it("starts", function()
                timer = uv.new_timer()
                timer:start(0, 0, function()
                    nr.spawn(function() nr.sleep(0) error "task" end)
                    error "timer"
                end)
                uv.fs_stat("/", function() error "request" end)
            end)
            it("leaves", function()
                timer = uv.new_timer()
                timer:start(60000, 0, function() error "never" end)
            end)
            it("is innocent", function()
                nr.sleep(0)
                assert.is_true(timer:is_closing())
            end)
        ]]
        assert.equal(1, got.code)
        local first = got.out:match "^not ok 1 %- starts\n.-\nnot ok 2 "
        assert.matches("a callback failed in the background: inner_spec.lua:8: timer\n", first)
        assert.matches("a callback failed in the background: inner_spec.lua:10: request\n", first)
        assert.matches("task %d+ %b() failed in the background: inner_spec.lua:7: task\n", first)
        assert.matches("\nnot ok 2 %- leaves\n[^\n]*\n[^\n]*left behind: an active timer handle", got.out)
        assert.matches("\nok 3 %- is innocent\n1%.%.3\n$", got.out)
    end)

    it("is charged to the spec that queued luv's work, whatever runs then", function()
        local got = test [[
            local uv = require "luv"
            local gate, ran = os.tmpname(), 0
            os.remove(gate)
            local function work(path)
                repeat until io.open(path)
            end
            local made
            setup(function() made = uv.new_work(work, function() ran = ran + 1 error "late" end) end)
            teardown(function() os.remove(gate) end)
            it("queues", function() made:queue(gate) uv.queue_work(made, gate) end)
            it("is innocent", function()
                assert(io.open(gate, "w")):close()
                while ran < 2 do nr.sleep(1) end
            end)
        ]]
        assert.equal(1, got.code)
        assert.matches("^ok 1 %- queues\nok 2 %- is innocent\nnot ok 3 ", got.out)
        local failed = "a callback, which 'queues' started, failed after its end: inner_spec.lua:9: late"
        assert.equal(2, select(2, got.out:gsub(failed, "")))
    end)

    local specs = [[
        local gates = {}
        local function fail_at_once(what) nr.spawn(function() error(what) end) end
        local function fail_later(what)
            nr.spawn(function() nr.await(function(resume) gates[#gates + 1] = resume end) error(what) end)
        end
        local function open() for _, resume in ipairs(gates) do resume() end gates = {} nr.sleep(0) end
        fail_at_once "top" fail_later "top later"
        describe("block", function()
            fail_at_once "body" fail_later "body later"
            setup(function() fail_at_once "setup" fail_later "setup later" end)
            lazy_setup(function() fail_at_once "lazy" fail_later "lazy later" end)
            teardown(function() fail_at_once "teardown" end)
            it("is innocent", open)
            it("is so too", open)
        end)
        describe("next", function() it("is innocent as well", open) end)
    ]]

    it("is charged to the hook, the block or the file that started it", function()
        local got = test(specs)
        assert.equal(1, got.code)
        local names = {
            top = "the file", body = "the block 'block'", setup = "setup of 'block'",
            lazy = "lazy_setup of 'block'", teardown = "teardown of 'block'",
        }
        for what, name in pairs(names) do
            assert.matches("which " .. name .. " started, failed in the background: [^\n]*: " .. what .. "\n",
                got.out)
        end
        for _, what in ipairs { "top", "body", "setup", "lazy" } do
            assert.matches("which " .. names[what] .. " started, failed in the background: [^\n]*: " .. what
                .. " later\n", got.out)
        end
        assert.matches("\nok %d+ %- block is innocent\nok %d+ %- block is so too\nnot ok ", "\n" .. got.out)
        assert.matches("\nok %d+ %- next is innocent as well\nnot ok ", got.out)
    end)

    it("is the same in a process of its own", function()
        local function failures(words)
            local list = {}
            for line in told(test(specs, words).out):gmatch "[^\n]+" do
                table.insert(list, (line:gsub("ok %d+", "ok N")))
            end
            table.sort(list)
            return list
        end
        assert.same(failures {}, failures { "--isolate" })
    end)

    it("is told of the whole run as well, where its own hooks started it", function()
        local path, remove = support.file("helper.lua", [[
            require "busted".setup(function()
                require "nylon_ring".spawn(function() require "nylon_ring".sleep(0) error "beside" end)
            end)
        ]])
        local got = test("it('is fine', function() nr.sleep(0) end)", { "--helper=" .. path })
        remove()
        assert.equal(1, got.code)
        assert.matches("ok 1 %- is fine\nnot ok 2 ", got.out)
        assert.matches("task %d+ %b(), which setup of the run started, failed in the background: "
            .. "[^\n]*: beside\n.*1%.%.2\n$", got.out)
    end)
end)

describe("what is left", function()
    it("is closed once it is told, so that the next spec has nothing of it", function()
        local got = test(([[
            local uv, core = require "luv", require "nylon_ring.core"
            local echo_file = %q
            local lua = nr.plugin_from_lua {
                ["/s"] = function(call) call:frame "1" nr.await(function() end) end,
                ["/c"] = function() nr.await(function() end) end,
            }
            local echo = nr.test.plugin(echo_file, { name = "own" })
            local kept = {}
            it("leaves", function()
                kept.task = nr.spawn(function() nr.await(function() end) end)
                kept.handle = uv.new_timer()
                kept.process = uv.spawn("/bin/sleep", { args = { "60000" } }, function(_, signal)
                    kept.signal = signal
                end)
                kept.native = echo:call_stream "/stream?frames=3&interval=60000"
                kept.stream = lua:call_stream "/s"
                kept.call = nr.spawn(lua.call, lua, "/c")
                kept.plugin = assert(nr.load(echo_file))
                kept.clock = nr.test.clock()
            end)
            it("is clean", function()
                assert.equal("cancelled", kept.task:status())
                assert.equal("cancelled", kept.call:status())
                assert.is_true(kept.handle:is_closing())
                assert.is_true(kept.process:is_closing())
                assert.is_nil(kept.native:sid())
                assert.is_nil(kept.stream:sid())
                assert.equal(0, core.streams())
                assert.equal(0, lua:stats().in_flight)
                assert.is_nil(kept.plugin:info())
                nr.sleep(1)
                assert(nr.load(echo_file)):unload()
            end)
        ]]):format(support.plugin "echo"))
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- leaves\n[^\n]*\n# Failure message: left behind:\n", got.out)
        for _, line in ipairs {
            "task %d+ %b() made at inner_spec.lua:11, which awaits nr.await",
            "a timer handle made at inner_spec.lua:12\n",
            "an active process handle made at inner_spec.lua:13\n",
            "stream 'own /stream?[^\n]*' %(sid %d+, 0 frames so far%) made at inner_spec.lua:16\n",
            "stream 'lua /s' %(sid %d+, 0 frames so far%) made at inner_spec.lua:17\n",
            "plugin 'echo' made at inner_spec.lua:19, still loaded\n",
            "the clock of nr.test made at inner_spec.lua:20\n",
        } do
            assert.matches("\n#   " .. line, got.out)
        end
        assert.matches("\nok 2 %- is clean\n1%.%.2\n$", got.out)
    end)

    it("is told of in some lines where it is much", function()
        local got = test [[
            it("leaves", function()
                local uv = require "luv"
                for _ = 1, 25 do uv.new_timer() end
            end)
        ]]
        local _, count = got.out:gsub("a timer handle", "")
        assert.equal(20, count)
        assert.matches("\n#   %.%.%. and 5 more\n", got.out)
    end)

    it("is told by the block whose hooks opened it, and not by its specs or the next one", function()
        local got = test [[
            local uv = require "luv"
            describe("leaky", function()
                setup(function() uv.new_tcp() end)
                teardown(function() nr.spawn(function() nr.await(function() end) end) end)
                it("is fine", function() end)
                it("leaves something of its own", function() uv.new_timer() end)
            end)
            describe("clean", function() it("is fine", function() nr.sleep(0) end) end)
        ]]
        assert.equal([[
ok 1 - leaky is fine
not ok 2 - leaky leaves something of its own
# inner_spec.lua @ 7
# Failure message: left behind: a timer handle made at inner_spec.lua:7
not ok 3 - leaky
# inner_spec.lua @ 3
# Failure message: left behind:
#   a tcp handle made at inner_spec.lua:4
#   task N (inner_spec.lua:5) made at inner_spec.lua:5, ]]
            .. [[which awaits nr.await at inner_spec.lua:5 for N ms at inner_spec.lua:5
ok 4 - clean is fine
1..4
]], told(got.out))
    end)

    it("is not a spec's where a setup's task opened it meanwhile", function()
        local got = test [[
            local uv = require "luv"
            local resume, handle
            setup(function()
                nr.spawn(function()
                    nr.await(function(done) resume = done end)
                    handle = uv.new_timer()
                end)
            end)
            teardown(function() handle:close() end)
            it("is fine", function() resume() nr.sleep(0) end)
        ]]
        assert.equal("ok 1 - is fine\n1..1\n", got.out)
    end)

    it("is told by the block where a before_each fails", function()
        local got = test [[
            describe("block", function()
                before_each(function()
                    require "luv".new_timer()
                    nr.spawn(function() error "in the background" end)
                    error "mine"
                end)
                it("has no turn", function() end)
            end)
            it("is next", function() nr.sleep(0) end)
        ]]
        assert.matches("not ok %d %- block before_each\n.*: mine\n", got.out)
        local block = "not ok %d %- block\n# inner_spec.lua @ 2\n# Failure message: "
        assert.matches(block .. "task %d+ %b(), which a before_each started, failed", got.out)
        assert.matches(block .. "left behind: a timer handle made at inner_spec.lua:4\n", got.out)
        assert.matches("\nok %d %- is next\n", got.out)
    end)

    it("is a stream also where its variable was collected", function()
        local got = test(([[
            local echo = nr.test.plugin(%q)
            local lua = nr.plugin_from_lua { ["/s"] = function() nr.await(function() end) end }
            local function collected(plugin, target, read)
                read(plugin:call_stream(target))
                collectgarbage()
                collectgarbage()
            end
            local function leave() end
            local function close(stream) stream:close() end
            local function finish(stream) for _ in stream:frames() do end end
            it("native", function() collected(echo, "/stream?frames=2&interval=60000", leave) end)
            it("Lua", function() collected(lua, "/s", leave) end)
            it("closed", function() collected(lua, "/s", close) end)
            it("read", function() collected(echo, "/stream?frames=2", finish) end)
            it("a task's", function() nr.spawn(collected, lua, "/s", leave):join() end)
            it("is allowed", function() nr.test.allow_leaks() collected(lua, "/s", leave) end)
        ]]):format(support.plugin "echo"))
        local lost = "made at inner_spec.lua:5, which was collected before it was read to its end or closed\n"
        assert.equal(table.concat({
            "not ok 1 - native\n# inner_spec.lua @ 12",
            "# Failure message: left behind: stream 'echo /stream?frames=2&interval=60000' " .. lost
                .. "not ok 2 - Lua\n# inner_spec.lua @ 13",
            "# Failure message: left behind: stream 'lua /s' " .. lost
                .. "ok 3 - closed\nok 4 - read\nok 5 - a task's\nok 6 - is allowed\n1..6\n",
        }, "\n"), got.out)
    end)

    it("is no failure where nr.test.allow_leaks says so, and is closed all the same", function()
        local got = test [[
            local uv = require "luv"
            local kept
            local function leave() kept = uv.new_timer() nr.spawn(function() nr.await(function() end) end) end
            local function look() assert.is_true(kept:is_closing()) end
            it("may leave something", function() nr.test.allow_leaks() leave() end)
            it("finds nothing of it", look)
            it("may not", leave)
            describe("block", function()
                nr.test.allow_leaks()
                setup(function() uv.new_tcp() end)
                it("may", leave)
                it("finds nothing", look)
                describe("inside", function() it("may as well", leave) end)
                it("fails when it fails", function() leave() nr.spawn(function() error "background" end) end)
            end)
        ]]
        assert.equal([[
ok 1 - may leave something
ok 2 - finds nothing of it
not ok 3 - may not
# inner_spec.lua @ 8
# Failure message: left behind:
#   a timer handle made at inner_spec.lua:4
#   task N (inner_spec.lua:4) made at inner_spec.lua:4, ]]
            .. [[which awaits nr.await at inner_spec.lua:4 for N ms at inner_spec.lua:4
ok 4 - block may
ok 5 - block finds nothing
ok 6 - block inside may as well
not ok 7 - block fails when it fails
# inner_spec.lua @ 15
# Failure message: task N (inner_spec.lua:15) failed in the background: inner_spec.lua:15: background
#   inner_spec.lua:15: in function <inner_spec.lua:15>
1..7
]], told(got.out))
    end)

    it("is no failure of a file that says so", function()
        local got = test [[
            nr.test.allow_leaks()
            local uv = require "luv"
            setup(function() uv.new_tcp() end)
            it("may", function() uv.new_timer() end)
        ]]
        assert.equal("ok 1 - may\n1..1\n", got.out)
    end)

    it("is no failure of a spec that is pending, which had no chance to clean up", function()
        local got = test [[it("waits", function() nr.spawn(nr.sleep, 60000) pending "later" end)]]
        assert.equal("ok 1 - # SKIP inner_spec.lua:2: later\n1..1\n", got.out)
    end)
end)
