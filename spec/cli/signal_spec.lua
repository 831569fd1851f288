local support = require "spec.support"

local function start(code, options)
    return support.start(support.program, { "-e", code }, options)
end

-- Loops that never wait for the event loop, by what they are of: `plugin` has one loaded.
local busy_loops = {
    ["calls"] = { "echo", [[while true do plugin:call("/echo", "x") end]] },
    ["calls of several tasks"] = { "echo", [[
        nr.map({ 1, 2, 3 }, function()
            while true do plugin:call("/echo", "x") end
        end)
    ]] },
    ["calls with state"] = { "echo", [[
        while true do plugin:call("/echo", "x", { state = { key = "value" } }) end
    ]] },
    ["notifications"] = { "echo", [[while true do plugin:notify("/echo", "x") end]] },
    ["notifications with state"] = { "echo", [[
        while true do plugin:notify("/echo", "x", { state = { key = "value" } }) end
    ]] },
    ["streams"] = { "fixture_stream_inside", [[
        while true do plugin:call_stream("/?frames=1", "x"):each(function() end) end
    ]] },
}

local function start_busy_loop(loop)
    local child = start(([[
        local nr = require 'nylon_ring'
        local plugin = assert(nr.load(%q))
        io.stdout:write 'ready\n' io.stdout:flush()
        %s
    ]]):format(support.plugin(loop[1]), loop[2]))
    child:wait_for("out", "ready")
    return child
end

describe("Ctrl-C", function()
    it("cancels the main task, which may clean up, and leaves with 130", function()
        local child = start [[
            local nr = require 'nylon_ring'
            io.stdout:write 'ready\n' io.stdout:flush()
            local ok, err = pcall(nr.sleep, 100000)
            print('cleaned up', ok, err)
            error(err, 0)
        ]]
        child:wait_for("out", "ready")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.matches("cleaned up\tfalse\t", got.out)
        assert.equal("nylon-ring: interrupted; Ctrl-C again leaves at once\n", got.err)
    end)

    for name, loop in pairs(busy_loops) do
        it("cancels a loop of " .. name .. " that are all answered at once", function()
            local child = start_busy_loop(loop)
            child:kill "sigint"
            assert.equal(130, child:wait().code)
        end)
    end

    it("ends a call from the shell with 130", function()
        local child = support.start(support.program,
            { "call", support.plugin "echo", "/stream?frames=1000&interval=1000", "--stream" })
        child:wait_for("out", "frame 1")
        child:kill "sigint"
        local got = child:wait()
        assert.equal(130, got.code)
        assert.equal("nylon-ring: interrupted; Ctrl-C again leaves at once\n", got.err)
    end)

    it("leaves with 130 when only the loop is still running", function()
        local child = start [[
            local timer = require 'luv'.new_timer()
            timer:start(0, 100000, function() io.stdout:write 'ready\n' io.stdout:flush() end)
        ]]
        child:wait_for("out", "ready")
        child:kill "sigint"
        assert.equal(130, child:wait().code)
    end)

    -- A main task that ends without a turn of the loop after the signal.
    local function end_unaware(signal, ending)
        local child = start([[
            jit.off() -- compiled code would read the field once
            local fast = require 'nylon_ring.fast'
            io.stdout:write 'ready\n' io.stdout:flush()
            while fast.interrupted == 0 do end
        ]] .. ending)
        child:wait_for("out", "ready")
        child:kill(signal)
        return child:wait()
    end

    it("leaves with 130 also where the main task did not see it", function()
        local got = end_unaware("sigint", "print 'done'")
        assert.same({ 130, "ready\ndone\n" }, { got.code, got.out })
        assert.equal(130, end_unaware("sigint", "error 'too late'").code)
        assert.equal(143, end_unaware("sigterm", "print 'done'").code)
    end)

    it("leaves a compiled loop when it comes twice", function()
        local child = start "io.stdout:write 'ready\\n' io.stdout:flush() while true do end"
        child:wait_for("out", "ready")
        child:kill "sigint"
        child:wait_for("err", "Ctrl-C again")
        child:kill "sigint"
        assert.equal(130, child:wait().code)
    end)

    it("leaves a compiled loop at once when SIGTERM follows", function()
        local child = start "io.stdout:write 'ready\\n' io.stdout:flush() while true do end"
        child:wait_for("out", "ready")
        child:kill "sigint"
        child:wait_for("err", "Ctrl-C again")
        child:kill "sigterm"
        assert.equal(143, child:wait().code)
    end)

    it("is ignored where the parent ignored it", function()
        local child = support.start("/bin/sh", { "-c", [[
            trap '' INT
            exec "$0" -e "io.stdout:write 'ready\n' io.stdout:flush() print(io.read())"
        ]], support.program }, { hold_stdin = true })
        child:wait_for("out", "ready")
        child:kill "sigint"
        child:send "still here\n"
        local got = child:wait()
        assert.same({ code = 0, signal = 0, out = "ready\nstill here\n", err = "" }, got)
    end)
end)

describe("SIGTERM", function()
    for name, loop in pairs(busy_loops) do
        it("cancels a loop of " .. name .. " that are all answered at once", function()
            local child = start_busy_loop(loop)
            child:kill "sigterm"
            assert.equal(143, child:wait().code)
        end)
    end

    it("ends what never comes back to the loop, or never ends, and says so", function()
        local loops = { "while true do end", "while true do pcall(nr.sleep, 1) end" }
        for _, loop in ipairs(loops) do
            local child = start([[
                local nr = require 'nylon_ring'
                io.stdout:write 'ready\n' io.stdout:flush()
            ]] .. loop)
            child:wait_for("out", "ready")
            child:kill "sigterm"
            local got = child:wait()
            assert.equal(143, got.code)
            assert.equal("nylon-ring: terminated, but what runs did not end in time: it was left as it is\n",
                got.err)
        end
    end)

    it("lets a task that cleans up make calls", function()
        local child = start(([[
            local nr = require 'nylon_ring'
            local echo = assert(nr.load(%q))
            io.stdout:write 'ready\n' io.stdout:flush()
            pcall(nr.sleep, 100000)
            print(nr.shield(function() return echo:call("/echo", "last") end))
        ]]):format(support.plugin "echo"))
        child:wait_for("out", "ready")
        child:kill "sigterm"
        local got = child:wait()
        assert.equal(143, got.code)
        assert.equal("ready\n0\tlast\n", got.out)
    end)

    it("cancels tasks, shuts plugins down and leaves with 143", function()
        local child = start(([[
            local nr = require 'nylon_ring'
            assert(nr.load(%q))
            io.stdout:write 'ready\n' io.stdout:flush()
            local _, err = pcall(nr.sleep, 100000)
            io.stdout:write('cancelled ', tostring(err), '\n')
            error(err, 0)
        ]]):format(support.plugin "fixture_log"), { env = { NYLON_RING_LOG = "debug" } })
        child:wait_for("out", "ready")
        child:kill "sigterm"
        local got = child:wait()
        assert.equal(143, got.code)
        assert.matches("cancelled", got.out)
        assert.matches("from shutdown\n$", got.err)
    end)
end)
