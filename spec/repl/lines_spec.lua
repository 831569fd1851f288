local cjson = require "cjson"
local json = require "nylon_ring.io.json"
local support = require "spec.support"
local uv = require "luv"

local echo = support.plugin "echo"

local function repl(stdin, ...)
    return support.run({ "repl", "--no-rc", ... }, { stdin = stdin })
end

local function repl_of(path)
    local command = 'exec "$0" repl --no-rc < "$1"'
    return support.start("/bin/sh", { "-c", command, support.program, path }):wait()
end

local function objects(text)
    local list = {}
    for line in text:gmatch "[^\n]+" do
        table.insert(list, cjson.decode(line))
    end
    return list
end

describe("lines without a terminal", function()
    it("run without prompt, colour and history", function()
        local home = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-home-XXXXXX"))
        finally(function()
            assert(uv.fs_rmdir(home)) -- fails if something was left in it
        end)
        local outcome = support.run({ "repl" }, {
            stdin = "print(1)\n'two'\n\nx = 3\nx\n",
            env = { HOME = home, XDG_STATE_HOME = false, XDG_CONFIG_HOME = false },
        })
        assert.same({ code = 0, signal = 0, out = '1\n"two"\n3\n', err = "" }, outcome)
    end)

    it("await what they call, one after the other", function()
        local outcome = repl('echo:call("/thread", "a") ;\n_\necho:call("/thread", "b") ;\n_2\n', echo)
        assert.equal('"a"\n"b"\n', outcome.out:match "\n(.*)$")
    end)

    it("may begin with a mark of UTF-8 and a line for the system", function()
        assert.equal("2\n", repl("\239\187\1911 + 1\n").out)
        assert.equal("2\n", repl("#!/usr/bin/env nylon-ring\n1 + 1\n").out)
        local path, remove = support.file("lines", "\239\187\191#!/usr/bin/env nylon-ring\n#'four'")
        finally(remove)
        assert.equal("4\n", repl_of(path).out)
    end)

    it("may be long: every byte is looked at once", function()
        local long = ("y"):rep(4e6)
        local path, remove = support.file("long.lua", ("x = '%s'\n#x"):format(long))
        finally(remove)
        assert.equal("4000000\n", repl(("x = '%s'\n#x\n"):format(long)).out)
        assert.equal("4000000\n", repl_of(path).out)
    end)

    it("leave the loop to the program while the next one is waited for", function()
        local child = support.start(support.program, { "repl", "--no-rc" }, { hold_stdin = true })
        child._pipes.stdin:write "nr.spawn(function() nr.sleep(1) os.exit(4) end);\n"
        assert.equal(4, child:wait().code)
        child:finish()
    end)

    it("say why they can not be read", function()
        local outcome = repl_of "/"
        assert.equal(1, outcome.code)
        assert.equal("nylon-ring repl: the input can not be read: EISDIR: illegal operation on a directory\n",
            outcome.err)
    end)

    it("stop at the first error, with exit code 1", function()
        local outcome = repl "print 'before'\nerror 'no'\nprint 'after'\n"
        assert.equal(1, outcome.code)
        assert.equal("before\n", outcome.out)
        assert.equal("error: input:2:1: no\n  input:2:1: in the line\n", outcome.err)
        assert.truthy(repl("error { code = 5 }\n").err:find("error: { code = 5 }\n", 1, true))
    end)

    it("stop at what does not compile, at a wrong command, and at a call that fails", function()
        for _, line in ipairs { "x = = 1", ":nonsense", "echo:call('/nowhere')" } do
            local outcome = repl(line .. "\nprint 'after'\n", echo)
            assert.same({ line, 1, nil }, { line, outcome.code, outcome.out:match "after" })
        end
    end)

    it("tell the command that a usual word stands for, unless something has that name", function()
        for line, hint in pairs {
            exit = "exit; :quit leaves", ["quit()"] = "quit; :quit leaves",
            help = "help; :help lists the commands",
        } do
            local outcome = repl(line .. "\n")
            assert.same({ 1, "", "error: nothing is called " .. hint .. "\n" },
                { outcome.code, outcome.out, outcome.err })
        end
        local strict = "setmetatable(_G, { __index = function(_, name) error(name .. ' is new', 0) end }) ;\n"
        assert.equal("error: nothing is called exit; :quit leaves\n", repl(strict .. "exit\n").err)
        assert.matches("^error: exits is new\n", repl(strict .. "exits\n").err)
        assert.equal("5\n6\n", repl "exit = 5\nexit\nfunction quit() return 6 end\nquit()\n".out)
    end)

    it("are refused when the last one is unfinished", function()
        local outcome = repl "print(1)\nfor i = 1, 2 do\n"
        assert.equal(1, outcome.code)
        assert.equal("1\n", outcome.out)
        assert.equal("nylon-ring repl: the last line is unfinished: for i = 1, 2 do\n", outcome.err)
        outcome = repl("x =\n", "--json")
        assert.equal('{"error":"error","message":"the last line is unfinished: x ="}\n', outcome.out)
        assert.equal(1, outcome.code)
    end)

    it("have the plugins of the command line, whatever their files are called", function()
        local path, remove = support.file("a plugin as it is.so", "")
        finally(remove)
        assert(uv.fs_copyfile(echo, path))
        assert.matches("%(ABI v1, [^\n]*/a plugin as it is%.so%)\n1\n$", repl("1\n", path).out)
        local outcome = repl("1\n", "/nowhere as x")
        assert.same({ 1, "" }, { outcome.code, outcome.out })
        assert.matches("^error: [^\n]*/nowhere as x[^\n]*\n$", outcome.err)
    end)

    it("are what stacks call the tasks of lines", function()
        assert.equal("error: input:1:1: no\n  input:1:1: in function <input:1:1>\n"
            .. "  awaited by task 2 (input:1):\n  input:1:1: in the line\n",
            repl("nr.all { function() nr.sleep(1) error 'no' end }\n").err)
        assert.equal("error: input:1: no\n  input:1: in function <input:1>\n"
            .. "  awaited by task 2 (:time):\n  input:1: in the line\n",
            repl(":time nr.all { function() nr.sleep(1) error 'no' end }\n").err)
    end)

    it("may come from the command line", function()
        assert.equal("2\n2\n", repl(nil, "-e", "1 + 1", "-e", "_").out)
        assert.equal(1, repl(nil, "-e", "error 'no'", "-e", "print 'after'").code)
        assert.equal("1\n2\n", repl(nil, "-e", "for i = 1, 2 do", "-e", "print(i) end").out)
        assert.equal("nylon-ring repl: the last line is unfinished: for i = 1, 2 do\n",
            repl(nil, "-e", "for i = 1, 2 do").err)
    end)

    it("wait for what is in the background before the end", function()
        local outcome = repl "nr.sleep(50), 'late' &\n'early'\n"
        assert.truthy(outcome.out:match '^=> task %d+ running\n"early"\n%[%d+%] [^\n]+\nnil\n"late"\n$')
    end)

    it("leave with 1 when what is in the background fails", function()
        local outcome = repl "nr.sleep(20), error 'late' &\n'early'\n"
        assert.equal(1, outcome.code)
        assert.truthy(outcome.err:find("error: input:1:1: late", 1, true))
    end)

    it("stop, and leave with 1, when what is in the background fails between two of them", function()
        local child = support.start(support.program, { "repl", "--no-rc" }, { hold_stdin = true })
        child._pipes.stdin:write "nr.sleep(1), error 'late' &\n"
        child:wait_for("err", "late")
        child:send "'after'\n"
        local outcome = child:wait()
        assert.same({ 1, nil }, { outcome.code, outcome.out:match "after" })
    end)

    it("keep the first local of a line, and the values of the line before", function()
        assert.equal("7\n7\n8\n", repl("local x = 7\nx\n_\n_1 + 1\n").out)
    end)

    it("know plugins also where the program's globals complain of unknown names", function()
        local outcome = repl("setmetatable(_G, { __index = function(_, name) error('no ' .. name) end }) ;\n"
            .. "echo.name\nunknown\n", echo)
        assert.equal('"echo"\n', outcome.out:match "\n(.*)$")
        assert.truthy(outcome.err:find("no unknown", 1, true))
    end)

    it("are silent after a semicolon, but keep their values", function()
        assert.equal("5\n", repl("5;\n_\n").out)
    end)

    it("tell results as JSON, one object a line", function()
        local outcome = repl(table.concat({
            'echo:call("/thread", "hi")', 'echo:call("/thread", "\\255")',
            'echo:call_stream("/stream?frames=1")',
            "{ 1, 2 }", "nil", "print 'x'", "error 'no'",
        }, "\n"), "--json", echo)
        local list = objects(outcome.out)
        assert.equal(1, outcome.code)
        assert.same({ 0, "Ok", "hi" }, { list[2].status, list[2].status_name, list[2].body })
        assert.equal("/w==", list[3].body_base64)
        assert.same({ "frame 1", "END" }, { list[4].body, list[5]["end"] })
        assert.same({ 1, 2 }, list[6].value)
        assert.equal(cjson.null, list[7].value)
        assert.equal("x\n", list[8].output)
        assert.same({ "input:7:1: no", "input:7:1: in the line" }, { list[9].message, list[9].traceback })
    end)

    it("tell as JSON whatever a value holds", function()
        local outcome = repl(table.concat({
            '{ "\\255", 1234567890123456 }', '"\\255"', "1234567890123456", "{ print }", "0 / 0, nil, 'x'",
            "nr.OK", "print '\\255'", "error '\\255'",
        }, "\n"), "--json")
        assert.is_true(json.is_utf8(outcome.out))
        local list = objects(outcome.out)
        assert.same({ { base64 = "/w==" }, 1234567890123456 }, list[1].value)
        assert.same({ "/w==", 1234567890123456 }, { list[2].value_base64, list[3].value })
        assert.truthy(list[4].text:find("<function 1>", 1, true))
        assert.same({ { text = "nan" }, { value = cjson.null }, { value = "x" }, { value = 0 } },
            { list[5], list[6], list[7], list[8] })
        assert.equal("/wo=", list[9].output_base64)
        assert.equal("aW5wdXQ6ODoxOiD/", list[10].message_base64)
    end)

    it("tell as JSON also an error that can not say what it is", function()
        for line, message in pairs {
            ["error(setmetatable({}, { __tostring = error }))"] = "an error that is a table",
            ["error(setmetatable({}, { __tostring = function() end }))"] = "an error that is a table",
            ["error { code = 5 }"] = "{ code = 5 }",
            ["error()"] = "nil",
        } do
            local outcome = repl(line .. "\n", "--json")
            local list = objects(outcome.out)
            assert.same({ 1, "", 1 }, { outcome.code, outcome.err, #list })
            assert.same({ "error", message }, { list[1].error, list[1].message })
        end
    end)

    it("show streams with a line a frame and their totals", function()
        local out = repl('echo:call_stream("/stream?frames=2&interval=5")\n', echo).out
        local pattern = "%[%d+ #1 %+%S+ %S+ 7 B%] frame 1\n%[%d+ #2 %+%S+ %S+ 7 B%] frame 2\n"
            .. "%[%d+%] END 2 frames 14 B %S+ ms [^\n]+/s\n$"
        assert.truthy(out:match(pattern), out)
    end)

    it("show every frame of a stream, however fast it is", function()
        local out = repl('echo:call_stream("/stream?frames=3000")\n', echo).out
        assert.equal(3000, select(2, out:gsub("%[%d+ #%d+ ", "")))
    end)

    it("stop at a stream that the host has ended", function()
        local outcome = repl("fixture_never:call_stream('/x', '', { timeout = 1 })\nprint 'after'\n",
            support.plugin "fixture_never")
        assert.equal(1, outcome.code)
        assert.matches("\n%[%d+%] BROKEN 0 frames [^\n]+\n"
            .. "=> timeout: plugin 'fixture_never' did not answer '/x' within 1 ms [^\n]+\n$", outcome.out)
    end)

    it("leave streams that are assigned to the next lines", function()
        local out = repl('s = echo:call_stream("/stream?frames=1")\ns:recv()\ns:recv()\n', echo).out
        assert.equal('0\n"frame 1"\n4\n""\n', out:match "\n(.*)$")
    end)

    it("show what plugins say without doing what it would do to a terminal", function()
        local log = "fixture_log:call('/log', '\\27[31mred') ;\n"
            .. "repeat nr.sleep(1) until #require('nylon_ring.repl.logs').recent > 0\n"
        assert.matches(": \\27%[31mred\n", repl(log, support.plugin "fixture_log").err)
        assert.matches("error: input:1:1: \\27%[2J\n", repl("error '\\27[2J'\n").err)
        assert.matches("=> \\27%[2J ", repl("nil, '\\27[2J', 'EIO'\n").out)
    end)

    it("show the stacks of the tasks that an error went through", function()
        local outcome = repl("function inner() nr.sleep(1) error 'deep' end\n"
            .. "nr.all { function() inner() end }\n")
        assert.truthy(outcome.err:find("error: input:1:1: deep", 1, true))
        assert.truthy(outcome.err:find("in function 'inner'", 1, true))
        assert.truthy(outcome.err:find("awaited by", 1, true))
    end)

    it("end quietly when nobody reads any more", function()
        local child = support.start(support.program, { "repl", "-e", "for i = 1, 1e5 do print(i) end" })
        child:wait_for("out", "1\n")
        child:close_output()
        local outcome = child:wait()
        assert.equal("", outcome.err)
        assert.not_equal(0, outcome.code + outcome.signal)
    end)
end)
