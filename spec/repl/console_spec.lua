local consoles = require "spec.support.console"
local nr = require "nylon_ring"
local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local SCRIPT = [[
    local nr = require "nylon_ring"
    counter = 0
    assert(nr.load(arg[1], { name = "echo" }))
    nr.spawn(function() while true do nr.sleep(5) counter = counter + 1 end end)
    function hog() while true do end end
    local met = 0
    function meet() met = met + 1 while met < 3 do nr.sleep(1) end end
    print "running" io.stdout:flush()
]]

describe("the console of a running program", function()
    local folder, path, script, remove, app

    before_each(function()
        folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-console-XXXXXX"))
        path = folder .. "/console"
        script, remove = support.file("app.lua", SCRIPT)
        app = support.start(support.program, { "run", "--console", path, script, support.plugin "echo" })
        app:wait_for("out", "running")
    end)

    after_each(function()
        if not app.code then
            app:kill "sigterm"
            app:wait()
        end
        remove()
        uv.fs_rmdir(folder)
    end)

    local function join(lines, ...)
        return support.run({ "repl", "--connect", path, ... }, { stdin = table.concat(lines, "\n") .. "\n" })
    end

    it("is a socket for its owner alone, gone after the end", function()
        local stat = uv.fs_stat(path)
        assert.same({ "socket", "600" }, { stat.type, ("%o"):format(stat.mode % 512) })
        app:kill "sigterm"
        app:wait()
        assert.is_nil(uv.fs_stat(path))
    end)

    it("runs lines inside the program", function()
        local outcome = join {
            "counter > 0", "mark = 'left by a client'", 'echo:call("/thread", "hi") ;', "_",
        }
        assert.same({ 0, "", 'true\n"hi"\n' }, { outcome.code, outcome.err, outcome.out })
        assert.equal('"left by a client"\n', join({ "mark" }).out)
    end)

    it("tells failures by the exit code, and leaves the program alone", function()
        local outcome = join { "error 'no'", "print 'after'" }
        assert.same({ 1, "", "error: input:1:1: no\n  input:1:1: in the line\n" },
            { outcome.code, outcome.out, outcome.err })
        assert.equal("true\n", join({ "counter > 0" }).out)
    end)

    local function plain(outcome)
        local function equal(text)
            return (text:gsub("%d[%d.]* [µnm]*s%f[%W]", "TIME"):gsub("%d[%d.]*", "N"))
        end
        return { outcome.code, equal(outcome.out), equal(outcome.err) }
    end

    it("does with lines what the REPL does without it", function()
        local all = {
            { "print 'before'", "error 'no'", "print 'after'" },
            { "x = = 1", "print 'after'" },
            { ":nonsense", "print 'after'" },
            { "nil, require('nylon_ring.errors').new { code = 'c', message = 'm' }", "print 'after'" },
            { "for i = 1, 2 do", "print(i)", "end" },
            { "print 'before'", "for i = 1, 2 do" },
            { "nr.sleep(30), 'late' &", "'early'" },
            { "nr.sleep(1), error 'late' &", "nr.sleep(30)", "print 'after'" },
            { "print 'before'", ":quit", "print 'after'" },
        }
        for _, lines in ipairs(all) do
            local pieces = {}
            for _, line in ipairs(lines) do
                table.insert(pieces, "-e")
                table.insert(pieces, line)
            end
            local stdin = table.concat(lines, "\n") .. "\n"
            local want = plain(support.run({ "repl", "--no-rc" }, { stdin = stdin }))
            assert.same(want, plain(join(lines)))
            assert.same(want, plain(support.run { "repl", "--no-rc", unpack(pieces) }))
            assert.same(want, plain(support.run { "repl", "--connect", path, unpack(pieces) }))
            assert.same(plain(support.run({ "repl", "--no-rc", "--json" }, { stdin = stdin })),
                plain(join(lines, "--json")))
        end
    end)

    it("tells a client that waits for lines at once when the program has ended", function()
        for signal, told in pairs { sigterm = "the program has ended", sigkill = "the program is gone" } do
            local one = consoles.program "require('nylon_ring').spawn(require('nylon_ring').sleep, 60000)"
            local args = { "repl", "--connect", one.path }
            local child = support.start(support.program, args, { hold_stdin = true })
            child._pipes.stdin:write "print 'here'\n"
            child:wait_for("out", "here\n")
            one.child:kill(signal)
            assert.same({ 1, ("nylon-ring repl: %s\n"):format(told) }, { child:wait().code, child.err })
            child:finish()
            uv.fs_unlink(one.path) -- which a killed one leaves behind
            one:close()
        end
    end)

    it("answers as JSON to who wants it so", function()
        assert.equal('{"value":3}\n', join({ "1 + 2" }, "--json").out)
    end)

    it("serves many at once, each with values of its own, and survives their leaving", function()
        local outcomes = nr.map({ "one", "two", "three" }, function(name)
            local value = ("'%s'"):format(name)
            return join({ value, "meet()", "_1 == nil", value, "_" }).out
        end)
        for index, name in ipairs { "one", "two", "three" } do
            assert.equal(('"%s"\ntrue\n"%s"\n"%s"\n'):format(name, name, name), outcomes[index])
        end
        local child = support.start(support.program, { "repl", "--connect", path }, { hold_stdin = true })
        child._pipes.stdin:write "print('here') nr.sleep(60000)\n"
        child:wait_for("out", "here")
        child:kill "sigkill"
        child:wait()
        child:finish()
        assert.equal("true\n", join({ "counter > 0" }).out)
        assert.equal("0\n", join({ "local n = 0 for _, t in ipairs(nr.tasks()) do "
            .. "if (t.awaits or ''):match '60000' then n = n + 1 end end print(n)" }).out)
    end)

    it("edits lines on the client's terminal, two at once", function()
        local first = terminals.open { "repl", "--connect", path }
        local second = terminals.open { "repl", "--connect", path }
        finally(function()
            first:close()
            second:close()
        end)
        first:wait_end "Ctrl-D leaves it running\napp>"
        second:wait_end "app>"
        first:type "ech"
        first:press "Tab"
        first:wait_end "app> echo"
        first:enter ':call("/thread", "from the first")'
        first:wait "from the first\n=> OK 14 B"
        first:enter "shared = 41"
        first:wait_end "shared = 41\napp>"
        second:enter "shared + 1"
        second:wait_end "42\napp>"
        second:enter "print 'runs' nr.sleep(60000)"
        second:wait_end "\nruns" -- a terminal forgets at Ctrl-C what was not read yet
        second:press "C-c"
        second:wait_end "cancelled\napp>"
        second:press "C-d"
        second:wait "left 0 icanon"
        first:enter "counter > 0"
        first:wait_end "true\napp>"
        app:kill "sigterm"
        first:wait "left 0 icanon"
        assert.truthy(first:screen():find("the program has ended", 1, true))
    end)

    it("stops a line that never comes back, on Ctrl-C and when the client has left", function()
        local terminal = terminals.open { "repl", "--connect", path }
        finally(function()
            terminal:close()
        end)
        terminal:wait_end "app>"
        terminal:enter "print 'begins' while true do end"
        terminal:wait_end "\nbegins"
        terminal:press "C-c"
        terminal:wait "error: interrupted"
        terminal:enter "counter > 0"
        terminal:wait_end "true\napp>"
        for _, body in ipairs { "", "print 'more'" } do
            local line = ("print 'here' while true do %s end"):format(body)
            local child = support.start(support.program, { "repl", "--connect", path }, { hold_stdin = true })
            child._pipes.stdin:write(line .. "\n")
            child:wait_for("out", "here")
            child:kill "sigkill"
            child:wait()
            child:finish()
            assert.equal("true\n", join({ "counter > 0" }).out)
        end
    end)

    it("lets a client go whose line stops the whole program", function()
        local terminal = terminals.open { "repl", "--connect", path }
        finally(function()
            terminal:close()
            app:kill "sigkill"
            app:wait()
        end)
        terminal:wait_end "app>"
        terminal:enter "print 'begins' hog()"
        terminal:wait_end "\nbegins"
        terminal:press "C-c"
        terminal:wait(function(screen)
            local told = screen:find("the program does not answer; Ctrl-C again leaves it", 1, true)
            if not told then
                terminal:press "C-c"
            end
            return told
        end)
        terminal:press "C-c"
        terminal:wait "the program does not answer, and is left as it is\nleft 130 icanon"
        local late = support.run { "repl", "--connect", path }
        local told = "nylon-ring repl: the program at %s does not answer: its loop does not turn\n"
        assert.same({ 1, told:format(path) }, { late.code, late.err })
    end)

    it("tells a client that the program is gone, also where that has not read what came", function()
        local terminal = terminals.open { "repl", "--connect", path }
        finally(function() terminal:close() end)
        terminal:wait_end "app>"
        app:kill "sigstop"
        terminal:type "nr.sle"
        terminal:press "Tab" -- asks the program
        terminal:type "x"
        terminal:wait_end "app> nr.slex"
        app:kill "sigkill"
        app:wait()
        terminal:wait_end "\nnylon-ring repl: the program is gone\nleft 1 icanon"
    end)

    it("is not taken from a program that runs, but from one that is dead", function()
        local other = support.run { "run", "--console", path, "-e", "print 'ran'" }
        assert.same({ 1, "" }, { other.code, other.out })
        assert.equal(("nylon-ring run: %s is the console of a running program\n"):format(path), other.err)
        app:kill "sigkill"
        app:wait()
        assert.equal("socket", uv.fs_stat(path).type)
        assert.equal("ran\n", support.run({ "run", "--console", path, "-e", "print 'ran'" }).out)
        assert.is_nil(uv.fs_stat(path))
    end)

    it("is refused where a file is, and says when nobody listens", function()
        local file, remove_file = support.file("console", "kept")
        finally(remove_file)
        local outcome = support.run { "run", "--console", file, "-e", "print 'ran'" }
        assert.equal(("nylon-ring run: %s is there already and no socket\n"):format(file), outcome.err)
        outcome = support.run { "repl", "--connect", folder .. "/nobody" }
        assert.equal(1, outcome.code)
        assert.truthy(outcome.err:find("no program listens at", 1, true))
    end)
end)
