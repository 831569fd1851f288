local cjson = require "cjson"
local folders = require "spec.support.folder"
local support = require "spec.support"
local uv = require "luv"

describe("test --isolate", function()
    local folder = folders.each()

    local function write_mixed()
        folder:write_spec("a_spec.lua", [[
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
        folder:write_spec("b_spec.lua", [[
            it("prints", function() io.stdout:write "# printed\n" io.stderr:write "complained\n" end)
        ]])
    end

    it("tells what one process tells", function()
        write_mixed()
        local plain, isolated = folder:test("-o", "TAP"), folder:test("-o", "TAP", "--isolate")
        assert.equal(1, isolated.code)
        assert.equal(plain.out, isolated.out)
        assert.equal("complained\n", isolated.err)
        assert.equal(plain.out, folder:test("-o", "TAP", "--jobs", "2").out)
    end)

    it("shows the user's lines of what fails in hooks, as one process does", function()
        folder:write_spec("a_spec.lua", [[
            describe("block", function()
                local plugin = nr.plugin_from_lua { ["/a"] = function() return "x" end }
                before_each(function()
                    plugin:call(5)
                end)
                it("has no turn", function() end)
            end)
            describe("other", function()
                setup(function()
                    nr.await(5)
                end)
                it("has none either", function() end)
            end)
        ]])
        local plain = folder:test("-o", "TAP").out
        assert.matches("^not ok 1 %- block before_each\n# a_spec%.lua @ 4\n# [^\n]* a_spec%.lua:5: ", plain)
        assert.equal(plain, folder:test("-o", "TAP", "--isolate").out)
    end)

    it("keeps the counts of JSON and JUnit, and the time that specs took", function()
        write_mixed()
        folder:write_spec("c_spec.lua", "it('takes its time', function() nr.sleep(30) end)")
        local told = cjson.decode(folder:test("-o", "json", "--isolate").out:match "(%b{})%s*$")
        assert.equal(3, #told.successes)
        assert.equal(1, #told.failures)
        assert.equal(1, #told.errors)
        assert.equal(2, #told.pendings)
        assert.is_true(told.successes[3].element.duration >= 0.025)
        local xml = folder:test("-o", "junit", "--isolate").out
        assert.matches("<testsuites [^>]*tests='7'", (xml:gsub('"', "'")))
        assert.matches("failures='1'", (xml:gsub('"', "'")))
    end)

    it("makes a crash one failed file, with the signal, the spec and the plugin that it was", function()
        folder:write_spec("a_spec.lua", ([[
            describe("crash", function()
                local fine = nr.test.plugin(%q)
                local broken = nr.test.plugin(%q, { name = "broken" })
                it("comes first", function() fine:call "/" end)
                it("dies", function() broken:call "/write" end)
                it("has no turn", function() end)
            end)
        ]]):format(support.plugin "fixture_noop", support.plugin "fixture_crash"))
        folder:write_spec("b_spec.lua", "it('is next', function() end)")
        local got = folder:test("-o", "TAP", "--isolate")
        local ended = support.sanitized and "left early with exit code 1" or "was ended by SIGSEGV"
        assert.equal(1, got.code)
        assert.equal([[
not ok 1 - a_spec.lua
# a_spec.lua @ 6
# Failure message: the process of this file ]] .. ended .. [[ in the spec 'crash dies': ]]
            .. [[plugin 'broken' crashed: SIGSEGV at .../fixture_crash.so+0x..., ]]
            .. [[in handle of call ... to /write
ok 2 - crash comes first
ok 3 - is next
1..3
]], (got.out:gsub("at %S+/(fixture_crash%.so%+0x)%x+", "at .../%1..."):gsub("of call %d+", "of call ...")))
        assert.matches("nylon%-ring: plugin 'broken' crashed: SIGSEGV", got.err)
    end)

    it("names an exception that leaves a plugin", function()
        folder:write_spec("a_spec.lua", ([[
            local broken = nr.test.plugin(%q)
            it("dies", function() broken:call "/handle" end)
        ]]):format(support.plugin "fixture_throw"))
        local got = folder:test("-o", "TAP", "--isolate")
        assert.matches("SIGABRT in the spec 'dies': plugin 'fixture_throw' crashed: SIGABRT", got.out)
        assert.matches("plugin 'fixture_throw' let an exception or a jump leave handle", got.err)
    end)

    it("leaves the functions of scripts as they are", function()
        folder:write_spec("a_spec.lua", [[
            it("is ours", function()
                assert.matches("nylon_ring/plugin.lua$", debug.getinfo(nr.load, "S").source)
            end)
        ]])
        assert.equal("ok 1 - is ours\n1..1\n", folder:test("-o", "TAP", "--isolate").out)
    end)

    it("fails a file whose process leaves early, or crashes outside its specs", function()
        folder:write_spec("a_spec.lua", "it('leaves', function() os.exit(0) end)")
        folder:write_spec("b_spec.lua", "local ffi = require 'ffi' ffi.cdef 'int raise(int);' ffi.C.raise(9)")
        folder:write_spec("c_spec.lua", [[
            local ffi = require "ffi"
            ffi.cdef "void _exit(int);"
            it("is gone", function() ffi.C._exit(0) end)
        ]])
        folder:write_spec("d_spec.lua", [[
            it("is over", function() end)
            teardown(function() os.exit(0) end)
        ]])
        local got = folder:test("-o", "TAP", "--isolate")
        assert.equal(1, got.code)
        assert.matches("the process of this file left early with exit code 1 in the spec 'leaves'\n", got.out)
        assert.matches("the process of this file was ended by SIGKILL before its first spec\n", got.out)
        assert.matches("the process of this file left early with exit code 0 in the spec 'is gone'", got.out)
        assert.matches("left early with exit code 1 after the spec 'is over'\n", got.out)
    end)

    it("ignores what is no event of a file, and keeps every event beside it", function()
        local junk = { "no line end", '5\n', 'null\n', '{"event":"no such"}\n', '{"event":"end"', "\n\n\0",
            '{"event":"start","name":5}\n', '{"event":"problem","kind":"rumour","within":"it"}\n' }
        local specs = "local uv = require 'luv'\n"
        for index, text in ipairs(junk) do
            specs = specs .. ("it('is no. %d', function() uv.fs_write(3, %q, -1) end)\n"):format(index, text)
        end
        folder:write_spec("a_spec.lua", specs)
        folder:write_spec("b_spec.lua", "it('is next', function() end)")
        local got = folder:test("-o", "TAP", "--jobs", "2")
        assert.equal("", got.err)
        assert.equal(0, got.code)
        assert.equal(folder:test("-o", "TAP").out, got.out)
        assert.matches("ok 8 %- is no%. 8\nok 9 %- is next", got.out)
    end)

    it("goes on with the other files when a process cannot be started", function()
        local cwd = folder:file "gone"
        assert(uv.fs_mkdir(cwd, 448))
        folder:write_spec("a_spec.lua", ([[
            it("removes", function() assert(require "luv".fs_rmdir(%q)) end)
        ]]):format(cwd))
        folder:write_spec("b_spec.lua", "it('is not run', function() end)")
        folder:write_spec("c_spec.lua", "it('is not run', function() end)")
        local words = { "test", "-o", "TAP", "--isolate", folder.path }
        local got = support.start(uv.fs_realpath(support.program), words, { cwd = cwd }):wait()
        assert.equal(1, got.code)
        assert.matches("^ok 1 %- removes\nnot ok 2 %- [^\n]*b_spec.lua\n", got.out)
        assert.matches("the process of this file could not be started: ENOENT[^\n]*\nnot ok 3", got.out)
    end)

    it("takes files of many specs, and specs with a lot to print", function()
        require("nylon_ring").test.limit(60000)
        folder:write_spec("a_spec.lua", [[
            describe("many", function()
                for number = 1, 8200 do it("is number " .. number, function() end) end
            end)
        ]])
        local got = folder:test("-o", "TAP", "--isolate")
        assert.equal(0, got.code)
        assert.matches("\nok 8200 %- many is number 8200\n1%.%.8200\n$", got.out)
        if support.sanitized then
            return -- its shadow needs more room than the limit below
        end
        folder:write_spec("a_spec.lua", [[
            it("prints", function() for _ = 1, 20 do io.write(("x"):rep(2 ^ 20)) end end)
        ]])
        got = support.start("/bin/sh", { "-c", [[
            ulimit -v 1000000
            "$0" test -o TAP --isolate "$1" | tail -c 20
        ]], support.program, folder.path }):wait()
        assert.equal("xok 1 - prints\n1..1\n", got.out)
        assert.equal("", got.err)
    end)

    it("kills a process that does not suspend, when its file takes too long", function()
        folder:write_spec("a_spec.lua", "it('spins', function() while true do end end)")
        local got = folder:test("-o", "TAP", "--isolate", "--file-timeout", "1")
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
            "before_each of the file did not end within 100 ms", " before its first spec" },
    }
    for _, case in ipairs(busy) do
        local what, code, limit, where = unpack(case)
        it(("kills a process that does not suspend, when the limit of %s is over"):format(what), function()
            folder:write_spec("a_spec.lua", code)
            folder:write_spec("b_spec.lua", "it('is next', function() end)")
            local got = folder:test("-o", "TAP", "--isolate", "--timeout=100")
            assert.equal(1, got.code)
            local told = "# Failure message: %s and did not suspend: the process of this file was killed%s\n"
            assert.matches(told:format(limit, where), got.out)
            assert.matches("\nok %d %- is next\n1%.%.%d\n$", got.out)
        end)
    end

    it("names the plugin and the call that a process was in when it was killed", function()
        folder:write_spec("a_spec.lua", ([[
            local fine = nr.test.plugin(%q)
            local stuck = nr.test.plugin(%q, { name = "stuck" })
            it("calls", function() fine:call "/" stuck:call "/hang" end)
        ]]):format(support.plugin "fixture_noop", support.plugin "fixture_crash"))
        local got = folder:test("-o", "TAP", "--isolate", "--timeout=100")
        assert.equal("", got.err)
        assert.matches("the spec did not end within 100 ms and did not suspend: the process of this file was "
            .. "killed in the spec 'calls': plugin 'stuck' did not return at ", got.out, 1, true)
        assert.matches("/fixture_crash.so%+0x%x+, in handle of call %d+ to /hang\n", got.out)
    end)

    it("leaves a process alone that reacts to its limits", function()
        folder:write_spec("a_spec.lua", [[
            it("goes on", function() for _ = 1, 30 do pcall(nr.sleep, 60000) end end)
        ]])
        local got = folder:test("-o", "TAP", "--isolate", "--timeout=100")
        assert.matches("# Failure message: a_spec.lua:2: the spec did not end within 100 ms\n", got.out)
    end)

    it("hands limits, filters and the seed on", function()
        folder:write_spec("a_spec.lua", [[
            it("waits", function() nr.sleep(60000) end)
            it("is left out", function() end)
        ]])
        local got = folder:test("-o", "TAP", "--isolate", "--timeout", "100", "--filter", "waits")
        assert.matches("the spec did not end within 100 ms", got.out)
        assert.matches("\n1%.%.1\n$", got.out)
        local specs = {}
        for number = 1, 9 do
            table.insert(specs, ("it('is number %d', function() end)"):format(number))
        end
        folder:write_spec("a_spec.lua", table.concat(specs, "\n"))
        local words = { "-o", "TAP", "--shuffle", "--seed=7" }
        local plain = folder:test(unpack(words))
        assert.not_equal(folder:test("-o", "TAP").out, plain.out)
        assert.equal(plain.out, folder:test("--isolate", unpack(words)).out)
    end)

    it("is refused with a value", function()
        local got = folder:test "--isolate=1"
        assert.equal(2, got.code)
        assert.equal("nylon-ring test: option '--isolate' takes no value\n", got.err)
    end)

    it("orders files by a seed as one process does", function()
        for number = 1, 7 do
            local name, code = "s%d_spec.lua", "it('is number %d', function() end)"
            folder:write_spec(name:format(number), code:format(number))
        end
        local words = { "-o", "TAP", "--shuffle-files", "--seed=5" }
        local plain = folder:test(unpack(words)).out
        assert.not_equal(folder:test("-o", "TAP").out, plain)
        assert.equal(plain, folder:test("--isolate", unpack(words)).out)
        assert.equal(plain:rep(2), folder:test("--isolate", "--repeat=2", unpack(words)).out)
    end)

    --- Runs the files below a configuration of busted's.
    local function test_with(config, ...)
        folder:write(".busted", "return { default = { " .. config .. " } }")
        local got = support.start(uv.fs_realpath(support.program), { "test", "-o", "TAP", ".", ... }, {
            cwd = folder.path,
            env = { NYLON_RING_TEST_TIMEOUT = false }, -- which goes before the file
        }):wait()
        return got
    end

    it("is taken from .busted, like the other options of ours", function()
        folder:write_spec("a_spec.lua", "it('leaves', function() os.exit(0) end)")
        folder:write_spec("b_spec.lua", "it('is next', function() end)")
        assert.matches("left early with exit code 1.*\nok 2 %- is next", test_with("isolate = true").out)
        assert.matches("left early with exit code 1.*\nok 2 %- is next", test_with("jobs = 2").out)
        assert.equal("", test_with("isolate = true, jobs = 2", "--no-isolate").out)
        os.remove(folder:file "a_spec.lua")
        folder:write_spec("b_spec.lua", "it('waits', function() nr.sleep(60000) end)")
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

    it("says which option of .busted there is not", function()
        for name, near in pairs { tiemout = "timeout", helpr = "helper" } do
            local got = test_with(name .. " = 50")
            assert.equal(2, got.code)
            local told = "nylon-ring test: busted's configuration file: "
                .. "there is no option '%s'; did you mean '%s'\n"
            assert.equal(told:format(name, near), got.err)
        end
    end)

    it("runs each spec as often as .busted says", function()
        folder:write_spec("a_spec.lua", "it('is there', function() end)")
        local got = test_with("['repeat'] = 2, isolate = true")
        assert.equal(("ok 1 - is there\n1..1\n"):rep(2), got.out)
    end)

    it("runs files again with --repeat", function()
        folder:write_spec("a_spec.lua", "it('is there', function() end)")
        local got = folder:test("-o", "TAP", "--isolate", "--repeat", "2")
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
        local here, there = folder:file "here", folder:file "there"
        folder:write_spec("a_spec.lua", meet:format(here, there))
        folder:write_spec("b_spec.lua", meet:format(there, here))
        local got = folder:test("-o", "TAP", "--jobs", "2", "--timeout", "30000")
        assert.equal("ok 1 - meets the other\nok 2 - meets the other\n1..2\n", got.out)
    end)

    it("tells of a file when it is done, and does not wait for the next", function()
        folder:write_spec("a_spec.lua", "it('is first', function() end)")
        folder:write_spec("b_spec.lua", ([[
            it("waits", function() while not require "luv".fs_stat(%q) do nr.sleep(5) end end)
        ]]):format(folder:file "told"))
        folder:write_spec("c_spec.lua", "it('is last', function() end)")
        for _, jobs in ipairs { "1", "3" } do
            local words = { "test", "-o", "TAP", "--timeout=60000", "--jobs", jobs, folder.path }
            local run = support.start(support.program, words)
            run:wait_for("out", "ok 1 - is first")
            assert.is_nil(run.out:find("ok 2", 1, true))
            folder:write("told", "")
            assert.equal("ok 1 - is first\nok 2 - waits\nok 3 - is last\n1..3\n", run:wait().out)
            os.remove(folder:file "told")
        end
    end)

    it("runs a file twice that is named twice", function()
        folder:write_spec("a_spec.lua", "it('is there', function() end)")
        local got = folder:test("-o", "TAP", "--isolate", folder:file "a_spec.lua")
        assert.equal("ok 1 - is there\nok 2 - is there\n1..2\n", got.out)
    end)
end)
