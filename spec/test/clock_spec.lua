local core = require "nylon_ring.core"
local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local HOUR = 3600 * 1000

describe("a clock that is moved by hand", function()
    local clock, seen

    before_each(function()
        clock, seen = nr.test.clock(), {}
    end)

    after_each(function() clock:close() end)

    local function note(what)
        seen[#seen + 1] = what .. " " .. clock:now()
    end

    it("wakes sleepers in order, each at its own time", function()
        for _, ms in ipairs { 3 * HOUR, HOUR, 2 * HOUR, HOUR } do
            nr.spawn(function()
                nr.sleep(ms)
                note(ms / HOUR .. "h")
            end)
        end
        clock:advance(HOUR - 1)
        assert.same({}, seen)
        assert.equal(4, clock:pending())
        clock:advance(1)
        assert.same({ "1h 3600000", "1h 3600000" }, seen)
        clock:advance(9 * HOUR)
        assert.same({ "2h 7200000", "3h 10800000" }, { seen[3], seen[4] })
        assert.equal(10 * HOUR, clock:now())
    end)

    it("keeps no timers that were cancelled", function()
        local kept = setmetatable({}, { __mode = "k" })
        local last = timers.after(HOUR, function() note "last" end)
        for index = 1, 1000 do
            local timer = timers.after(index, function() note "never" end)
            kept[timer] = true
            timers.cancel(timer)
        end
        collectgarbage()
        local count = 0
        for _ in pairs(kept) do
            count = count + 1
        end
        assert.is_true(count < 100)
        assert.equal(1, clock:pending())
        assert.equal(HOUR, clock:next())
        assert.same({ "last 3600000" }, seen)
        assert.is_nil(last.fire)
    end)

    it("lets what is woken set timers that are due on the way", function()
        nr.spawn(function()
            for _ = 1, 3 do
                nr.sleep(1000)
                note "tick"
            end
        end)
        clock:advance(2500)
        assert.same({ "tick 1000", "tick 2000" }, seen)
        assert.equal(500, clock:next())
        assert.equal("tick 3000", seen[3])
        assert.is_nil(clock:next())
    end)

    -- What a task sees that does this between two sleeps of 10, while the clock is moved past both.
    local function seen_around(between)
        local sleeper = nr.spawn(function()
            for _ = 1, 2 do
                nr.sleep(10)
                between()
                note "woke"
                between()
            end
        end)
        clock:advance(100)
        sleeper:join()
        return seen
    end

    it("lets what is woken go on as far as it needs no time", function()
        assert.same({ "woke 10", "woke 20" }, seen_around(function()
            for _ = 1, 20 do
                nr.sleep(0)
            end
        end))
    end)

    it("waits for the requests of luv", function()
        assert.same({ "woke 10", "woke 20" }, seen_around(function()
            for _ = 1, 20 do
                nr.await(function(resume) return uv.fs_stat("/", resume) end)
            end
        end))
    end)

    it("is not held up by a task that sleeps 0 for ever", function()
        local spinner = nr.spawn(function()
            while true do
                nr.sleep(0)
            end
        end)
        nr.spawn(function() nr.sleep(10) note "woke" end)
        clock:advance(10)
        spinner:cancel()
        assert.same({ "woke 10" }, seen)
    end)

    it("lets a handler answer that takes exactly as long as its caller waits", function()
        local plugin = nr.plugin_from_lua { ["/slow"] = function() nr.sleep(10) return "in time" end }
        local call = nr.spawn(function() return plugin:call("/slow", "", { timeout = 10 }) end)
        clock:advance(10)
        assert.same({ nr.OK, "in time" }, { call:join() })
    end)

    it("moves nr.timeout and nr.retry", function()
        local tries = 0
        local limited = nr.spawn(function()
            return nr.timeout(HOUR, function() nr.sleep(2 * HOUR) end)
        end)
        local retried = nr.spawn(function()
            return nr.retry(3, function()
                tries = tries + 1
                if tries < 3 then
                    return nil, "not yet"
                end
                return "third"
            end, { delay = HOUR })
        end)
        clock:advance(9 * HOUR)
        assert.is_true(nr.is_error(select(2, limited:join()), "timeout"))
        assert.equal("third", retried:join())
        assert.equal(0, clock:pending())
    end)

    it("moves the limits of plugins written in Lua, and their delays", function()
        local plugin = nr.plugin_from_lua {
            ["/slow"] = function() nr.sleep(HOUR) return "slow" end,
            ["/late"] = function(call)
                nr.shield(function() nr.sleep(2 * HOUR) end)
                call:reply "late"
            end,
        }
        local shaky = nr.chaos(plugin, { delay = HOUR })
        local slow = nr.spawn(function() return shaky:call("/slow", "", { timeout = 2 * HOUR + 1 }) end)
        local late = nr.spawn(function() return plugin:call("/late", "", { timeout = HOUR }) end)
        local stream = assert(plugin:call_stream("/late", "", { deadline = HOUR }))
        clock:advance(2 * HOUR)
        assert.same({ nr.OK, "slow" }, { slow:join() })
        assert.is_true(nr.is_error(select(2, late:join()), "timeout"))
        assert.is_true(nr.is_error(select(2, stream:recv()), "timeout"))
        assert.equal(2, plugin:stats().late)
        stream:close()
        shaky:unload()
        plugin:unload()
    end)

    it("stands still while the real time goes on", function()
        local sleeper = nr.spawn(function() nr.sleep(1) note "woke" end)
        nr.await(function(resume)
            local timer = uv.new_timer()
            timer:start(5, 0, function() timer:close() resume() end)
            return timer
        end)
        assert.same({}, seen)
        sleeper:cancel()
        assert.equal(0, clock:pending())
    end)

    it("moves outside of tasks as well", function()
        nr.spawn(function() nr.sleep(HOUR) note "woke" end)
        tasks.outside(function() clock:advance(HOUR) end)
        assert.same({ "woke 3600000" }, seen)
    end)

    it("hands what is left to the real time when it is closed", function()
        local sleeper = nr.spawn(function() nr.sleep(HOUR + 1) return "woke" end)
        local other = nr.spawn(function() nr.sleep(HOUR) end)
        clock:advance(HOUR - 1)
        clock:close()
        assert.equal("woke", sleeper:join())
        other:join()
    end)

    it("is one at a time, and moves forward only", function()
        assert.matches("close it first", select(2, pcall(nr.test.clock)))
        assert.matches("0 or more", select(2, pcall(clock.advance, clock, -1)))
    end)

    describe("and a native plugin", function()
        local hold

        setup(function() hold = assert(nr.load(support.plugin "fixture_hold")) end)
        teardown(function() hold:unload() end)

        it("has its calls time out, and tells it", function()
            local before = hold:stats().cancelled
            local call = nr.spawn(function() return hold:call("/hold", "", { timeout = HOUR }) end)
            clock:advance(HOUR - 1)
            assert.equal("suspended", call:status())
            clock:advance(1)
            local status, err = call:join()
            assert.is_nil(status)
            assert.equal("timeout", err.code)
            assert.equal("plugin 'fixture_hold' did not answer '/hold' within 3600000 ms", err.message)
            assert.equal(before + 1, hold:stats().cancelled)
            assert.equal(0, hold:stats().in_flight)
            hold:call "/release"
        end)

        it("stands still for its answers", function()
            local echo = assert(nr.load(support.plugin "echo"))
            finally(function() echo:unload() end)
            assert.same({ "woke 10", "woke 20" }, seen_around(function()
                assert.ok(echo:call("/thread", "x"))
            end))
        end)

        it("is given up only when it has not answered by then", function()
            local echo = assert(nr.load(support.plugin "echo"))
            finally(function() echo:unload() end)
            local silent = nr.spawn(function() return hold:call("/hold", "", { timeout = 20 }) end)
            for _ = 1, 20 do
                local call = nr.spawn(function() return echo:call("/thread", "x", { timeout = 1 }) end)
                assert.equal("suspended", silent:status())
                clock:advance(1)
                assert.same({ nr.OK, "x" }, { call:join() })
            end
            assert.is_true(nr.is_error(select(2, silent:join()), "timeout"))
            hold:call "/release"
        end)

        it("answers in time, and leaves no timer", function()
            local call = nr.spawn(function() return hold:call("/hold", "", { timeout = HOUR }) end)
            hold:call("/release", "there", { timeout = HOUR })
            assert.same({ nr.OK, "there" }, { call:join() })
            assert.equal(0, clock:pending())
        end)

        it("raises the cancellation of a task that waits under a limit", function()
            local caught
            local call = nr.spawn(function()
                caught = select(2, pcall(hold.call, hold, "/hold", "", { timeout = HOUR }))
            end)
            call:cancel()
            call:join()
            assert.is_true(nr.is_error(caught, "cancelled"))
            assert.equal(0, clock:pending())
            hold:call "/release"
        end)

        it("has its streams end at their limits", function()
            for _, options in ipairs { { timeout = HOUR }, { deadline = HOUR } } do
                local stream = assert(hold:call_stream("/hold", "", options))
                local reader = nr.spawn(function()
                    local frame = select(2, stream:recv())
                    return frame, select(2, stream:recv())
                end)
                hold:call("/frame", "x")
                clock:advance(HOUR)
                local frame, err = reader:join()
                assert.equal("x", frame)
                assert.is_true(nr.is_error(err, "timeout"))
                assert.is_true(nr.is_error(select(2, stream:recv()), "timeout"))
                stream:close()
                assert.is_nil(stream:recv())
                hold:call "/release"
            end
            assert.equal(0, clock:pending())
            assert.equal(0, core.streams())
        end)
    end)
end)

describe("a spec that leaves its clock", function()
    it("fails, and the next one has the real time", function()
        local path, remove = support.file("inner_spec.lua", [[
            local nr = require "nylon_ring"
            it("leaves", function() nr.test.clock() end)
            it("sleeps", function() nr.sleep(1) end)
        ]])
        local got = support.run { "test", "-o", "TAP", path }
        remove()
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- leaves.*left behind: the clock of nr%.test made at [^\n]*_spec%.lua:2\n",
            got.out)
        assert.matches("ok 2 %- sleeps", got.out)
    end)
end)

describe("a script that leaves its clock", function()
    it("ends all the same, within the program's grace", function()
        local got = support.run { "-e", [[
            local nr = require "nylon_ring"
            nr.test.clock()
            nr.spawn(function()
                nr.shield(function() nr.await(function() end) end)
            end)
            os.exit(3)
        ]] }
        assert.equal(3, got.code)
        assert.matches("did not end within %d+ ms of being cancelled", got.err)
    end)
end)
