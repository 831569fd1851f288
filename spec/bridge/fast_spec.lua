-- The way of a call that is answered inside `handle`: compiled, and without a Lua object but the body.

local core = require "nylon_ring.core"
if core.running() then
    -- These look at the bridge without the scheduler that our own runner puts on top of it.
    return pending "for a stock busted: ctest --test-dir build/release -R spec_bridge"
end
local fast = require "nylon_ring.fast"
local ffi = require "ffi"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"
local jit_util = require "jit.util"
local vmdef = require "jit.vmdef"

local function load(name)
    return assert(nr.load(support.plugin(name)))
end

-- Runs a function and answers the traces that were made meanwhile, and what could not be compiled. (That a
-- recording is given up and begun again elsewhere is usual.)
local function record(fn)
    local traces, aborts = {}, {}
    local function on_trace(what, trace, _, _, reason, detail)
        if what == "stop" then
            traces[#traces + 1] = trace
        elseif what == "abort" then
            local text = type(reason) == "number" and vmdef.traceerr[reason]:format(detail) or reason
            aborts[#aborts + 1] = text:match "NYI.*"
        end
    end
    jit.flush()
    jit.attach(on_trace, "trace")
    fn()
    jit.attach(on_trace)
    return traces, aborts
end

local function operations(trace)
    local seen = {}
    for i = 1, jit_util.traceinfo(trace).nins do
        local _, op = jit_util.traceir(trace, i)
        if op then
            op = bit.band(bit.rshift(op, 8), 0xff)
            local name = vmdef.irnames:sub(op * 6 + 1, op * 6 + 6):match "^%S+"
            seen[name] = (seen[name] or 0) + 1
        end
    end
    return seen
end

local function call_often(plugin, target, body)
    for _ = 1, 2000 do
        plugin:call(target, body)
    end
end

-- Bytes of Lua memory that a run leaves behind when nothing is collected: the least of some runs, because the
-- compiler itself may take memory in one of them.
local function garbage(fn)
    local least = math.huge
    for _ = 1, 5 do
        collectgarbage()
        collectgarbage "stop"
        local before = collectgarbage "count"
        fn()
        least = math.min(least, (collectgarbage "count" - before) * 1024)
        collectgarbage "restart"
    end
    return least
end

describe("a call that is answered inside handle", function()
    local function with_noop(fn)
        nr.run(function()
            local plugin = load "fixture_noop"
            local ok, err = pcall(fn, plugin)
            plugin:unload()
            assert(ok, err)
        end)
    end

    it("compiles to one loop that calls the plugin through a pointer", function()
        with_noop(function(plugin)
            local request = assert(nr.request { path = "/fixed/16" })
            local traces, aborts = record(function() call_often(plugin, request) end)
            assert.same({}, aborts)
            local loop
            for _, trace in ipairs(traces) do
                loop = jit_util.traceinfo(trace).linktype == "loop" and operations(trace) or loop
            end
            assert.is_true(loop.CALLXS >= 1)
            assert.is_nil(loop.TNEW)
            assert.is_nil(loop.TDUP)
        end)
    end)

    it("compiles in its short form and with a table as well", function()
        with_noop(function(plugin)
            for _, target in ipairs { "/fixed/16", { path = "/fixed/16", headers = { { "a", "b" } } } } do
                local traces, aborts = record(function() call_often(plugin, target) end)
                local calls = 0
                for _, trace in ipairs(traces) do
                    calls = calls + (operations(trace).CALLXS or 0)
                end
                assert.same({}, aborts)
                assert.is_true(calls >= 1)
            end
        end)
    end)

    it("leaves no garbage when its body is a string that lives already", function()
        with_noop(function(plugin)
            local request, body = assert(nr.request { path = "/echo" }), "the same body"
            call_often(plugin, request, body)
            assert.equal(0, garbage(function() call_often(plugin, request, body) end))
            assert.equal(0, garbage(function() call_often(plugin, "/echo", body) end))
        end)
    end)

    it("does not even make a request that is written into the call", function()
        with_noop(function(plugin)
            local function call()
                for _ = 1, 4096 do plugin:call { path = "/fixed/16", method = "PUT", body = "written" } end
            end
            for _ = 1, 5 do call() end
            -- Less than a table in ten calls: some are made, to see whether their fields are known.
            assert.is_true(garbage(call) < 4096 * 10)
        end)
    end)

    it("leaves nothing but bodies when they are new", function()
        with_noop(function(plugin)
            local bodies = {}
            for i = 1, 100 do bodies[i] = ("x"):rep(200) .. i end
            local function echo_all()
                for i = 1, 100 do plugin:call("/echo", bodies[i]) end
            end
            for _ = 1, 10 do echo_all() end
            assert.equal(0, garbage(echo_all))
        end)
    end)
end)

describe("a notification", function()
    it("lets the loop see a signal first, where its task can suspend", function()
        nr.run(function()
            local plugin, turns = load "fixture_noop", 0
            local timer = uv.new_timer()
            fast.interrupted = 1
            timer:start(1, 1, function()
                turns = turns + 1
                fast.interrupted = turns < 2 and 1 or 0
            end)
            table.sort({ 1, 2 }, function(a, b)
                assert.is_true(plugin:notify "/fixed/16")
                return a < b
            end)
            assert.equal(0, turns)
            assert.is_true(plugin:notify("/fixed/16", "body"))
            timer:close()
            assert.is_true(turns >= 2)
            plugin:unload()
        end)
    end)
end)

describe("what Lua and C share", function()
    it("has the same layout on both sides", function()
        local count = 0
        for name, value in pairs(core.layout) do
            local type_name, field = name:match "^([^.]+)%.?(.*)$"
            assert.equal(value, field == "" and ffi.sizeof(type_name) or ffi.offsetof(type_name, field))
            count = count + 1
        end
        assert.is_true(count > 20)
    end)

    it("is refused when the layouts differ", function()
        local size = core.layout.nr_request_t
        core.layout.nr_request_t = size + 8
        package.loaded["nylon_ring.fast"] = nil
        local ok, message = pcall(require, "nylon_ring.fast")
        core.layout.nr_request_t = size
        package.loaded["nylon_ring.fast"] = core.modules["nylon_ring.fast"]
        assert.is_false(ok)
        assert.matches("not built together: nr_request_t", message)
    end)
end)
