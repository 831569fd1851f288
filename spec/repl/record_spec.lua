-- Sessions that are kept as scripts (`:save`) and as specs (`:spec`): both are run.
local code = require "nylon_ring.repl.code"
local session_spec = require "nylon_ring.repl.spec"
local support = require "spec.support"

-- A session as people have it: an error does not end it. ID is the stream that is shown, JOB a line in the
-- background; "@wait" waits for what runs there, "@background" sends the line after it there as Ctrl-Z does.
local DRIVER = [==[
local pipe = require "nylon_ring.repl.pipe"
local session = require("nylon_ring.repl.session").new {
    write = function(text) io.write(text) end, color = false, on_quit = function() end,
}
for _, text in ipairs(dofile(arg[1])) do
    if text == "@wait" then
        session:wait()
    elseif text:match "^@background " then
        session:submit(text:match " (.*)", function() end)
        session:background()
    else
        text = text:gsub("ID", tostring((next(session.streams)))):gsub("JOB", tostring((next(session.jobs))))
        pipe.run(session, text)
    end
end
session:close()
]==]

-- What a session of these lines leaves behind: a script and a spec, each as its path and its text.
local function keep(lines)
    local folder = {}
    local function file(name, content)
        local path, remove = support.file(name, content or "")
        table.insert(folder, remove)
        return path
    end
    local script, spec = file "session.lua", file "session_spec.lua"
    local list = {}
    for _, line in ipairs(lines) do
        table.insert(list, ("%q"):format(line))
    end
    for _, line in ipairs { ":save " .. script, ":spec " .. spec } do
        table.insert(list, ("%q"):format(line))
    end
    local source = file("lines.lua", "return {\n" .. table.concat(list, ",\n") .. "\n}\n")
    local outcome = support.run { file("driver.lua", DRIVER), source }
    assert.equal(0, outcome.code, outcome.err)
    local kept = { script = script, spec = spec, out = outcome.out }
    for name, path in pairs { script_text = script, spec_text = spec } do
        local opened = assert(io.open(path, "rb"))
        kept[name] = opened:read "*a"
        opened:close()
    end
    return kept, function()
        for _, remove in ipairs(folder) do
            remove()
        end
    end
end

local function load_line(name)
    return ":load " .. support.plugin(name)
end

local function assert_passes(path)
    local outcome = support.run { "test", path }
    assert.equal("1 success / 0 failures / 0 errors",
        outcome.out:match "%d+ success%a* / %d+ failures? / %d+ errors?", outcome.out)
    assert.equal(0, outcome.code)
end

-- What the script prints.
local function printed(path)
    local outcome = support.run { path }
    assert.same({ 0, "" }, { outcome.code, outcome.err })
    return outcome.out
end

