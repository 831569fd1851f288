local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local plugin

local function load(name, trace)
    plugin = assert(nr.load(support.plugin(name), { trace = trace }))
    return plugin
end

-- The lines of events, without those of a plugin that begins.
local function lines(events)
    local list = {}
    for _, event in ipairs(events) do
        if event.kind ~= "init" and event.kind ~= "log" then
            list[#list + 1] = tostring(event)
        end
    end
    return list
end

describe("a plugin's trace", function()
    after_each(function()
        if plugin and plugin:info() then
            plugin:unload { grace = 1 }
        end
        plugin = nil
    end)

    it("tells each crossing of the ABI in a line", function()
        load("echo", true)
        plugin:call("/echo", "hi")
        plugin:call("/thread?x", "later")
        assert.same({
            'handle "/echo" 2 B: Ok',
            "send_result Ok 2 B, inside handle: delivered",
            'handle "/thread?x" 5 B: Ok',
            "send_result Ok 5 B, from a thread: delivered",
        }, lines(plugin:events()))
        assert.equal("init: Ok", tostring(plugin:events()[1]))
        plugin:call "/none"
        assert.equal('handle "/none" 0 B: Invalid', lines(plugin:events { last = 2 })[1])
    end)

    it("has times, threads, sids and sizes as fields", function()
        load("echo", true)
        local before = uv.hrtime() / 1e6
        plugin:call("/thread", "hi")
        local handle, result = unpack(plugin:events { last = 2 })
        assert.is_true(handle.time >= before and handle.took > 0)
        assert.is_true(result.time >= handle.time and result.time <= uv.hrtime() / 1e6)
        assert.matches("^%d+$", handle.sid)
        assert.equal(handle.sid, result.sid)
        assert.equal(handle.seq + 1, result.seq)
        assert.same({ "handle", "/thread", 2, "loop", "done", nr.OK },
            { handle.kind, handle.text, handle.bytes, handle.where, handle.outcome, handle.answer })
        assert.same({ "send_result", 2, "thread", "delivered", nr.OK },
            { result.kind, result.bytes, result.where, result.outcome, result.status })
        assert.not_equal(handle.thread, result.thread)
        assert.equal(plugin:info().serial, handle.image)
    end)

    it("tells what became of results that nobody takes", function()
        load("fixture_twice", true)
        plugin:call "/mixed"
        assert.same({
            'handle "/mixed" 0 B: Ok',
            "send_result Ok 1 B, inside handle: delivered",
            "send_result Ok 1 B, from a thread: duplicate",
            "send_result Ok 1 B, from a thread: duplicate",
        }, lines(plugin:events()))
    end)

    it("tells of a timeout that the plugin was told, and of its late answer", function()
        load("echo", true)
        local stream = plugin:call_stream "/stream?frames=9&interval=60000"
        stream:recv()
        stream:close()
        assert.same({ "cancel", "send_result Err 8 B, on the loop: late" },
            lines(plugin:events { last = 2 }))
    end)

    it("is read on after a number, of one call, and from its end", function()
        load("echo", true)
        plugin:call("/echo", "one")
        local last = plugin:events { last = 1 }[1]
        plugin:call("/echo", "two")
        assert.equal(2, #plugin:events { after = last.seq })
        assert.equal(2, #plugin:events { sid = last.sid })
        assert.equal(0, #plugin:events { sid = "1" })
        assert.equal(3, #plugin:events { last = 3 })
        assert.equal(0, plugin:events().lost)
    end)

    it("keeps the last events, and counts those that it lost", function()
        load("echo", 4)
        for _ = 1, 10 do
            plugin:call("/echo", "x")
        end
        local events = plugin:events()
        assert.equal(4, #events)
        assert.equal(events[1].seq - 1, events.lost)
        assert.equal(2, plugin:events({ after = events[1].seq - 3 }).lost)
    end)

    it("keeps more than are copied at a time", function()
        load("echo", 1000)
        for _ = 1, 150 do
            plugin:call("/echo", "x")
        end
        local events = plugin:events()
        for i, event in ipairs(events) do
            assert.equal(i, event.seq)
        end
        assert.is_true(#events >= 300)
    end)

    it("is switched on and off while the plugin works", function()
        load("echo", false)
        plugin:call("/echo", "x")
        assert.same({ lost = 0 }, plugin:events())
        assert.is_true(plugin:trace())
        plugin:call("/echo", "x")
        assert.equal(2, #plugin:events())
        assert.is_true(plugin:trace(false))
        plugin:call("/echo", "x")
        assert.same({ lost = 0 }, plugin:events())
    end)

    it("goes on over a reload, and is read after the unload", function()
        load("echo", true)
        local old = plugin:info().serial
        plugin:reload()
        plugin:call("/echo", "x")
        local kinds = {}
        for _, event in ipairs(plugin:events()) do
            kinds[event.kind .. " " .. event.image - old] = true
        end
        assert.is_true(kinds["init 0"] and kinds["shutdown 0"])
        assert.is_true(kinds["init 1"] and kinds["handle 1"])
        plugin:unload()
        assert.equal("shutdown", tostring(plugin:events { last = 1 }[1]))
        local ok, err = plugin:trace(10)
        assert.is_nil(ok)
        assert.equal("plugin_unloaded", err.code)
    end)

    it("says what can not be", function()
        load("echo", true)
        local _, err = plugin:trace(2 ^ 21)
        assert.equal("too_large", err.code)
        for _, wrong in ipairs { 0, 1.5, "x", -1 } do
            assert.has_error(function() plugin:trace(wrong) end)
            assert.has_error(function() nr.load(support.plugin "echo", { trace = wrong }) end)
        end
        assert.has_error(function() plugin:events { sid = 7 } end, "sid must be a string, not number")
        local lua = nr.plugin_from_lua {}
        assert.equal("unsupported", select(2, lua:trace(5)).code)
        assert.equal(0, #lua:events())
    end)

    it("gives as many as are wanted, and refuses numbers that are none", function()
        load("echo", 20000)
        for _ = 1, 10000 do
            plugin:call("/echo", "")
        end
        local all = plugin:events()
        local last = plugin:events { last = 15000 }
        assert.equal(15000, #last)
        assert.equal(all[#all].seq, last[#last].seq)
        assert.equal("too_large", select(2, plugin:trace(1e300)).code)
        assert.has_error(function() plugin:events { after = -1 } end, "after must be 0 or more, not -1")
        assert.has_error(function() plugin:events { after = 0 / 0 } end)
    end)
end)
