local cjson = require "cjson"
local sleep = require("nylon_ring").sleep
local support = require "spec.support"
local uv = require "luv"

local folder, files

--- Writes a spec file for the spec that runs.
local function write(name, content)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write("local nr = require 'nylon_ring'\n" .. content)
    file:close()
    table.insert(files, folder .. "/" .. name)
end

local function test(...)
    local got = support.run { "test", folder, ... }
    got.out = got.out:gsub("[^ \n(\"]*/(%w+_spec%.lua)", "%1")
    return got
end

describe("test --isolate", function()
    before_each(function()
        folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-spec-XXXXXX"))
        files = {}
    end)

    after_each(function()
        for _, file in ipairs(files) do
            os.remove(file)
        end
        uv.fs_rmdir(folder)
    end)

    local function write_mixed()
        write("a_spec.lua", [[
            describe("outer", function()
                describe("inner", function()
                    it("is fine", function() nr.sleep(1) end)
                    it("fails", function() assert.equal(1, 2) end)
                end)
                it("raises", function() error "on purpose" end)
                pending("is to come", function() end)
                it("is pending", function() pending "soon" end)
            end)
        ]])
        write("b_spec.lua", [[
            it("prints", function() io.stdout:write "# printed\n" io.stderr:write "complained\n" end)
        ]])
    end

    it("tells what one process tells", function()
        write_mixed()
        local plain, isolated = test("-o", "TAP"), test("-o", "TAP", "--isolate")
        assert.equal(1, isolated.code)
        assert.equal(plain.out, isolated.out)
        assert.equal("complained\n", isolated.err)
        assert.equal(plain.out, test("-o", "TAP", "--jobs", "2").out)
    end)

    it("keeps the counts of JSON and JUnit, and the time that specs took", function()
        write_mixed()
        write("c_spec.lua", "it('takes its time', function() nr.sleep(30) end)")
        local told = cjson.decode(test("-o", "json", "--isolate").out:match "(%b{})%s*$")
        assert.equal(3, #told.successes)
        assert.equal(1, #told.failures)
        assert.equal(1, #told.errors)
        assert.equal(2, #told.pendings)
        assert.is_true(told.successes[3].element.duration >= 0.025)
        local xml = test("-o", "junit", "--isolate").out
        assert.matches("<testsuites [^>]*tests='7'", (xml:gsub('"', "'")))
        assert.matches("failures='1'", (xml:gsub('"', "'")))
    end)

    it("makes a crash one failed file, with the signal, the spec and the plugin that it was", function()
        write("a_spec.lua", ([[
            describe("crash", function()
                local fine = nr.test.plugin(%q)
                local broken = nr.test.plugin(%q, { name = "broken" })
                it("comes first", function() fine:call "/" end)
                it("dies", function() broken:call "/write" end)
                it("has no turn", function() end)
            end)
        ]]):format(support.plugin "fixture_noop", support.plugin "fixture_crash"))
        write("b_spec.lua", "it('is next', function() end)")
        local got = test("-o", "TAP", "--isolate")
        local ended = support.sanitized and "left early with exit code 1" or "was ended by SIGSEGV"
        assert.equal(1, got.code)
        assert.equal([[
not ok 1 - a_spec.lua
# a_spec.lua @ 6
# Failure message: the process of this file ]] .. ended .. [[ in the spec 'crash dies': ]]
            .. [[plugin 'broken' crashed: SIGSEGV at .../fixture_crash.so+0x..., in handle of call ...
ok 2 - crash comes first
ok 3 - is next
1..3
]], (got.out:gsub("at %S+/(fixture_crash%.so%+0x)%x+", "at .../%1..."):gsub("of call %d+", "of call ...")))
        assert.matches("nylon%-ring: plugin 'broken' crashed: SIGSEGV", got.err)
    end)

    it("names an exception that leaves a plugin", function()
        write("a_spec.lua", ([[
            local broken = nr.test.plugin(%q)
            it("dies", function() broken:call "/handle" end)
        ]]):format(support.plugin "fixture_throw"))
        local got = test("-o", "TAP", "--isolate")
        assert.matches("SIGABRT in the spec 'dies': plugin 'fixture_throw' crashed: SIGABRT", got.out)
        assert.matches("plugin 'fixture_throw' let an exception or a jump leave handle", got.err)
    end)

    it("fails a file whose process leaves early, or crashes outside its specs", function()
        write("a_spec.lua", "it('leaves', function() os.exit(0) end)")
        write("b_spec.lua", "local ffi = require 'ffi' ffi.cdef 'int raise(int);' ffi.C.raise(9)")
        local got = test("-o", "TAP", "--isolate")
        assert.equal(1, got.code)
        assert.matches("the process of this file left early with exit code 1 in the spec 'leaves'\n", got.out)
        assert.matches("the process of this file was ended by SIGKILL\n", got.out)
    end)

    it("ignores what is no event of a file, and keeps every event beside it", function()
        local junk = { "no line end", '5\n', 'null\n', '{"event":"no such"}\n', '{"event":"end"', "\n\n\0",
            '{"event":"start","name":5}\n', '{"event":"problem","kind":"rumour","within":"it"}\n' }
        local specs = "local uv = require 'luv'\n"
        for index, text in ipairs(junk) do
            specs = specs .. ("it('is no. %d', function() uv.fs_write(3, %q, -1) end)\n"):format(index, text)
        end
        write("a_spec.lua", specs)
        write("b_spec.lua", "it('is next', function() end)")
        local got = test("-o", "TAP", "--jobs", "2")
        assert.equal("", got.err)
        assert.equal(0, got.code)
        assert.equal(test("-o", "TAP").out, got.out)
        assert.matches("ok 8 %- is no%. 8\nok 9 %- is next", got.out)
    end)

    it("goes on with the other files when a process cannot be started", function()
        local cwd = folder .. "/gone"
        assert(uv.fs_mkdir(cwd, 448))
        write("a_spec.lua", ("it('removes', function() assert(require 'luv'.fs_rmdir(%q)) end)"):format(cwd))
        write("b_spec.lua", "it('is not run', function() end)")
        write("c_spec.lua", "it('is not run', function() end)")
        local words = { "test", "-o", "TAP", "--isolate", folder }
        local got = support.start(uv.fs_realpath(support.program), words, { cwd = cwd }):wait()
        assert.equal(1, got.code)
        assert.matches("^ok 1 %- removes\nnot ok 2 %- [^\n]*b_spec.lua\n", got.out)
        assert.matches("the process of this file could not be started: ENOENT[^\n]*\nnot ok 3", got.out)
    end)

    it("takes files of many specs, and specs with a lot to print", function()
        write("a_spec.lua", [[
            describe("many", function()
                for number = 1, 9000 do it("is number " .. number, function() end) end
            end)
        ]])
        local got = test("-o", "TAP", "--isolate")
        assert.equal(0, got.code)
        assert.matches("\nok 9000 %- many is number 9000\n1%.%.9000\n$", got.out)
        if support.sanitized then
            return -- its shadow needs more room than the limit below
        end
        write("a_spec.lua", "it('prints', function() for _ = 1, 20 do io.write(('x'):rep(2 ^ 20)) end end)")
        got = support.start("/bin/sh", { "-c", [[
            ulimit -v 1000000
            "$0" test -o TAP --isolate "$1" | tail -c 20
        ]], support.program, folder }):wait()
        assert.equal("xok 1 - prints\n1..1\n", got.out)
        assert.equal("", got.err)
    end)

    it("kills a process that does not suspend, when its file takes too long", function()
        write("a_spec.lua", "it('spins', function() while true do end end)")
        local got = test("-o", "TAP", "--isolate", "--file-timeout", "1")
        assert.equal(1, got.code)
        assert.matches("did not end within 1 ms %(%-%-file%-timeout%) and was killed in the spec 'spins'\n",
            got.out)
    end)

    local busy = {
        { "a spec", "it('is fine', function() end) it('spins', function() while true do end end)",
            "the spec did not end within 100 ms", " in the spec 'spins'" },
        { "a spec that sets its own limit", "it('spins', function() nr.test.limit(90) while true do end end)",
            "the spec did not end within 90 ms", " in the spec 'spins'" },
        { "a hook", "before_each(function() while true do end end) it('has no turn', function() end)",
            "before_each of the file did not end within 100 ms", "" },
    }
    for _, case in ipairs(busy) do
        local what, code, limit, where = unpack(case)
        it(("kills a process that does not suspend, when the limit of %s is over"):format(what), function()
            write("a_spec.lua", code)
            write("b_spec.lua", "it('is next', function() end)")
            local got = test("-o", "TAP", "--isolate", "--timeout=100")
            assert.equal(1, got.code)
            local told = "# Failure message: %s and did not suspend: the process of this file was killed%s\n"
            assert.matches(told:format(limit, where), got.out)
            assert.matches("\nok %d %- is next\n1%.%.%d\n$", got.out)
        end)
    end

    it("leaves a process alone that reacts to its limits", function()
        write("a_spec.lua", "it('goes on', function() for _ = 1, 30 do pcall(nr.sleep, 60000) end end)")
        local got = test("-o", "TAP", "--isolate", "--timeout=100")
        assert.matches("# Failure message: a_spec.lua:2: the spec did not end within 100 ms\n", got.out)
    end)

    it("hands limits, filters and the seed on", function()
        write("a_spec.lua", [[
            it("waits", function() nr.sleep(60000) end)
            it("is left out", function() end)
        ]])
        local got = test("-o", "TAP", "--isolate", "--timeout", "100", "--filter", "waits")
        assert.matches("the spec did not end within 100 ms", got.out)
        assert.matches("\n1%.%.1\n$", got.out)
        local specs = {}
        for number = 1, 9 do
            table.insert(specs, ("it('is number %d', function() end)"):format(number))
        end
        write("a_spec.lua", table.concat(specs, "\n"))
        local words = { "-o", "TAP", "--shuffle", "--seed=7" }
        local plain = test(unpack(words))
        assert.not_equal(test("-o", "TAP").out, plain.out)
        assert.equal(plain.out, test("--isolate", unpack(words)).out)
    end)

    it("is refused with a value", function()
        local got = test "--isolate=1"
        assert.equal(2, got.code)
        assert.equal("nylon-ring test: option '--isolate' takes no value\n", got.err)
    end)

    it("orders files by a seed as one process does", function()
        for number = 1, 7 do
            write(("s%d_spec.lua"):format(number), ("it('is number %d', function() end)"):format(number))
        end
        local words = { "-o", "TAP", "--shuffle-files", "--seed=5" }
        local plain = test(unpack(words)).out
        assert.not_equal(test("-o", "TAP").out, plain)
        assert.equal(plain, test("--isolate", unpack(words)).out)
        assert.equal(plain:rep(2), test("--isolate", "--repeat=2", unpack(words)).out)
    end)

    --- Runs the files below a configuration of busted's.
    local function test_with(config, ...)
        write(".busted", "return { default = { " .. config .. " } }")
        local got = support.start(uv.fs_realpath(support.program), { "test", "-o", "TAP", ".", ... }, {
            cwd = folder,
        }):wait()
        return got
    end

    it("is taken from .busted, like the other options of ours", function()
        write("a_spec.lua", "it('leaves', function() os.exit(0) end)")
        write("b_spec.lua", "it('is next', function() end)")
        assert.matches("left early with exit code 1.*\nok 2 %- is next", test_with("isolate = true").out)
        assert.matches("left early with exit code 1.*\nok 2 %- is next", test_with("jobs = 2").out)
        assert.equal("", test_with("isolate = true, jobs = 2", "--no-isolate").out)
        os.remove(folder .. "/a_spec.lua")
        write("b_spec.lua", "it('waits', function() nr.sleep(60000) end)")
        assert.matches("did not end within 90 ms", test_with("timeout = 90").out)
        assert.matches("did not end within 90 ms", test_with("timeout = 90, isolate = true").out)
        assert.matches("did not end within 80 ms", test_with("timeout = 60000", "--timeout=80").out)
    end)

    it("says which option of .busted is wrong", function()
        local wrong = {
            { "timeout", "soon", "'soon' is not a whole number of 0 or more" },
            { "isolate", "1", "'1' is neither true nor false" },
        }
        for _, case in ipairs(wrong) do
            local name, value, why = unpack(case)
            local got = test_with(("%s = %q"):format(name, value))
            assert.equal(2, got.code)
            local told = "nylon-ring test: '%s' in busted's configuration file: %s\n"
            assert.equal(told:format(name, why), got.err)
        end
    end)

    it("runs each spec as often as .busted says", function()
        write("a_spec.lua", "it('is there', function() end)")
        local got = test_with("['repeat'] = 2, isolate = true")
        assert.equal(("ok 1 - is there\n1..1\n"):rep(2), got.out)
    end)

    it("runs files again with --repeat", function()
        write("a_spec.lua", "it('is there', function() end)")
        local got = test("-o", "TAP", "--isolate", "--repeat", "2")
        assert.equal(0, got.code)
        assert.equal("ok 1 - is there\n1..1\nok 1 - is there\n1..1\n", got.out)
    end)

    it("has files of --jobs run at the same time", function()
        local meet = [[
            local uv = require "luv"
            it("meets the other", function()
                assert(io.open(%q, "w")):close()
                while not uv.fs_stat(%q) do nr.sleep(5) end
            end)
        ]]
        local here, there = folder .. "/here", folder .. "/there"
        write("a_spec.lua", meet:format(here, there))
        write("b_spec.lua", meet:format(there, here))
        local got = test("-o", "TAP", "--jobs", "2", "--timeout", "30000")
        table.insert(files, here)
        table.insert(files, there)
        assert.equal("ok 1 - meets the other\nok 2 - meets the other\n1..2\n", got.out)
    end)

    it("tells of a file when it is done, and does not wait for the next", function()
        write("a_spec.lua", "it('is first', function() end)")
        write("b_spec.lua", ([[
            it("waits", function() while not require "luv".fs_stat(%q) do nr.sleep(5) end end)
        ]]):format(folder .. "/told"))
        write("c_spec.lua", "it('is last', function() end)")
        for _, jobs in ipairs { "1", "3" } do
            local words = { "test", "-o", "TAP", "--timeout=60000", "--jobs", jobs, folder }
            local run = support.start(support.program, words)
            run:wait_for("out", "ok 1 - is first")
            assert.is_nil(run.out:find("ok 2", 1, true))
            write("told", "")
            assert.equal("ok 1 - is first\nok 2 - waits\nok 3 - is last\n1..3\n", run:wait().out)
            os.remove(folder .. "/told")
        end
    end)

    it("runs a file twice that is named twice", function()
        write("a_spec.lua", "it('is there', function() end)")
        local got = test("-o", "TAP", "--isolate", folder .. "/a_spec.lua")
        assert.equal("ok 1 - is there\nok 2 - is there\n1..2\n", got.out)
    end)

    --- Code of a spec that lets another process know its own.
    local function tell_pid()
        return ([[
            local file = io.open(%q, "w")
            file:write(require "luv".os_getpid(), "\n")
            file:close()
        ]]):format(folder .. "/pid")
    end

    local function await_pid()
        table.insert(files, folder .. "/pid")
        while true do
            local file = io.open(folder .. "/pid")
            local pid = file and file:read "*n"
            if file then
                file:close()
            end
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
            write("a_spec.lua", spins:format(tell_pid()))
            local run, pid = start("--isolate", folder)
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
        write("a_spec.lua", spins:format(tell_pid()))
        local run, pid = start("--isolate", "--suite-timeout=500", folder)
        local got = run:wait()
        assert.equal(1, got.code)
        assert.matches("# Failure message: the suite did not end within 500 ms %(%-%-suite%-timeout%) "
            .. "in the spec 'spins'\n", got.out)
        assert.is_false(support.is_alive(pid))
    end)

    it("lets its processes leave in order when a terminal's Ctrl-C reaches all of them", function()
        write("a_spec.lua", ([[
            it("waits", function()
                finally(function()
                    nr.shield(nr.sleep, 50)
                    assert(io.open(%q, "w")):close()
                end)
                %s
                nr.sleep(60000)
            end)
        ]]):format(folder .. "/left", tell_pid()))
        write("b_spec.lua", "it('has no turn', function() end)")
        local run = start("--isolate", folder)
        uv.kill(-run.pid, "sigint")
        local got = run:wait()
        assert.equal(130, got.code)
        assert.matches("^not ok 1 %- waits\n[^\n]*\n[^\n]*interrupted %(cancelled%)\n1%.%.1\n$", got.out)
        assert.matches("^nylon%-ring: interrupted; [^\n]*\n$", got.err)
        assert.is_truthy(os.remove(folder .. "/left"))
    end)

    it("tells of the files that are done already when it is ended", function()
        write("a_spec.lua", ([[
            it("waits", function() assert(io.open(%q, "w")):close() nr.sleep(60000) end)
        ]]):format(folder .. "/there"))
        write("b_spec.lua", ([[it("is done", function()
            while not require "luv".fs_stat(%q) do nr.sleep(5) end
            %s
        end)]]):format(folder .. "/there", tell_pid()))
        table.insert(files, folder .. "/there")
        local run, pid = start("--jobs=2", folder)
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
        write("a_spec.lua", ([[it('fails', function()
            while not require 'luv'.fs_stat(%q) do nr.sleep(5) end
            error "on purpose"
        end)]]):format(folder .. "/pid"))
        write("b_spec.lua", spins:format(tell_pid()))
        local run, pid = start("--jobs=2", "--no-keep-going", folder)
        local got = run:wait()
        assert.equal(1, got.code)
        assert.matches("^not ok 1 %- fails\n.*on purpose\n1%.%.1\n$", got.out)
        assert.is_false(support.is_alive(pid))
    end)
end)