describe("a session that was kept", function()
    local kept, remove

    -- The spec passes; answers what the script prints.
    local function both(lines)
        kept, remove = keep(lines)
        assert_passes(kept.spec)
        return printed(kept.script)
    end

    after_each(function()
        remove()
    end)

    it("has its variables, locals and functions in later calls", function()
        local out = both {
            load_line "echo", 'local a = "five"', 'echo:call("/thread", "x")', 'echo:call("/thread", a)',
            "function g() return a .. '!' end", 'echo:call("/thread", g())',
            "local f = function() return y + 1 end", "local y = 5", "print(f())",
            "x = 1\nlocal z = 2\nx + z", "z", "local only",
        }
        assert.equal("6\n3\nnil\n", out)
        assert.truthy(kept.spec_text:find([[assert.same({ nr.OK, "five!" }, { echo:call("/thread", g()) })]],
            1, true))
    end)

    it("has `_`, `_1` and `_err` as the session had them", function()
        local out = both {
            load_line "echo", '5, "str"', "_", 'echo:call("/thread", "a body");', "#_", "_ * 2", "3, 4;",
            "_1 + _2", "function twice() return _ * 2 end", "21", "twice()", 'echo:call "/nowhere"',
            "_err.code", "error 'raised'", "_err", 'echo:call("/thread", "end");', "_",
        }
        assert.equal("5\tstr\n5\n6\n12\n3\t4\n7\n21\nplugin_handle_failed\n"
            .. "input:1: raised\nend\n", (out:gsub("[^\n]*session.lua:%d+: raised", "input:1: raised")))
    end)

    it("has what :time has run as the lines that it is", function()
        local out = both {
            load_line "echo", ':time echo:call("/thread", "timed")', "#_", ':time echo:call "/nowhere"',
            "_err.code", ":time x = 7; x", "x", ":time error 'raised'", ":time x = 8",
        }
        assert.equal("5\nplugin_handle_failed\n7\n7\n", out)
        assert.truthy(kept.spec_text:find([[assert.same({ nr.OK, "timed" }, ]], 1, true))
        assert.truthy(kept.spec_text:find("pcall(function()\n            error 'raised'", 1, true))
        assert.truthy(kept.spec_text:find("x = 8", 1, true))
    end)

    it("goes on after a `return`, and more locals than a function may have", function()
        local lines = { load_line "echo", "do return 5 end" }
        for index = 1, 201 do
            table.insert(lines, ("local v%d = %d"):format(index, index))
        end
        table.insert(lines, 'if true then return echo:call("/thread", "x") end')
        table.insert(lines, 'echo:call("/thread", "y")')
        table.insert(lines, "v1 + v201")
        assert.equal("202\n", both(lines))
        local changed = kept.spec_text:gsub('nr.OK, "y"', 'nr.OK, "z"')
        local path, remove_changed = support.file("changed_spec.lua", changed)
        finally(remove_changed)
        assert.equal(1, support.run({ "test", path }).code)
    end)

    it("sends and closes as the session did, and reads a stream where it ended", function()
        local out = both {
            load_line "echo_v2", load_line "echo", 'echo_v2:call_stream("duplex") &', ":send ID hello",
            'echo:call("/thread", "\\1\\2\\255\\0009");', ":send ID ", ":close ID", "@wait", "'after'",
        }
        assert.equal("HELLO\n\n\nafter\n", out)
        assert.truthy(kept.out:find("saved 8 lines as", 1, true))
        local frames = 'assert.frames({\n            "HELLO",\n            "",\n'
        assert.truthy(kept.spec_text:find(frames, 1, true))
    end)

    it("leaves no stream behind that a variable holds", function()
        both {
            load_line "echo", 's = echo:call_stream("/stream?frames=3")', "s:recv()",
            'echo:call("/thread", "x")', 'echo:call_stream("/stream?frames=2")', "_",
        }
    end)

    it("says that a stream of many frames is not compared", function()
        both { load_line "echo", 'echo:call_stream("/stream?frames=1000")' }
        assert.truthy(kept.spec_text:find "%-%- these were too many frames to be kept")
    end)

    it("waits for a background line where the session saw it done", function()
        local out = both {
            load_line "echo", "go = false", "while not go do nr.sleep(1) end print 'went' &", "go = true",
            "@wait", "print 'after'", 'echo:call("/thread", "x") &', "@wait", "nr.sleep(60000) &",
        }
        assert.equal("went\nafter\n", out)
        assert.truthy(kept.script_text:find("-- this was not done yet: nr.sleep(60000)", 1, true))
    end)

    it("knows lines that were sent to the background as they ran, and those that were cancelled", function()
        local out = both {
            load_line "echo", "@background while not go do nr.sleep(1) end print 'went'", "go = true",
            "@wait", "@background nr.sleep(60000)", ":cancel JOB", "@wait", 'echo:call("/thread", "x");',
        }
        assert.equal("went\n", out)
        assert.truthy(kept.script_text:find("-- this was cancelled: nr.sleep(60000)", 1, true))
    end)

    it("runs the scripts that were run, and none that failed", function()
        local good, remove_good = support.file("good.lua", "from = 'script' mine = mine .. from")
        finally(remove_good)
        local bad, remove_bad = support.file("bad.lua", "error 'bad'")
        finally(remove_bad)
        local out = both {
            load_line "echo", "mine = 'a '", ":run " .. good, ":run " .. bad, 'echo:call("/thread", mine)',
            "print(mine)", "error 'line'",
        }
        assert.equal("a script\n", out)
        assert.is_nil((kept.script_text .. kept.spec_text):find("bad.lua", 1, true))
        assert.truthy(kept.spec_text:find("-- this failed: error 'line'", 1, true))
    end)

    it("loads, reloads and unloads as the session did", function()
        both {
            load_line "echo", 'echo:call("/thread", "1")', ":reload echo", 'echo:call("/thread", "2")',
            ":unload echo", load_line "echo", 'echo:call("/thread", "3")',
        }
    end)
end)

it("a spec of a session that took long has the time for it", function()
    local content = session_spec.write { { kind = "statement", code = "nr.sleep(300)", took = 6000 } }
    local path, remove = support.file("long_spec.lua", content)
    finally(remove)
    assert.equal(0, support.run({ "test", "--timeout", "100", path }).code)
end)

describe("a line among others", function()
    it("stands as it is, where it neither returns nor declares", function()
        for _, text in ipairs { "x = 1", "function f() local y = 1 return y end", "for i = 1, 2 do end" } do
            assert.equal(text, code.statements(text))
        end
    end)

    it("is a function where a `return` is its own", function()
        for _, text in ipairs {
            "do return end", "do return 5 end", "do return f() end", "do return f(g()) end",
            "x = 1\nreturn x", "do return ... end",
        } do
            assert.matches("^do %(function%(%)\n.*\nend%)%(%) end$", code.statements(text))
        end
    end)

    it("is a block where a name is its own, or what stands above could be called", function()
        for _, text in ipairs { "local x", "local x = 1 local y = 2", "(f or g)()", "goto a ::a::" } do
            assert.matches("^do\n    .*\nend$", code.statements(text))
        end
    end)
end)
