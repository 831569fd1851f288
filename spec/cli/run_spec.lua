local support = require "spec.support"

local function run(code, ...)
    return support.run { "-e", code, ... }
end

describe("run", function()
    it("gives a script its name and arguments", function()
        local path, remove = support.file("main.lua", "print(arg[0], arg[1], #arg, ...)")
        finally(remove)
        local got = support.run { path, "--version", "-x" }
        assert.same({ code = 0, signal = 0, out = path .. "\t--version\t2\t--version\t-x\n", err = "" }, got)
    end)

    it("is what a script's name alone means", function()
        local path, remove = support.file("main.lua", "print 'ran'")
        finally(remove)
        assert.same(support.run { path }, support.run { "run", path })
    end)

    it("reads a script from standard input", function()
        local got = support.run({ "run", "-", "a" }, { stdin = "print(...)" })
        assert.equal("a\n", got.out)
    end)

    it("reads a script that is a pipe", function()
        local got = support.start("bash", { "-c", [["$0" <(echo 'print(...)') a]], support.program }):wait()
        assert.same({ code = 0, signal = 0, out = "a\n", err = "" }, got)
    end)

    it("takes code before the script", function()
        local path, remove = support.file("main.lua", "print(x)")
        finally(remove)
        assert.equal("7\n", run("x = 3", "-e", "x = x + 4", path).out)
    end)

    it("lets the main chunk suspend", function()
        local got = run "local nr = require 'nylon_ring' nr.sleep(1) print 'awake'"
        assert.same({ code = 0, signal = 0, out = "awake\n", err = "" }, got)
    end)

    it("lets a module suspend while it is loaded", function()
        local path, remove = support.file("slow.lua", "require 'nylon_ring'.sleep(1) return { ready = true }")
        finally(remove)
        local got = run(("package.path = %q print(require 'slow'.ready)"):format(path:gsub("slow", "?")))
        assert.same({ code = 0, signal = 0, out = "true\n", err = "" }, got)
    end)

    it("goes on while the loop has work", function()
        local got = run [[
            local uv = require 'luv'
            local timer = uv.new_timer()
            timer:start(1, 0, function() print 'later' timer:close() end)
            print 'now'
        ]]
        assert.same({ code = 0, signal = 0, out = "now\nlater\n", err = "" }, got)
    end)

    it("leaves in order after a script that closed every handle of the loop", function()
        local got = run [[
            local nr, uv = require 'nylon_ring', require 'luv'
            uv.walk(function(handle) handle:close() end)
            nr.sleep(1)
            print 'done'
        ]]
        assert.same({ code = 0, signal = 0, out = "done\n", err = "" }, got)
    end)

    it("shows the traceback of a script's error, and leaves with 1", function()
        local path, remove = support.file("main.lua", "local function f() error 'boom' end\nf()")
        finally(remove)
        local got = support.run { path }
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: [^\n]*main%.lua:1: boom\nstack traceback:\n", got.err)
        assert.matches("main%.lua:2: in ", got.err)
        assert.is_nil(got.err:find("nylon_ring/cli", 1, true))
    end)

    it("shows of a stack what is the script's, also across tasks", function()
        local path, remove = support.file("main.lua", [[
            local nr = require "nylon_ring"
            nr.map({ 1 }, function()
                nr.await(function() error "deep" end)
            end)
        ]])
        finally(remove)
        local got = support.run { path }
        assert.equal(1, got.code)
        local places = {}
        for line in got.err:gmatch "\n(%C[^\n]*)" do
            table.insert(places, line)
        end
        assert.same({ "stack traceback:", ("awaited by task 1 (%s):"):format(path) }, places)
        local files = {}
        for file in got.err:gmatch "\n\t([^\n]-:)" do
            table.insert(files, file:match "[^/]*$")
        end
        assert.same({ "[C]:", "main.lua:", "main.lua:", "main.lua:" }, files)
    end)

    it("leaves with 1 after an error without a value", function()
        local got = run "error()"
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: nil", got.err)
    end)

    it("leaves with 1 when a task failed that nobody joined", function()
        local got = run "require 'nylon_ring'.spawn(function() error 'alone' end) print 'on'"
        assert.equal(1, got.code)
        assert.matches("alone", got.err)
    end)

    it("leaves with 1 when a luv callback failed, after the rest has run", function()
        local got = run [[
            local uv = require 'luv'
            local timer = uv.new_timer()
            timer:start(1, 0, function() timer:close() error 'in a callback' end)
            require 'nylon_ring'.sleep(20)
            print 'still here'
        ]]
        assert.equal(1, got.code)
        assert.equal("still here\n", got.out)
        assert.matches("in a callback", got.err)
        assert.is_nil(got.err:find("nylon_ring", 1, true), got.err)
    end)

    it("names a syntax error in one line", function()
        local path, remove = support.file("main.lua", "local = 1")
        finally(remove)
        local got = support.run { path }
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring run: [^\n]*main%.lua:1: [^\n]*\n$", got.err)
    end)

    it("shuts its plugins down at its end, and when os.exit is called", function()
        local load = "local nr = require 'nylon_ring' assert(nr.load(%q)) "
        load = load:format(support.plugin "fixture_log")
        for _, ending in ipairs { "", "os.exit(0)" } do
            local got = support.run({ "-e", load .. ending }, { env = { NYLON_RING_LOG = "debug" } })
            assert.equal(0, got.code)
            assert.matches("from shutdown\n$", got.err)
        end
    end)

    it("names a plugin that crashes also above compiled Lua, whose stack can not be read", function()
        local script, remove = support.file("crash.lua", ([[
            local nr = require "nylon_ring"
            local crash = assert(nr.load(%q))
            local requests = { nr.request { path = "/none" }, nr.request { path = "/write" } }
            for i = 1, 300 do
                crash:call(requests[i == 299 and 2 or 1])
            end
        ]]):format(support.plugin "fixture_crash"))
        finally(remove)
        for _ = 1, 20 do
            local outcome = support.run { script }
            assert.matches("^nylon%-ring: plugin 'fixture_crash' crashed: SIGSEGV "
                .. "at %S+/fixture_crash%.so%+0x%x+, in handle of call %d+ to /write\n", outcome.err)
        end
    end)

    it("does not wait for answers that a plugin owes", function()
        local got = run(([[
            local nr = require 'nylon_ring'
            local never = assert(nr.load(%q))
            nr.spawn(never.call, never, "/")
            print(select(2, never:call("/", "", { timeout = 1 })).code)
            os.exit(5)
        ]]):format(support.plugin "fixture_never"))
        assert.same({ code = 5, signal = 0, out = "timeout\n", err = "" }, got)
    end)

    it("says so when the script waits for what cannot come", function()
        local got = run "require 'nylon_ring'.await(function() end)"
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: nothing is left that could end this wait", got.err)
    end)

    it("refuses uv.run in a task, and names the way out", function()
        local got = run "require 'luv'.run()"
        assert.equal(1, got.code)
        assert.matches("nr%.run", got.err)
    end)

    it("is plain when it is not a terminal", function()
        assert.is_nil(run("error 'x'").err:find("\27", 1, true))
    end)

    it("is ended by a broken pipe without a word", function()
        local child = support.start(support.program, { "-e", "while true do print 'y' end" })
        child:wait_for("out", "y")
        child:close_output()
        local got = child:wait()
        assert.equal("", got.err)
        assert.equal(13, got.signal)
    end)
end)

