-- nylon_ring as a library: in programs that are not ours, on a loop that is luv's.

local core = require "nylon_ring.core"
if core.running() then
    -- These look at the bridge without the scheduler that our own runner puts on top of it.
    return pending "for a stock busted: ctest --test-dir build/release -R spec_bridge"
end
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

-- Runs a script under a stock LuaJIT; answers what it printed on both outputs, with its exit code last.
local function run(script, environment)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("local build = '", support.build, "'\n", script)
    file:close()
    local preload = support.sanitizer_runtime() or ""
    local shell = [[%s LD_PRELOAD='%s' LUA_PATH='%s' LUA_CPATH='%s' luajit %s 2>&1; echo "exit $?"]]
    local pipe = assert(io.popen(shell:format(environment or "", preload, package.path, package.cpath, path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
end

describe("a loop whose handles a script closes", function()
    local function close_all()
        uv.walk(function(handle)
            if not uv.is_closing(handle) then uv.close(handle) end
        end)
    end

    it("serves calls afterwards, and those that were under way", function()
        nr.run(function()
            local hold = assert(nr.load(support.plugin "fixture_hold"))
            local answer
            local call = nr.spawn(function() answer = select(2, hold:call "/hold") end)
            close_all()
            hold:call("/release", "under way")
            call:join()
            assert.equal("under way", answer)
            assert.is_true(nr.is_error(select(2, hold:call("/hold", "", { timeout = 2 })), "timeout"))
            hold:call "/release"
            hold:unload()
        end)
    end)

    it("serves calls when that happened in a callback, outside of tasks", function()
        nr.run(function()
            local echo = assert(nr.load(support.plugin "echo"))
            nr.await(function(resume)
                local timer = uv.new_timer()
                timer:start(0, 0, function()
                    close_all()
                    resume()
                end)
            end)
            assert.same({ 0, "again" }, { echo:call("/thread", "again") })
            echo:unload()
        end)
    end)

    it("knows its own handles", function()
        local timer, owned = uv.new_timer(), 0
        uv.walk(function(handle) owned = owned + (core.owns(handle) and 1 or 0) end)
        assert.is_true(owned >= 5)
        assert.is_false(core.owns(timer))
        timer:close()
        uv.run "nowait"
    end)
end)

describe("a loop that a task runs itself", function()
    it("hands out what finishes meanwhile", function()
        nr.run(function()
            local echo = assert(nr.load(support.plugin "echo"))
            local answer
            local call = nr.spawn(function() answer = select(2, echo:call("/thread", "inner")) end)
            while not answer do uv.run "once" end
            assert.equal("inner", answer)
            assert.same({ 0, "outer" }, { echo:call("/thread", "outer") })
            call:join()
            echo:unload()
        end)
    end)

    it("does not wait for what is there already", function()
        nr.run(function()
            local echo = assert(nr.load(support.plugin "echo"))
            local count = 0
            for _ = 1, 200 do
                nr.spawn(function()
                    echo:call("/thread", "x")
                    count = count + 1
                end)
            end
            while count < 200 do uv.run "once" end
            echo:unload()
        end)
    end)
end)

describe("a program", function()
    it("may require it in a coroutine, before luv", function()
        assert.equal("0\tfrom a thread\nexit 0\n", run [[
            local nr = coroutine.wrap(function() return require "nylon_ring" end)()
            collectgarbage()
            nr.run(function()
                print(assert(nr.load(build .. "/plugins/echo.so")):call("/thread", "from a thread"))
            end)
        ]])
    end)

    it("may require luv in a coroutine that ends, before it", function()
        assert.equal("0\tfrom a thread\nexit 0\n", run [[
            local nr = coroutine.wrap(function()
                require "luv"
                return require "nylon_ring"
            end)()
            collectgarbage()
            collectgarbage()
            nr.run(function()
                print(assert(nr.load(build .. "/plugins/echo.so")):call("/thread", "from a thread"))
            end)
        ]])
    end)

    it("may leave with calls, streams and an unload open", function()
        assert.equal("left\nexit 0\n", run [[
            local nr = require "nylon_ring"
            local never = assert(nr.load(build .. "/plugins/fixture_never.so"))
            local echo = assert(nr.load(build .. "/plugins/echo.so"))
            kept = {}
            nr.spawn(function() never:call "/x" end)
            nr.spawn(function() kept[1] = never:call_stream "/x" kept[1]:recv() end)
            nr.spawn(function() kept[2] = echo:call_stream("/stream?frames=100000", "x") end)
            nr.spawn(function() never:unload { grace = 60000 } end)
            print "left"
        ]])
    end)

    it("may leave by os.exit, with its Lua state closed or not", function()
        for _, close in ipairs { "true", "false" } do
            assert.equal("exit 3\n", run(([[
                local nr = require "nylon_ring"
                nr.run(function()
                    local never = assert(nr.load(build .. "/plugins/fixture_never.so"))
                    nr.spawn(function() never:call "/x" end)
                    os.exit(3, %s)
                end)
            ]]):format(close), "ASAN_OPTIONS=detect_leaks=0"))
        end
    end)

    it("gets Errors from everything after core.close", function()
        assert.equal("loop_closed\nloop_closed\nloop_closed\nfalse\n0\nexit 0\n", run [[
            local nr = require "nylon_ring"
            local core = require "nylon_ring.core"
            nr.run(function()
                local echo = assert(nr.load(build .. "/plugins/echo.so"))
                local stream = assert(echo:call_stream("/stream?interval=1000"))
                core.close()
                core.close()
                print(select(2, echo:call "/echo").code)
                print(select(2, echo:call({ path = "/thread" }, { state = {} })).code)
                print(select(2, echo:call_stream "/stream").code)
                stream:close()
                print((pcall(nr.load, build .. "/plugins/echo.so")))
                print(core.pending() + core.streams())
            end)
        ]])
    end)

    it("keeps its loop when modules are forgotten and required anew", function()
        assert.equal("true\n0\tagain\nexit 0\n", run [[
            local nr = require "nylon_ring"
            for name in pairs(package.loaded) do
                if name:find "^nylon_ring" or name == "luv" then package.loaded[name] = nil end
            end
            collectgarbage()
            collectgarbage()
            local again = require "nylon_ring"
            print(nr == again)
            again.run(function()
                print(assert(again.load(build .. "/plugins/echo.so")):call("/thread", "again"))
            end)
        ]])
    end)
end)
