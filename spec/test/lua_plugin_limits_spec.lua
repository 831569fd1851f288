local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"
local timers = require "nylon_ring.timers"
local uv = require "luv"

-- What goes on around a plugin that is written in Lua: the collector, full queues, listeners that fail.
describe("a plugin written in Lua", function()
    local plugin, watch

    local function make(handlers)
        plugin = nr.plugin_from_lua(handlers)
        return plugin
    end

    before_each(function() watch = tasks.watch() end)

    after_each(function()
        if plugin and plugin:info() then
            assert.equal(0, plugin:stats().in_flight)
            plugin:unload()
        end
        plugin = nil
        watch()
    end)

    -- An await of a luv handle, in a call that allocates and cancels timers.
    local function turn()
        nr.timeout(1e6, nr.await, function(resume)
            local async
            async = uv.new_async(function()
                async:close()
                resume()
            end)
            async:send()
        end)
    end

    it("survives streams that are collected wherever memory is allocated", function()
        nr.test.limit(120000) -- there are many
        nr.test.allow_leaks()
        make { ["/x"] = function() nr.sleep(1e6) end }
        for round = 1, support.sanitized and 2000 or 20000 do
            plugin:call_stream "/x" -- and nobody holds it
            for _ = 1, round % 7 do
                local _ = {}
            end
            turn()
        end
        collectgarbage()
        collectgarbage()
        assert.eventually(function() return plugin:stats().in_flight == 0 end, { within = 60000 })
    end)

    it("serves the collected ones also where nothing else is alive", function()
        nr.test.allow_leaks()
        local left
        make { ["/x"] = function(call)
            call:on_cancel(function(code) left = code end)
            nr.await(function() end)
        end }
        plugin:call_stream "/x"
        collectgarbage()
        collectgarbage()
        timers.revive()
        assert.equal("cancelled", left)
    end)

    it("waits with a frame until there is room for that one", function()
        make { ["/x"] = function(call)
            call:frame(("a"):rep(5))
            call:frame(("b"):rep(6))
            call:finish()
        end }
        assert.frames({ "aaaaa", "bbbbbb" }, plugin:call_stream("/x", "", { max_bytes = 10 }))
        plugin:unload()
        make { ["/large"] = function(call)
            for _ = 1, 5 do
                call:frame(("a"):rep(1500000))
            end
            call:finish()
        end }
        local sizes = {}
        for _, data in plugin:call_stream("/large"):frames() do
            table.insert(sizes, #data)
        end
        assert.same({ 1500000, 1500000, 1500000, 1500000, 1500000, 0 }, sizes)
    end)

    it("goes on when a listener of its call fails, and so do all timers", function()
        local heard, told = nil, {}
        local previous = nr.on_error(function(err) table.insert(told, tostring(err)) end)
        finally(function() nr.on_error(previous) end)
        make { ["/x"] = function(call)
            call:on_cancel(function() error("the first fails", 0) end)
            call:on_cancel(function(code) heard = code end)
            nr.sleep(1e6)
        end }
        local other = nr.spawn(nr.sleep, 21)
        assert.status("timeout", plugin:call("/x", "", { timeout = 20 }))
        other:join()
        assert.equal("timeout", heard)
        assert.same({ "the first fails" }, told)
        local stream = plugin:call_stream "/x"
        local reader = nr.spawn(function() return stream:recv() end)
        stream:close()
        assert.equal("cancelled", select(2, reader:join()).code)
        assert.equal(2, #told)
    end)

    it("gives a call up whose handler has cancelled the caller", function()
        local caller
        make { ["/x"] = function()
            caller:cancel()
            nr.sleep(1e6)
        end }
        caller = nr.spawn(function()
            nr.sleep(0)
            plugin:call "/x"
        end)
        pcall(caller.join, caller)
        assert.equal("cancelled", caller:status())
        assert.equal(0, plugin:stats().in_flight)
        assert.equal(1, plugin:stats().cancelled)
    end)

    it("has one task read a call's input", function()
        local problem
        make { ["/x"] = function(call)
            local first = nr.spawn(function() return call:recv() end)
            problem = select(2, pcall(call.recv, call))
            call:finish(nr.STREAM_END, first:join())
        end }
        local stream = plugin:call_stream "/x"
        stream:send "in"
        assert.same({ nr.STREAM_END, "in" }, { stream:recv() })
        assert.matches("another task reads this call's input", tostring(problem))
    end)

    it("hands input on in real time, whatever clock there is", function()
        local clock = nr.test.clock()
        finally(function() clock:close() end)
        local taken = 0
        local slow = nr.plugin_from_lua { ["/x"] = function(call)
            nr.await(function(resume) timers.set({ fire = resume }, 1) end)
            for _ in call.recv, call do
                taken = taken + 1
            end
            call:finish()
        end }
        make { ["/x"] = function() return slow:call_stream "/x" end }
        local stream = plugin:call_stream "/x"
        for number = 1, 100 do
            while not stream:send(tostring(number)) do
                nr.sleep(0)
            end
        end
        stream:finish()
        assert.equal(nr.STREAM_END, (stream:recv()))
        assert.equal(100, taken)
        slow:unload()
    end)

    it("can be made by a task's own function", function()
        local made = nr.spawn(nr.plugin_from_lua, { ["/x"] = function() return "y" end }):join()
        assert.same({ nr.OK, "y" }, { made:call "/x" })
        made:unload()
    end)
end)
