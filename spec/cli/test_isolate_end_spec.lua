local folders = require "spec.support.folder"
local sleep = require("nylon_ring").sleep
local support = require "spec.support"
local uv = require "luv"

describe("test --isolate, at its end,", function()
    local folder = folders.each()

    --- Code of a spec that lets another process know its own.
    local function tell_pid()
        return ([[
            local file = io.open(%q, "w")
            file:write(require "luv".os_getpid(), "\n")
            file:close()
        ]]):format(folder:file "pid")
    end

    local function await_pid()
        while true do
            local pid = tonumber((folder:read "pid" or ""):match "^(%d+)\n")
            if pid then
                return pid
            end
            sleep(5)
        end
    end

    --- Starts a run in a process group of its own, as a shell does; answers it and the process of its file.
    local function start(...)
        local run = support.start("setsid", { support.program, "test", "-o", "TAP", "--timeout=0", ... })
        return run, await_pid()
    end

    local spins = "it('is fine', function() end) it('spins', function() %s while true do end end)"
    local unheard = {
        { "sigint", 130 },
        { "sigterm", 143 },
        { "sigkill", 0 },
    }
    for _, case in ipairs(unheard) do
        local signal, code = unpack(case)
        it(("takes a process with it that does not suspend, on %s"):format(signal:upper()), function()
            folder:write_spec("a_spec.lua", spins:format(tell_pid()))
            local run, pid = start("--isolate", folder.path)
            run:kill(signal)
            local got = run:wait()
            assert.equal(code, got.code)
            if signal ~= "sigkill" then
                assert.is_false(support.is_alive(pid))
                assert.matches("# Failure message: the run was interrupted in the spec 'spins'\n"
                    .. "ok 2 %- is fine\n1%.%.2\n$", got.out)
                assert.equal(signal == "sigint", got.err ~= "")
            end
            while support.is_alive(pid) do
                sleep(5)
            end
        end)
    end

    it("takes such a process with it when the suite's limit is over", function()
        folder:write_spec("a_spec.lua", spins:format(tell_pid()))
        local run, pid = start("--isolate", "--suite-timeout=500", folder.path)
        local got = run:wait()
        assert.equal(1, got.code)
        assert.matches("# Failure message: the suite did not end within 500 ms %(%-%-suite%-timeout%) "
            .. "in the spec 'spins'\n", got.out)
        assert.is_false(support.is_alive(pid))
    end)

    it("lets its processes leave in order when a terminal's Ctrl-C reaches all of them", function()
        folder:write_spec("a_spec.lua", ([[
            it("waits", function()
                finally(function()
                    nr.shield(nr.sleep, 50)
                    assert(io.open(%q, "w")):close()
                end)
                %s
                nr.sleep(60000)
            end)
        ]]):format(folder:file "left", tell_pid()))
        folder:write_spec("b_spec.lua", "it('has no turn', function() end)")
        local run = start("--isolate", folder.path)
        uv.kill(-run.pid, "sigint")
        local got = run:wait()
        assert.equal(130, got.code)
        assert.matches("^not ok 1 %- waits\n.*a_spec.lua:11: interrupted %(cancelled%)\n1%.%.1\n$",
            got.out)
        assert.matches("^nylon%-ring: interrupted; [^\n]*\n$", got.err)
        assert.is_truthy(os.remove(folder:file "left"))
    end)

    it("tells of the files that are done already when it is ended", function()
        folder:write_spec("a_spec.lua", ([[
            it("waits", function() assert(io.open(%q, "w")):close() nr.sleep(60000) end)
        ]]):format(folder:file "there"))
        folder:write_spec("b_spec.lua", ([[it("is done", function()
            while not require "luv".fs_stat(%q) do nr.sleep(5) end
            %s
        end)]]):format(folder:file "there", tell_pid()))
        local run, pid = start("--jobs=2", folder.path)
        while support.is_alive(pid) do
            sleep(5)
        end
        run:kill "sigterm"
        local got = run:wait()
        assert.equal(143, got.code)
        assert.equal("", got.err)
        assert.matches("^not ok 1 %- waits\n.*\nok 2 %- is done\n1%.%.2\n$", got.out)
    end)

    it("ends what still runs when a failure is the end of the run", function()
        folder:write_spec("a_spec.lua", ([[it('fails', function()
            while not require 'luv'.fs_stat(%q) do nr.sleep(5) end
            error "on purpose"
        end)]]):format(folder:file "pid"))
        folder:write_spec("b_spec.lua", spins:format(tell_pid()))
        local run, pid = start("--jobs=2", "--no-keep-going", folder.path)
        local got = run:wait()
        assert.equal(1, got.code)
        assert.matches("^not ok 1 %- fails\n.*on purpose\n1%.%.1\n$", got.out)
        assert.is_false(support.is_alive(pid))
    end)
end)
