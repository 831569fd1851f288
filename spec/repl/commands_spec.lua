local cjson = require "cjson"
local session_spec = require "nylon_ring.repl.spec"
local support = require "spec.support"
local uv = require "luv"

local echo = support.plugin "echo"

local function run(lines, ...)
    local args = { "repl", "--no-rc", ... }
    return support.run(args, { stdin = table.concat(lines, "\n") .. "\n" })
end

-- What the lines wrote, without what loading the plugin says.
local function out_of(lines, ...)
    local outcome = run(lines, ...)
    assert.same({ 0, "" }, { outcome.code, outcome.err })
    return (outcome.out:gsub("^loaded [^\n]*\n", ""))
end

local function temporary(name)
    local path, remove = support.file(name, "")
    finally(remove)
    return path
end

describe("command", function()
    it(":help lists all commands, and tells about each one", function()
        local list = out_of { ":help" }
        local names = "load reload unload plugins trace inspect calls tasks cancel stats logs time bench set "
            .. "run save spec quit send close edit history"
        for name in names:gmatch "%a+" do
            assert.truthy(list:match("\n?:" .. name .. "%f[%W]"), name)
            assert.truthy(out_of { ":help " .. name }:match "for example: :")
        end
        for line in list:gmatch "[^\n]+" do
            assert.is_true(#line <= 80, line)
        end
        for _, topic in ipairs { "values", "await", "streams", "keys" } do
            assert.truthy(#out_of { ":help " .. topic } > 100)
        end
    end)

    it("that does not exist names the nearest", function()
        local outcome = run { ":plugin" }
        assert.equal(1, outcome.code)
        assert.equal("error: there is no command :plugin. Did you mean :plugins? :help lists them all.\n",
            outcome.err)
        assert.equal("error: a colon begins a command. :help lists them all.\n", run({ ":" }).err)
    end)

    it("without what it takes tells that, with an example", function()
        local wanted = {
            [":send"] = "ID TEXT, as in :send 3 hello", [":close"] = "ID, as in :close 3",
            [":cancel"] = "ID, as in :cancel 3", [":save "] = "FILE, as in :save session.lua",
            [":time"] = "EXPR, as in :time echo:call('/thread', 'hi')",
        }
        for line, usage in pairs(wanted) do
            assert.equal(("error: %s takes %s\n"):format(line:match "%S+", usage), run({ line }).err)
        end
    end)

    it(":load makes the plugin a name, :unload takes it away", function()
        local outcome = run {
            (":load %s as other"):format(echo), 'other:call("/thread", "x") ;', "_", ":unload other", "other",
        }
        assert.equal(('loaded other 1.0.0 (ABI v1, %s)\n"x"\nunloaded other'):format(uv.fs_realpath(echo)),
            outcome.out:match "^(.-unloaded other)")
        assert.equal("nil", outcome.out:match "(%w+)\n$")
    end)

    it(":plugins, :stats and :unload know plugins that are written in Lua, by their variables", function()
        local out = out_of({
            "mock = nr.plugin_from_lua { ['/x'] = function() return 'y' end }", "mock:call '/x' ;",
            ":plugins", ":stats mock", ":unload mock", ":plugins",
        }, echo)
        assert.truthy(out:match "^echo  1.0.0  ABI v1  0 calls[^\n]*\nmock  0      Lua     1 call ")
        assert.truthy(out:match "\n +mock\ncalls +1\nok +1\n")
        assert.truthy(out:match "unloaded mock\necho [^\n]*\n$")
        assert.truthy(run({ "mock = nr.plugin_from_lua {}", ":inspect mock" }).err:find(
            "plugin mock is written in Lua (input:1:1): there is no file to inspect", 1, true))
    end)

    it(":load tells why a file can not be loaded", function()
        local outcome = run { ":load /nowhere.so" }
        assert.equal(1, outcome.code)
        assert.truthy(outcome.err:find("/nowhere.so", 1, true))
    end)

    it(":reload runs the new code of a file that was changed", function()
        local path = temporary "fixture_version.so"
        local function take(version)
            assert(uv.fs_copyfile(support.plugin("fixture_version_" .. version), path))
        end
        take(1)
        local child = support.start(support.program, { "repl", "--no-rc", path }, { hold_stdin = true })
        child._pipes.stdin:write "nr.plugins()[1].version\n"
        child:wait_for("out", '"1')
        take(2)
        child:send ":reload\nnr.plugins()[1].version\n"
        local outcome = child:wait()
        assert.same({ 0, "" }, { outcome.code, outcome.err })
        assert.truthy(outcome.out:match "\nreloaded ")
    end)

    it(":plugins lists what is loaded", function()
        local out = out_of({ ":plugins" }, echo)
        assert.equal(("echo  1.0.0  ABI v1  0 calls  0 in flight  %s\n"):format(uv.fs_realpath(echo)), out)
        assert.equal("no plugin is loaded; :load PATH\n", out_of { ":plugins" })
    end)

    it(":inspect shows a plugin's file, loaded or not", function()
        assert.truthy(out_of({ ":inspect echo" }, echo):match "symbols +nylon_ring_get_plugin")
        assert.truthy(out_of { ":inspect " .. echo }:match "name +echo\n")
    end)

    it(":stats counts calls", function()
        local out = out_of({ 'echo:call("/thread", "x") ;', ":stats echo" }, echo)
        assert.truthy(out:match "calls +1\nok +1\nerrors +0\n")
    end)

    it(":calls lists open streams that variables hold", function()
        local out = out_of({
            "s = echo:call_stream '/stream?frames=9&interval=60000'", "s:recv();", ":calls", "s:close()",
            "s = echo:call_stream '/stream?frames=0'", "while s:recv() do end", ":calls",
        }, echo)
        assert.matches("^s  echo /stream%?frames=9&interval=60000  sid %d+  1 frame read  "
            .. "held by a variable\nin flight: echo 1\nno call is in flight\n$", out)
    end)

    it(":cancel leaves the session's own task alone", function()
        local outcome = run { ":cancel 1" }
        assert.equal("error: no task has the number '1'; :tasks lists them\n", outcome.err)
    end)

    it(":reload tells how many calls had to be ended", function()
        local outcome = run({
            'stream = fixture_duplex:call_stream "/echo"',
            "p = nr.plugin 'fixture_duplex'; reload = p.reload;",
            "getmetatable(p).__index.reload = function(p) return reload(p, { grace = 1 }) end;",
            ":reload fixture_duplex",
        }, support.plugin "fixture_duplex")
        assert.matches("\n1 call in flight may take 5 s\nreloaded fixture_duplex [^\n]+; "
            .. "1 call had to be ended\n", outcome.out)
    end)

    it(":tasks and :calls tell what is awaited, since when and where; :cancel ends it", function()
        local child = support.start(support.program, { "repl", "--no-rc" }, { hold_stdin = true })
        child._pipes.stdin:write((":load %s as never\nnever:call('/x') &\n:calls\n:tasks\n"):format(
            support.plugin "fixture_never"))
        child:wait_for("out", "in the line")
        local id = child.out:match "task (%d+) running"
        assert.truthy(child.out:match("%[" .. id .. "%]  never /x  [^\n]+  never:call%('/x'%)\n"))
        assert.truthy(child.out:find("in flight: never 1\n", 1, true))
        assert.truthy(child.out:match("%[" .. id .. "%] never:call%('/x'%): awaits never /x [^\n]+\n"
            .. " +input:1:1: in the line"))
        child:send((":cancel %s\n"):format(id))
        local outcome = child:wait()
        assert.same({ 0, "" }, { outcome.code, outcome.err })
        assert.truthy(outcome.out:find(("task %s is being cancelled\n"):format(id), 1, true))
    end)

    it(":logs shows the last lines of plugins", function()
        local log = support.plugin "fixture_log"
        local outcome = run({
            'fixture_log:call("/levels") ;',
            "repeat nr.sleep(1) until #require('nylon_ring.repl.logs').recent == 4", ":logs fixture_log",
        }, log)
        local line = "%[fixture_log%] warn[^\n]*: level 3\n"
        assert.truthy(outcome.err:match(line)) -- as it came
        assert.truthy(outcome.out:match(line)) -- as it was asked for
    end)

    it(":logs names the nearest where no plugin has that name, and has lines of one that is gone", function()
        local log = support.plugin "fixture_log"
        for _, line in ipairs { ":logs fixture_lag", ":logs -f fixture_lag" } do
            assert.equal("error: no plugin is loaded as fixture_lag; did you mean fixture_log?\n",
                run({ line }, log).err)
        end
        assert.equal("nothing was logged yet\nnothing was logged yet\n",
            out_of({ ":logs", ":logs fixture_log" }, log))
        assert.matches("\nunloaded fixture_log[^\n]*\n.*%[fixture_log%] warn[^\n]*: level 3\n", run({
            'fixture_log:call("/levels") ;', ":unload", ":logs fixture_log",
        }, log).out)
    end)

    it(":time tells how long an expression took", function()
        assert.truthy(out_of { ":time 1 + 1" }:match "^2\ntook [%d.]+ %S+\n$")
    end)

    it(":time fails where what it measures does", function()
        local outcome = run({ ":time echo:call('/nowhere')", "print 'after'" }, echo)
        assert.same({ 1, nil }, { outcome.code, outcome.out:match "after" })
        local list = {}
        outcome = run({ ":time echo:call('/thread', 'hi')", ":time 5" }, "--json", echo)
        for line in outcome.out:gmatch "[^\n]+" do
            table.insert(list, cjson.decode(line))
        end
        assert.same({ "hi", 5 }, { list[2].body, list[3].value })
    end)

    it(":time and :bench say that they begin in the foreground", function()
        for _, line in ipairs { ":time nr.sleep(1) &", ":bench 1 + 1 10 &" } do
            local err = run({ line }).err
            assert.matches("^error: what is measured begins in the foreground: leave the & out", err)
        end
    end)

    it(":bench measures many evaluations and draws their times", function()
        local out = out_of({ ':bench echo:call("/thread", "x") 500 8' }, echo)
        assert.truthy(out:match "^500 in %S+ %S+, %S+ ?k?/s, 8 at a time; p50 %S+ %S+, p99 %S+ %S+, max ")
        local sum = 0
        for count in out:gmatch " (%d+)\n" do
            sum = sum + count
        end
        assert.equal(500, sum)
    end)

    it(":bench counts what fails", function()
        local out = out_of({ ':bench echo:call("/nowhere") 10' }, echo)
        assert.truthy(out:match "\n=> 10 failed, the first with: ")
    end)

    it(":set changes how values are shown", function()
        assert.equal("depth = 1\n{ a = {…} }\n", out_of { ":set depth 1", "{ a = { b = { c = 1 } } }" })
        assert.equal('json = on\n{\n  "a": [\n    1\n  ]\n}\n',
            out_of({ ":set json on", [[echo:call("/thread", '{"a":[1]}')]] }, echo):match "^(.-\n)=>")
        for line, wanted in pairs {
            ["depth x"] = "0 to 100", ["depth 101"] = "0 to 100", ["width 1e9"] = "20 to 1000",
            ["width 19"] = "20 to 1000", ["items 0.5"] = "1 to 1000000", ["lines nan"] = "1 to 1000000",
            ["frames inf"] = "1 to 1000000, or all",
        } do
            local name, word = line:match "(%S+) (%S+)"
            assert.equal(("error: %s takes a whole number from %s, not '%s'\n"):format(name, wanted, word),
                run({ ":set " .. line }).err)
        end
        assert.equal("error: json takes on or off, not '1'\n", run({ ":set json 1" }).err)
        assert.equal("width = 1000\nframes = all\n", out_of { ":set width 1000", ":set frames all" })
        assert.equal("error: there is no setting dept, perhaps depth; :set lists them\n",
            run({ ":set dept 1" }).err)
    end)

    it(":run runs a script here; its globals stay", function()
        local path, remove = support.file("script.lua", "nr.sleep(1) from_script = 5")
        finally(remove)
        assert.equal("5\n", out_of { ":run " .. path, "from_script" })
    end)

    it(":save writes the lines as a script that runs", function()
        local path = temporary "session.lua"
        out_of({
            "greeting = 'hello'", "echo:call('/thread', greeting)", "print(_ .. '!')", "1 + 1",
            ":save " .. path,
        }, echo)
        local outcome = support.run { path }
        assert.same({ 0, "", "hello!\n2\n" }, { outcome.code, outcome.err, outcome.out })
    end)

    it(":save loads, reloads and unloads as the session did", function()
        local path = temporary "session.lua"
        local lines = { (":load %s as my-echo"):format(echo), "nr.plugin 'my-echo':call('/thread', 'x');",
            ":reload", ":unload my-echo", (":load %s as my-echo"):format(echo), "#nr.plugins()",
            ":save " .. path }
        out_of(lines)
        local outcome = support.run { path }
        assert.same({ 0, "", "1\n" }, { outcome.code, outcome.err, outcome.out })
    end)

    it(":spec writes the calls and their answers as a spec that passes", function()
        local path = temporary "session_spec.lua"
        out_of({
            "greeting = 'hello'", "echo:call('/thread', greeting) -- with a comment", "#_",
            "echo:call('/upper', '\\255x')", "s = echo:call_stream('/stream?frames=2')",
            "s", "list = {}", "table.insert(list, [[\n two lines]])", "echo:call('/thread', list[1])",
            (":load %s as my-echo"):format(echo), "nr.plugin 'my-echo':call('/thread', 'x')",
            ":spec " .. path,
        }, echo)
        local outcome = support.run { "test", path }
        assert.equal("1 success / 0 failures / 0 errors",
            outcome.out:match "%d+ success / %d+ failures / %d+ errors", outcome.out)
        assert.equal(0, outcome.code)
    end)

    it(":spec compares only the status of an answer that was too much to be kept", function()
        local path = temporary "session_spec.lua"
        local out = out_of({
            "echo:call('/thread', ('x'):rep(2 ^ 24 + 1)) ;", "echo:call('/thread', _:sub(1, 3))",
            "echo:call('/thread', 'more')", "#_", "echo:call_stream('/stream?frames=2')", ":spec " .. path,
        }, echo)
        assert.matches("\nsaved 4 calls as ", out)
        local file = assert(io.open(path))
        local content = file:read "*a"
        file:close()
        assert.is_true(#content < 2000, #content)
        assert.matches("assert.same({ nr.OK, \"xxx\" }", content, 1, true)
        local outcome = support.run { "test", path }
        assert.same({ 0, "1 success " }, { outcome.code, outcome.out:match "%d+ success " }, outcome.out)
        local broken = content:gsub("assert.equal%(nr.OK", "assert.equal(nr.INVALID", 1)
        local other, remove = support.file("broken_spec.lua", broken)
        finally(remove)
        assert.equal(1, support.run({ "test", other }).code)
    end)

    it(":spec expects the refusals that there were", function()
        local content, count = session_spec.write {
            { kind = "load", name = "echo", path = uv.fs_realpath(echo) },
            { kind = "expression", code = "echo:call '/no-such-path'", failure = "plugin_handle_failed" },
        }
        local path, remove = support.file("refused_spec.lua", content)
        finally(remove)
        assert.equal(1, count)
        assert.equal(0, support.run({ "test", path }).code)
    end)

    it(":quit leaves at once", function()
        local outcome = run { "print 'before'", ":quit", "print 'after'" }
        assert.same({ 0, "before\n" }, { outcome.code, outcome.out })
    end)
end)