describe("the standard descriptors", function()
    local function shell(redirection, code)
        local words = { "-c", 'exec "$0" -e "$1" ' .. redirection, support.program, code }
        return support.start("/bin/sh", words):wait()
    end

    it("may all be closed", function()
        local work = ([[
            local _, body = require 'nylon_ring'.load(%q):call('/thread', 'x')
            os.exit(body == 'x' and 7 or 8)
        ]]):format(support.plugin "echo")
        assert.same({ code = 7, signal = 0, out = "", err = "" }, shell("<&- >&- 2>&-", work))
    end)

    it("make the run fail where output is lost", function()
        local got = shell(">/dev/full", "print 'lost'")
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: could not write all of the standard output[^\n]*\n$", got.err)
        assert.equal(3, shell(">/dev/full", "print 'lost' os.exit(3)").code)
    end)
end)

describe("os.exit", function()
    it("leaves with its code, whatever else is going on", function()
        local got = run [[
            local nr = require 'nylon_ring'
            nr.spawn(function() nr.sleep(100000) end)
            io.write 'kept'
            os.exit(7)
        ]]
        assert.same({ code = 7, signal = 0, out = "kept", err = "" }, got)
    end)

    it("never returns to its task", function()
        local got = run "local ok = pcall(os.exit, true) print 'not here'"
        assert.same({ code = 0, signal = 0, out = "", err = "" }, got)
    end)

    it("works in a luv callback, and where a task cannot suspend", function()
        local callback = run [[
            local timer = require 'luv'.new_timer()
            timer:start(1, 0, function() io.write 'kept' os.exit(3) end)
        ]]
        assert.same({ code = 3, signal = 0, out = "kept", err = "" }, callback)
        local builtin = run "table.sort({ 1, 2 }, function() os.exit(false) end)"
        assert.same({ code = 1, signal = 0, out = "", err = "" }, builtin)
    end)
end)
