-- Everything at once: many tasks that call, stream, lose patience, are cancelled, abandon and reload, while
-- the loop's handles are closed under them. What each of them does is specified elsewhere; here nothing may
-- be left.

local core = require "nylon_ring.core"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local function close_handles()
    uv.walk(function(handle)
        if core.owns(handle) and not uv.is_closing(handle) then
            uv.close(handle)
        end
    end)
end

-- What a task may do; errors are part of it.
local function actions(plugins)
    local echo, hold, threads = plugins.echo, plugins.fixture_hold, plugins.fixture_threads
    local v2, result = plugins.echo_v2, plugins.fixture_result_ext

    local function abandon(fn)
        local task = nr.spawn(fn)
        nr.sleep(math.random(0, 1))
        task:cancel()
        pcall(task.join, task)
    end

    local function read_some(stream, frames)
        for _ = 1, frames do
            if not (stream and stream:recv()) then
                return
            end
        end
    end

    return {
        function() echo:call("/echo", tostring(math.random(1e9))) end,
        function() echo:call("/thread", ("z"):rep(math.random(0, 5000))) end,
        function() threads:call(math.random() < 0.5 and "/answer" or "/race", "x") end,
        function() hold:call("/hold", "", { timeout = math.random(1, 3) }) end,
        function() hold:call("/release", "released") end,
        function() abandon(function() hold:call "/hold" end) end,
        function() abandon(function() read_some(hold:call_stream "/hold", 1) end) end,
        function() read_some(echo:call_stream("/stream?frames=20", "f"), math.random(30)) end,
        function() read_some(threads:call_stream("/stream?frames=3", "f"), math.random(300)) end,
        function() read_some(result:call_stream "/stream?frames=400&bytes=64", math.random(500)) end,
        function() v2:call(({ "owned", "lease", "upper", "thread" })[math.random(4)], "payload") end,
        function()
            nr.timeout(1, nr.all, {
                function() hold:call "/hold" end,
                function() echo:call("/thread", "x") end,
            })
        end,
        function()
            coroutine.wrap(function() echo:call("/thread", "inner") end)()
        end,
        function()
            if math.random() < 0.1 then echo:reload { grace = 10 } end
        end,
        function()
            if math.random() < 0.1 then collectgarbage() end
        end,
        function()
            if math.random() < 0.1 then close_handles() end
        end,
    }
end

describe("plugins, tasks and streams under load", function()
    it("leave nothing behind", function()
        local plugins, left = {}, 3000
        local names = { "echo", "fixture_hold", "fixture_threads", "echo_v2", "fixture_result_ext" }
        for _, name in ipairs(names) do
            plugins[name] = assert(nr.load(support.plugin(name)))
        end
        local refs, streams = core.refs(), core.streams()
        local list = actions(plugins)
        local function work()
            while left > 0 do
                left = left - 1
                local ok, err = pcall(list[math.random(#list)])
                assert(ok or nr.is_error(err), err)
            end
        end
        math.randomseed(1)
        local tasks = {}
        for i = 1, 50 do
            tasks[i] = work
        end
        nr.all(tasks)
        plugins.fixture_hold:call "/release"
        for _, plugin in pairs(plugins) do
            assert.equal(0, plugin:stats().in_flight)
            plugin:unload()
        end
        collectgarbage()
        collectgarbage()
        assert.equal(refs, core.refs())
        assert.equal(streams, core.streams())
        assert.equal(0, core.pending())
    end)
end)
