local support = require "spec.support"
local terminals = require "spec.support.terminal"

local echo = support.plugin "echo"

local function run(lines, ...)
    local args = { "repl", "--no-rc", ... }
    return support.run(args, { stdin = table.concat(lines, "\n") .. "\n" })
end

-- What the lines wrote, without what loading says, and with times and sids left out.
local function out_of(lines, ...)
    local outcome = run(lines, ...)
    assert.same({ 0, "" }, { outcome.code, outcome.err })
    local out = outcome.out:gsub("^loaded [^\n]*\n", ""):gsub("%+[%d.]+ %S+%]", "+T]")
    return (out:gsub("echo %d+([ %]])", "echo N%1"):gsub("B [%d.]+ %S+s\n", "B T\n"))
end

describe(":trace", function()
    it("shows each crossing of the ABI before what the line came to", function()
        assert.equal([[
tracing echo; :trace echo off ends it
[echo N] handle "/thread" 5 B: Ok
[echo N +T] send_result Ok 5 B, from a thread: delivered
hello
=> OK 5 B T
[echo N +T] handle "/echo" 1 B: Ok
[echo N +T] send_result Ok 1 B, inside handle: delivered
4 events of echo
]], out_of({ ":trace echo on", 'echo:call("/thread", "hello")', 'do echo:call("/echo", "x") end',
            ":trace echo off", 'echo:call("/echo", "x");' }, echo))
    end)

    it("shows them as a stream goes on", function()
        local out = out_of({ ":trace on", 'echo:call_stream("/stream?frames=2&interval=10")' }, echo)
        assert.matches("handle [^\n]+\n[^\n]+ send_result Ok 7 B, from a thread: delivered\n"
            .. "%[%d+ #1 [^\n]+ frame 1\n[^\n]+ send_result Ok 7 B[^\n]+\n%[%d+ #2 [^\n]+ frame 2\n"
            .. "[^\n]+ send_result StreamEnd 0 B", out)
    end)

    it("writes them into a file", function()
        local path, remove = support.file("trace.txt", "old\n")
        finally(remove)
        local lines = { ":trace on " .. path, 'echo:call("/echo", "hi");', ":trace", ":trace off" }
        assert.equal(([[
tracing echo into FILE; :trace echo off ends it
echo  2 events  FILE
2 events of echo in FILE
]]):gsub("FILE", path), out_of(lines, echo))
        local written = {}
        for line in io.lines(path) do
            local time, sid, event = line:match "^ +([%d.]+) ms  (%d+)  (.+)$"
            assert.is_true(tonumber(time) >= 0 and sid ~= nil, line)
            table.insert(written, event)
        end
        assert.same({ 'handle "/echo" 2 B: Ok', "send_result Ok 2 B, inside handle: delivered" }, written)
    end)

    it("goes on over a reload, and ends with the plugin", function()
        local out = out_of({ ":trace", ":trace echo on", ":reload", ":unload", ":trace" }, echo)
        assert.matches("^no plugin is traced here; :trace NAME on %[FILE%]\ntracing echo", out)
        assert.matches("\n%[echo%] init: Ok\n", out)
        assert.matches("\n%[echo [^\n]*shutdown\nreloaded echo [^\n]+\n", out)
        assert.matches("\n%[echo [^\n]*shutdown\nunloaded echo[^\n]*\nno plugin is traced here", out)
    end)

    it("leaves the trace of a program as it is, and tells only what is new", function()
        assert.equal([[
true
tracing echo; :trace echo off ends it
0 events of echo
10
2
]], out_of({ "echo:trace(10)", 'echo:call("/echo");', ":trace echo on", ":trace echo off",
            "echo:info().trace", "#echo:events()" }, echo))
        assert.equal("tracing echo; :trace echo off ends it\n0 events of echo\n0\n",
            out_of({ ":trace echo on", ":trace echo off", "echo:info().trace" }, echo))
    end)

    it("tells how many came too fast", function()
        local out = out_of({ ":trace on", 'for _ = 1, 6000 do echo:call "/echo" end', ":trace off" }, echo)
        assert.matches("\n%[echo%] 2000 events lost, they came too fast\n", out)
        assert.matches("\n10000 events of echo\n$", out)
    end)

    it("is JSON where results are", function()
        local outcome = run({ ":trace on", 'echo:call("/echo", "x")' }, "--json", echo)
        for line in outcome.out:gmatch "[^\n]+" do
            assert.is_table(require("cjson").decode(line))
        end
        assert.matches('"output":"[^\n]+send_result Ok 1 B, inside handle: delivered', outcome.out)
    end)

    it("refuses what it can not trace", function()
        for line, message in pairs {
            [":trace bla on"] = "error: no plugin is loaded as bla\n",
            [":trace echo"] = "error: :trace takes NAME on, NAME on FILE, or NAME off\n",
            [":trace echo of"] = "error: :trace takes NAME on, NAME on FILE, or NAME off\n",
            [":trace echo off"] = "error: echo is not traced here\n",
            [":trace echo on /no/such/folder/x"] = "error: /no/such/folder/x: No such file or directory\n",
        } do
            local outcome = run({ line }, echo)
            assert.same({ 1, message }, { outcome.code, outcome.err })
        end
        local outcome = run { "glue = nr.plugin_from_lua {} ;", ":trace glue on" }
        assert.matches("^error: plugin 'lua' is written in Lua", outcome.err)
    end)

    describe("on a terminal", function()
        local terminal

        before_each(function()
            terminal = terminals.open { "repl", echo }
            terminal:wait_end ">"
        end)

        after_each(function()
            terminal:close()
        end)

        it("shows what comes above the line that is edited", function()
            terminal:make_gate()
            terminal:enter ":trace echo on"
            terminal:wait "ends it\n>"
            terminal:enter 'late = nr.spawn(function() gate() echo:call("/echo", "x") end) &'
            terminal:type "still typing"
            terminal:wait_end "\n> still typing"
            terminal:open_gate()
            terminal:wait(function(screen)
                return screen:match "%] send_result Ok 1 B, inside handle: delivered\n> still typing$"
            end)
        end)

        it("completes names, words and files", function()
            terminal:type ":tra"
            terminal:press "Tab"
            terminal:type "ec"
            terminal:press "Tab"
            terminal:wait_end "> :trace echo"
            terminal:type " of"
            terminal:press "Tab"
            terminal:wait_end "> :trace echo off"
            terminal:press "C-u"
            terminal:type ":trace on CMakeL"
            terminal:press "Tab"
            terminal:wait_end "> :trace on CMakeLists.txt"
        end)
    end)
end)
