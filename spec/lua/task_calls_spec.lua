local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local files = require "spec.support"
local support = require "spec.lua.support"

local it_task = support.it_task

describe("a task in a call", function()
    local plugin

    before_each(function()
        plugin = assert(nr.load(files.plugin "fixture_cancel"))
    end)

    after_each(it_task(function()
        plugin:call "/late"
        assert(plugin:unload())
    end))

    local function cancelled()
        return select(2, plugin:call "/cancelled")
    end

    it("gives the call up when it is cancelled, and the plugin is told once", it_task(function()
        local task = nr.spawn(plugin.call, plugin, "/wait")
        assert.equal(1, plugin:stats().in_flight)
        task:cancel()
        local _, err = task:join()
        assert.is_true(errors.is(err, "cancelled"))
        assert.equal(0, plugin:stats().in_flight)
        assert.equal("1 0", cancelled())
    end))

    it("is never resumed by an answer that comes late", it_task(function()
        local resumed = 0
        local task = nr.spawn(function()
            pcall(plugin.call, plugin, "/wait")
            resumed = resumed + 1
        end)
        task:cancel()
        task:join()
        plugin:call "/late"
        nr.sleep(0)
        assert.equal(1, resumed)
        assert.equal(1, plugin:stats().late)
    end))

    it("starts no call that suspends once it is cancelled", it_task(function()
        local raised = 0
        local task = nr.spawn(function()
            for _ = 1, 3 do
                local ok, err = pcall(plugin.call, plugin, "/wait")
                raised = raised + (not ok and errors.is(err, "cancelled") and 1 or 0)
            end
        end)
        task:cancel()
        task:join()
        assert.equal(3, raised)
        assert.equal(0, plugin:stats().in_flight)
    end))

    it("answers nil, timeout for the call's own limit", it_task(function()
        local status, err = plugin:call("/wait", "", { timeout = 1 })
        assert.is_nil(status)
        assert.is_true(errors.is(err, "timeout"))
    end))

    it("unwinds to nr.timeout for an inherited deadline, through pcall and its own limits", it_task(function()
        local came_back, inner = false, nil
        local result, err = nr.timeout(2, function()
            inner = select(2, pcall(plugin.call, plugin, "/wait", "", { timeout = 60000 }))
            plugin:call "/wait"
            came_back = true
        end)
        assert.is_nil(result)
        assert.is_true(errors.is(err, "timeout"))
        assert.equal(err, inner)
        assert.is_false(came_back)
        assert.equal(0, plugin:stats().in_flight)
    end))

    it("is one of those that nr.all, nr.race and nr.map give up", it_task(function()
        local function wait()
            return plugin:call "/wait"
        end
        local function answer()
            return plugin:call("/echo", "fast")
        end
        local status, body = nr.race { wait, answer, wait }
        assert.same({ nr.OK, "fast" }, { status, body })
        assert.is_nil((nr.all { wait, wait, function()
            return nil, "failed"
        end }))
        assert.is_nil((nr.timeout(1, nr.map, { 1, 2, 3, 4 }, wait, { limit = 3 })))
        assert.equal(0, plugin:stats().in_flight)
        assert.equal("6 0", cancelled())
    end))

    it("is listed with the call that it awaits", it_task(function()
        local task = nr.spawn(plugin.call, plugin, "/wait")
        for _, info in ipairs(nr.tasks()) do
            if info.task == task then
                assert.matches("fixture_cancel", info.awaits)
                assert.matches("/wait", info.awaits)
                assert.is_true(info.since >= 0)
            end
        end
        task:cancel()
        task:join()
    end))

    it("closes the streams that it made at its end, whatever that is", it_task(function()
        for _, ending in ipairs { "return", "fail", "cancel" } do
            local stream
            local task = nr.spawn(function()
                stream = assert(plugin:call_stream "/wait")
                if ending == "fail" then
                    error "failed"
                elseif ending == "cancel" then
                    stream:recv()
                end
            end)
            if ending == "cancel" then
                task:cancel()
            end
            pcall(task.join, task)
            assert.is_nil(stream:sid())
        end
        assert.equal(0, plugin:stats().in_flight)
    end))
end)
