local core = require "nylon_ring.core"
if core.running() then
    -- These look at the bridge without the scheduler that our own runner puts on top of it.
    return pending "for a stock busted: ctest --test-dir build/release -R spec_bridge"
end
local uv = require "luv"

--- Starts `fn` as a task and gives its coroutine.
local function start(fn, ...)
    local co = coroutine.create(fn)
    core.start(co, ...)
    return co
end

describe("a task", function()
    local ended

    before_each(function()
        ended = {}
        core.on_exit(function(co, ok, ...) ended[#ended + 1] = { co, ok, ... } end)
    end)

    after_each(function()
        core.on_exit(nil)
        assert.equal(0, core.alive())
    end)

    it("runs at once and reports how it ended", function()
        local co = start(function(...) return select("#", ...), ... end, "a", nil)
        assert.same({ { co, true, 2, "a" } }, ended)
    end)

    it("fails when it returns, or starts with, more values than there is room for", function()
        local values = {}
        for i = 1, 7995 do values[i] = i end
        local function pass(n, ...)
            if n == 0 then return ... end
            return pass(n - 1, "x", ...)
        end
        start(function() return unpack(values) end)
        start(function() end, pass(5, unpack(values)))
        assert.same({ false, "a task returned too many values" }, { ended[1][2], ended[1][3] })
        assert.same({ false, "too many values to start a task with" }, { ended[2][2], ended[2][3] })
    end)

    it("goes on waiting when it can not take what it is resumed with", function()
        local values, got = {}, nil
        for i = 1, 7998 do values[i] = i end
        local co = start(function() got = core.suspend() end)
        assert.is_false((pcall(core.resume, co, unpack(values))))
        assert.equal("suspended", coroutine.status(co))
        core.resume(co, "one")
        assert.equal("one", got)
    end)

    it("suspends and goes on with what it is resumed with", function()
        local got
        local co = start(function() got = { core.suspend() } end)
        assert.equal("suspended", coroutine.status(co))
        core.resume(co, 1, "two")
        assert.same({ 1, "two" }, got)
        assert.equal("dead", coroutine.status(co))
    end)

    it("raises at the suspension when it is resumed with an error", function()
        local reason, caught = { "any value" }, nil
        local co = start(function() caught = { pcall(core.suspend) } end)
        core.resume_error(co, reason)
        assert.same({ false, reason }, caught)
        assert.equal(reason, caught[2])
    end)

    it("raises at every suspension while it is cancelled", function()
        local caught = {}
        local co = start(function()
            core.suspend()
            for i = 1, 2 do caught[i] = select(2, pcall(core.suspend)) end
                    end)
        core.set_cancel(co, "stop")
        core.set_cancel(co, "stop it")
        core.resume(co)
        assert.same({ "stop it", "stop it" }, caught)
        core.set_cancel(co, nil)
        assert.equal("dead", coroutine.status(co))
    end)

    it("reports its error with a traceback and leaves its starter unharmed", function()
        local function culprit() error("broken") end
        start(function() culprit() end)
        assert.is_false(ended[1][2])
        assert.matches("broken$", ended[1][3])
        assert.matches("sched_spec.lua:%d+: in function .*culprit", ended[1][4])
    end)

    it("ends with an error when it yields to nobody", function()
        start(function() coroutine.yield(1) end)
        assert.is_false(ended[1][2])
        assert.matches("nr.await", ended[1][3])
    end)

    it("is resumed only while it waits", function()
        local co
        co = start(function() core.suspend() end)
        core.resume(co)
        assert.has_error(function() core.resume(co) end)
        assert.has_error(function() core.start(co) end)
        assert.has_error(function() core.resume(coroutine.create(print)) end)
    end)

    it("is known while it runs", function()
        local seen
        local co = start(function() seen = core.running() core.suspend() end)
        assert.equal(co, seen)
        assert.is_nil(core.running())
        core.resume(co)
    end)

    it("is started by a task before that goes on", function()
        local order = {}
        start(function()
            start(function() order[#order + 1] = "child" end)
            order[#order + 1] = "parent"
        end)
        assert.same({ "child", "parent" }, order)
    end)

    it("waits for the outermost resume when a task resumes it", function()
        local order = {}
        local waiter = start(function() core.suspend() order[#order + 1] = "waiter" end)
        start(function()
            core.resume(waiter)
            order[#order + 1] = "waker"
        end)
        assert.same({ "waker", "waiter" }, order)
    end)

    it("starts another that starts another, ten thousand deep", function()
        local started = 0
        local function chain(left)
            started = started + 1
            if left > 1 then start(chain, left - 1) end
        end
        start(chain, 10000)
        assert.equal(10000, started)
        assert.equal(10000, #ended)
    end)

    it("shares the loop with callbacks however long tasks wake each other", function()
        local ticks, rounds = 0, 0
        local a, b
        local function ping(other) return function()
            while ticks == 0 do
                core.suspend()
                rounds = rounds + 1
                if ticks == 0 or coroutine.status(other()) == "suspended" then core.resume(other()) end
            end
        end end
        a = start(ping(function() return b end))
        b = start(ping(function() return a end))
        local timer = uv.new_timer()
        timer:start(1, 0, function() ticks = ticks + 1 timer:close() end)
        core.resume(a)
        uv.run()
        assert.equal(1, ticks)
        assert.is_true(rounds > 4096)
        for _, co in ipairs { a, b } do
            if coroutine.status(co) == "suspended" then core.resume(co) end
        end
    end)

    it("is resumed by a callback of a loop that a task runs itself", function()
        local order = {}
        start(function()
            local waiter = start(function() core.suspend() order[#order + 1] = "waiter" end)
            local timer = uv.new_timer()
            timer:start(1, 0, function()
                timer:close()
                core.resume(waiter)
                order[#order + 1] = "callback"
            end)
            uv.run()
            order[#order + 1] = "outer"
        end)
        assert.same({ "waiter", "callback", "outer" }, order)
    end)
end)

describe("a suspension is refused", function()
    local function refusal(fn, ...)
        local message
        local co = coroutine.create(function(...) message = select(2, pcall(fn, ...)) end)
        core.start(co, ...)
        return message
    end

    it("outside of a task, where the caller stands", function()
        local ok, message = pcall(function() core.suspend() end)
        assert.is_false(ok)
        assert.matches("sched_spec.lua:%d+: .*nr.spawn.*nr.run", message)
    end)

    it("in a coroutine that is not a task", function()
        assert.matches("not a task.*nr.install", refusal(coroutine.wrap(function() core.suspend() end)))
    end)

    it("inside builtins that call back, by their name", function()
        assert.matches("inside table.sort", refusal(table.sort, { 1, 2 }, function() core.suspend() end))
        assert.matches("inside string.gsub", refusal(string.gsub, "x", "x", function() core.suspend() end))
        local noisy = setmetatable({}, { __tostring = function() core.suspend() end })
        assert.matches("inside print", refusal(print, noisy))
        assert.matches("inside string.format", refusal(string.format, "%s", noisy))
    end)

    it("but not inside pcall, iterators and metamethods", function()
        local proxy = setmetatable({}, { __index = function() return (core.suspend()) end })
        local got
        local co = start(function()
            local function read()
                return not got and select(2, pcall(function() return proxy.x end)) or nil
            end
            for value in read do
                got = value
            end
        end)
        core.resume(co, "value")
        assert.equal("value", got)
    end)
end)

describe("core.start inside a finalizer", function()
    it("starts the task when the running one has suspended", function()
        local order, started = {}, nil
        local outer = coroutine.create(function()
            local proxy = newproxy(true)
            getmetatable(proxy).__gc = function()
                started = coroutine.create(function()
                    order[#order + 1] = "begins"
                    order[#order + 1] = core.suspend()
                end)
                core.start(started)
            end
            proxy = nil -- luacheck: ignore 311
            collectgarbage()
            order[#order + 1] = "collected"
            core.suspend()
        end)
        core.start(outer)
        assert.same({ "collected", "begins" }, order)
        core.resume(started, "goes on")
        core.resume(outer)
        assert.same({ "collected", "begins", "goes on" }, order)
    end)
end)

describe("an error in a callback of luv", function()
    after_each(function() core.on_error(nil) end)

    it("is handed over with its traceback, and the loop goes on", function()
        local caught, later
        core.on_error(function(...) caught = { ... } end)
        local first, second = uv.new_timer(), uv.new_timer()
        first:start(1, 0, function() first:close() error({ "a value" }) end)
        second:start(2, 0, function() second:close() later = true end)
        uv.run()
        assert.same({ "a value" }, caught[1])
        assert.matches("stack traceback", caught[2])
        assert.is_true(later)
    end)
end)

describe("the module", function()
    it("is the same however often it is opened", function()
        package.loaded["nylon_ring.core"] = nil
        assert.equal(core, require "nylon_ring.core")
    end)
end)
