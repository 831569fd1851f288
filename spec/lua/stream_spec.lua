local core = require "nylon_ring.core"
local nr = require "nylon_ring"
local support = require "spec.support"

local function load(name, options)
    return assert(nr.load(support.plugin(name), options))
end

local function collect(stream)
    local frames = {}
    for status, data in stream:frames() do
        frames[#frames + 1] = status .. ":" .. data
    end
    return frames
end

describe("a stream", function()
    local echo, hold, inside, open_before

    setup(function()
        echo, hold, inside = load "echo", load "fixture_hold", load "fixture_stream_inside"
    end)

    before_each(function()
        open_before = core.streams()
    end)

    after_each(function()
        assert.equal(0, hold:stats().in_flight)
        collectgarbage()
        assert.equal(open_before, core.streams())
    end)

    teardown(function()
        for _, plugin in ipairs { echo, hold, inside } do
            plugin:unload()
        end
    end)

    it("gives frames in order, the ending one last, answered inside handle", function()
        local stream = assert(inside:call_stream("/?frames=3", "x"))
        assert.same({ "0:x", "0:x", "0:x", "4:" }, collect(stream))
        assert.is_nil(stream:recv())
        stream:close()
    end)

    it("is open until its end was read, whether it is closed then or not", function()
        local stream = assert(inside:call_stream("/?frames=1", "x"))
        assert.equal(open_before + 1, core.streams())
        stream:recv()
        assert.equal(open_before + 1, core.streams())
        assert.same({ nr.STREAM_END, "" }, { stream:recv() })
        assert.equal(open_before, core.streams())
        assert.is_string(stream:sid())
    end)

    it("gives frames as they come from a thread", function()
        local stream = assert(echo:call_stream("/stream?frames=4&interval=2", "x"))
        assert.equal(5, #collect(stream))
        stream:close()
    end)

    it("is read by recv, and by each, which closes it", function()
        local stream = assert(inside:call_stream({ path = "/", query = "frames=1", body = "b" }))
        assert.same({ 0, "b" }, { stream:recv() })
        assert.same({ 4, "" }, { stream:recv() })
        assert.is_nil((stream:recv()))
        local seen = {}
        assert(inside:call_stream("/?frames=2", "c")):each(function(status, data)
            seen[#seen + 1] = status .. data
        end)
        assert.same({ "0c", "0c", "4" }, seen)
        stream:close()
    end)

    it("is closed by each when the function raises", function()
        local stream = assert(hold:call_stream "/hold")
        hold:call("/frame", "x")
        local err = select(2, pcall(stream.each, stream, function() error("enough", 0) end))
        assert.equal("enough", err)
        assert.matches("stream_spec.*takes a function%(status, data%), not nil", select(2, pcall(function()
            stream:each()
        end)))
        assert.equal(0, hold:stats().in_flight)
        hold:call "/release"
    end)

    it("ends with any status but Ok", function()
        for _, status in ipairs { nr.ERR, nr.STREAM_END, nr.PANIC, 99 } do
            local stream = assert(inside:call_stream("/?frames=1&status=" .. status, "x"))
            assert.same({ "0:x", status .. ":" }, collect(stream))
            stream:close()
        end
    end)

    it("flows: the first frame is there before the second is made", function()
        local stream = assert(hold:call_stream "/hold")
        hold:call("/frame", "first")
        assert.same({ 0, "first" }, { stream:recv() })
        hold:call("/release?status=4", "last")
        assert.same({ 4, "last" }, { stream:recv() })
        stream:close()
    end)

    it("answers nil and an Error when no frame comes in time, or none at all by its deadline", function()
        local stream = assert(hold:call_stream("/hold", "", { timeout = 5 }))
        local status, err = stream:recv()
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "timeout"))
        assert.matches("'/hold' within 5 ms", err.message)
        stream:close()
        stream = assert(hold:call_stream("/hold", "", { deadline = 5 }))
        local ok, raised = pcall(collect, stream)
        assert.is_false(ok)
        assert.is_true(nr.is_error(raised, "timeout"))
        assert.equal("plugin 'fixture_hold' did not end '/hold' within 5 ms", raised.message)
        stream:close()
        stream = assert(hold:call_stream("/hold", "", { timeout = 5, deadline = 100000 }))
        assert.equal("plugin 'fixture_hold' did not answer '/hold' within 5 ms",
            select(2, stream:recv()).message)
        stream:close()
        hold:call "/release"
    end)

    it("is cancelled by close, once or more often", function()
        local stream = assert(hold:call_stream "/hold")
        assert.matches("^%d+$", stream:sid())
        stream:close()
        stream:close()
        assert.equal(0, hold:stats().in_flight)
        assert.is_nil((stream:recv()))
        assert.is_nil(stream:sid())
        hold:call "/release"
    end)

    it("is cancelled by the end of its task", function()
        nr.spawn(function()
            assert(hold:call_stream "/hold")
        end):join()
        assert.equal(0, hold:stats().in_flight)
        hold:call "/release"
    end)

    it("is cancelled when it is collected", function()
        nr.test.allow_leaks()
        local weak = setmetatable({ (assert(hold:call_stream "/hold")) }, { __mode = "v" })
        assert.equal(1, hold:stats().in_flight)
        collectgarbage()
        collectgarbage()
        assert.is_nil(weak[1])
        assert.equal(0, hold:stats().in_flight)
        hold:call "/release"
    end)

    it("raises nothing out of the collector, whatever a script has made of luv", function()
        nr.test.allow_leaks()
        local plugin = nr.plugin_from_lua { ["*"] = function() nr.sleep(60000) end }
        local async = debug.getregistry().uv_async.__index
        local send, asked = async.send, 0
        function async.send()
            asked = asked + 1
            error "not any more"
        end
        local ok, err = pcall(function()
            assert(plugin:call_stream "/x")
            collectgarbage()
            collectgarbage()
        end)
        async.send = send
        assert.is_true(ok, err)
        assert.is_true(asked > 0)
        plugin:unload { grace = 0 }
    end)

    it("stays alive while a task waits for a frame and nobody else knows it", function()
        local got
        local task = nr.spawn(function()
            got = { assert(hold:call_stream "/hold"):recv() }
        end)
        collectgarbage()
        collectgarbage()
        hold:call("/release?status=4", "there")
        task:join()
        assert.same({ 4, "there" }, got)
    end)

    it("raises at its suspension when its task is cancelled", function()
        local caught
        local task = nr.spawn(function()
            local stream = assert(hold:call_stream "/hold")
            caught = select(2, pcall(stream.recv, stream))
        end)
        task:cancel()
        pcall(task.join, task)
        assert.is_true(nr.is_error(caught, "cancelled"))
        hold:call "/release"
    end)

    it("is read by one task at a time, and another one may close it", function()
        local stream = assert(hold:call_stream "/hold")
        local got
        local reader = nr.spawn(function() got = { stream:recv() } end)
        local ok, message = pcall(stream.recv, stream)
        assert.is_false(ok)
        assert.matches("another task reads this stream", message)
        stream:close()
        reader:join()
        assert.is_nil(got[1])
        assert.is_true(nr.is_error(got[2], "cancelled"))
        hold:call "/release"
    end)

    it("ends with backpressure beyond its limits, after what is queued", function()
        local stream = assert(inside:call_stream("/?frames=200", "x", { max_frames = 64 }))
        local count, err = 0, nil
        repeat
            local status, data = stream:recv()
            if status then count = count + 1 else err = data end
        until not status
        assert.is_true(count >= 64 and count < 200)
        assert.is_true(nr.is_error(err, "backpressure"))
        assert.matches("beyond the limit of 64 frames or %d+ bytes: [^\n]*raise max_frames and max_bytes$",
            err.message)
        stream:close()
    end)

    it("ends with plugin_unloaded when its plugin goes", function()
        local never = load "fixture_never"
        local stream = assert(never:call_stream "/")
        local err
        local reader = nr.spawn(function() err = select(2, stream:recv()) end)
        local report = never:unload { grace = 1 }
        reader:join()
        assert.is_true(nr.is_error(err, "plugin_unloaded"))
        assert.equal(1, report.completed)
        stream:close()
    end)

    it("takes every frame of 64 threads exactly once", function()
        local threads = load "fixture_threads"
        local stream, seen, count = assert(threads:call_stream "/stream?frames=20"), {}, 0
        for status, data in stream:frames() do
            if status == nr.OK then
                assert.is_nil(seen[data])
                seen[data], count = true, count + 1
            end
        end
        assert.equal(64 * 20, count)
        stream:close()
        threads:unload()
    end)

    it("refuses options that make no sense", function()
        for _, options in ipairs { { max_frame = 1 }, { overflow = "wait" }, { deadline = -1 } } do
            assert.is_false((pcall(inside.call_stream, inside, "/", "", options)))
        end
    end)
end)

describe("the input of a stream", function()
    local duplex

    setup(function() duplex = load "fixture_duplex" end)
    teardown(function() duplex:unload() end)

    it("reaches the plugin, until it is finished", function()
        local stream = assert(duplex:call_stream "/echo")
        assert.is_true(stream:send "one")
        assert.same({ 0, "one" }, { stream:recv() })
        assert.is_true(stream:finish())
        assert.equal(nr.STREAM_END, (stream:recv()))
        local ok, err = stream:send "late"
        assert.is_nil(ok)
        assert.is_true(nr.is_error(err, "stream_ended"))
        stream:close()
    end)

    it("answers backpressure where the plugin does not take it", function()
        local stream = assert(duplex:call_stream "/refuse?times=1")
        local ok, err = stream:send "again"
        assert.is_nil(ok)
        assert.is_true(nr.is_error(err, "backpressure"))
        assert.is_true(stream:send "again")
        assert.same({ 0, "again" }, { stream:recv() })
        stream:close()
    end)

    it("answers unsupported where the plugin takes none", function()
        local echo = load "echo"
        local stream = assert(echo:call_stream "/stream?interval=1000")
        assert.is_true(nr.is_error(select(2, stream:send "x"), "unsupported"))
        stream:close()
        echo:unload()
    end)
end)
