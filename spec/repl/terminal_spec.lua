local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local echo = support.plugin "echo"

describe("a session on a terminal", function()
    local open_terminal = terminals.each()
    local terminal

    local function open(args, options)
        terminal = open_terminal(args or { "repl", echo }, options)
        terminal:wait_end ">"
    end

    it("awaits by itself, and tells status, size and time", function()
        open()
        terminal:enter 'echo:call("/thread", "hello")'
        terminal:wait(function(screen)
            return screen:match "hello\n=> OK 5 B [%d.]+ %S+s\n>$"
        end)
    end)

    it("shows what came in the background above the line that is edited", function()
        open()
        terminal:make_gate()
        terminal:enter 'stream = function() gate() return echo:call_stream("/stream?frames=2") end'
        terminal:enter "stream() &"
        terminal:type "still typing"
        terminal:wait_end "running\n> still typing"
        terminal:open_gate()
        terminal:wait(function(screen)
            return screen:match "=> task %d+ running\n"
                and screen:match "%[%d+ #2 %+[%d.]+ %S+s 7 B%] frame 2\n"
                and screen:match "\n%[%d+%] END 2 frames 14 B [^\n]+\n> still typing$"
        end)
    end)

    it("puts above it whatever a script writes, by the methods of files as well", function()
        open()
        terminal:enter "io.stdout:write('')"
        terminal:make_gate()
        terminal:enter "function late() gate() io.stdout:write('o1\\n') io.stderr:write 'e\\n' end"
        terminal:enter "nr.spawn(late) ;"
        terminal:type "still typing"
        terminal:wait_end ";\n> still typing"
        terminal:open_gate()
        terminal:wait_end ";\no1\ne\n> still typing"
    end)

    it("leaves the terminal to what a line runs or reads, also while another line is edited", function()
        open { "repl" }
        local program = [[os.execute 'echo reads; read x; echo "got $x"']]
        terminal:enter(program .. " ;")
        terminal:wait_end "\nreads"
        terminal:enter "hello"
        terminal:wait_end "\nreads\nhello\ngot hello\n>"
        terminal:enter "print 'reads', io.read(), io.stdin:read(3), io.read '*l'"
        terminal:wait_end "\nreads"
        terminal:enter "one"
        terminal:enter "twothree"
        terminal:wait_end '\nreads\none\ntwothree\nnil\n"one"\n"two"\n"three"\n>'
        terminal:enter "io.read 'x'"
        terminal:wait "invalid format"
        terminal:press "C-l"
        terminal:make_gate()
        terminal:enter(("nr.spawn(function() gate() %s end) ;"):format(program))
        terminal:type "still typing"
        terminal:wait_end "> still typing"
        terminal:open_gate()
        terminal:wait_end "\nreads"
        terminal:enter "hello"
        terminal:wait_end "\ngot hello\n> still typing"
    end)

    it("keeps a last line without an end that programs have written before the prompt", function()
        open { "repl" }
        terminal:enter "os.execute 'printf hello' ;"
        terminal:wait_end "\nhello⏎\n>"
        terminal:enter "os.execute 'echo hello' ;"
        terminal:wait_end "\nhello\n>"
        terminal:enter "io.write 'hello' ;"
        terminal:wait_end ";\nhello\n>"
        terminal:enter "os.execute 'printf %080d' ;"
        terminal:wait_end("\n" .. ("0"):rep(80) .. "\n>")
    end)

    it("leaves standard error where it was sent to", function()
        local path, remove = support.file("errors", "")
        finally(remove)
        local shell = ("'%s' repl --no-rc 2>'%s'; exec cat"):format(support.program, path)
        terminal = open_terminal({}, { shell = shell })
        terminal:wait_end ">"
        terminal:enter "io.stderr:write 'to the file\\n' io.stderr:flush() io.stdout:write 'shown\\n'"
        terminal:wait_end "\nshown\n>"
        assert.equal("to the file\n", io.open(path):read "*a")
    end)

    it("puts above it what plugins print, however much that is", function()
        open { "repl", support.plugin "fixture_print" }
        terminal:make_gate()
        terminal:enter "call = function(...) gate() return fixture_print:call(...) end"
        terminal:enter "call('/print', 'printed') &"
        terminal:type "still typing"
        local function wait_above(printed)
            terminal:wait_end "running\n> still typing"
            terminal:open_gate()
            terminal:wait(function(screen)
                return screen:match(printed .. "%[%d+%] call[^\n]+\n0\n\"\"\n> still typing$")
            end)
        end
        wait_above "printed\nprinted\n"
        terminal:press "C-u"
        terminal:enter "call('/flood?bytes=300000') &"
        terminal:type "still typing"
        wait_above "06000\n"
        terminal:press "C-u"
        terminal:enter "fixture_print:call('/print', 'in the foreground')"
        terminal:wait "in the foreground\nin the foreground\n=> OK"
        terminal:enter "call('/abort', 'last words') &"
        terminal:open_gate()
        terminal:wait "last words\n"
        terminal:wait "left 134 icanon"
    end)

    it("sends a line to the background on Ctrl-Z, and shows its result when it is there", function()
        open()
        terminal:make_gate()
        terminal:enter "print 'waits', gate(), 'has waited'"
        terminal:wait_end "\nwaits"
        terminal:press "C-z"
        terminal:wait_end "running\n>"
        terminal:open_gate()
        terminal:wait(function(screen)
            return screen:match "%[%d+%] print 'waits', gate%(%), 'has waited'\nnil\nnil\n\"has waited\"\n>$"
        end)
    end)

    it("cancels what runs in the foreground on Ctrl-C, and goes on", function()
        open()
        terminal:enter "print 'begins', nr.sleep(60000)"
        terminal:wait_end "\nbegins"
        terminal:press "C-c"
        terminal:wait_end "error: cancelled\n>"
        terminal:enter "1 + 1"
        terminal:wait_end "2\n>"
    end)

    it("cancels a stream on Ctrl-C and says what became of it", function()
        open()
        terminal:enter 'echo:call_stream("/stream?frames=1000&interval=20")'
        terminal:wait "frame 2"
        terminal:press "C-c"
        terminal:wait(function(screen)
            return screen:match "CANCELLED %d+ frames [^\n]+; the plugin was told\n>$"
        end)
    end)

    it("stops a loop that never comes back", function()
        open()
        terminal:enter "print 'begins' while true do end"
        terminal:wait_end "\nbegins"
        terminal:press "C-c"
        terminal:wait "error: interrupted"
        terminal:enter "'alive'"
        terminal:wait_end '"alive"\n>'
    end)

    it("stops a loop that never comes back in what a command runs", function()
        local path, remove = support.file("loop.lua", "print 'begins' while true do end")
        finally(remove)
        open()
        local loop = "(function() print 'begins' while true do end end)()"
        for _, line in ipairs { ":time " .. loop, ":bench " .. loop, ":run " .. path } do
            terminal:press "C-l"
            terminal:enter(line)
            terminal:wait_end "\nbegins"
            terminal:press "C-c"
            terminal:wait(function(screen)
                return screen:match "\nerror: [^\n]*interrupted\n.*\n>$"
            end)
        end
    end)

    it("cancels :bench between two evaluations that answer at once", function()
        open()
        terminal:enter "n = 0 function step() n = n + 1 if n == 1000 then print 'goes on' end end"
        terminal:enter ":bench step() 1000000000000"
        terminal:wait_end "\ngoes on"
        terminal:press "C-c"
        terminal:wait_end "error: cancelled\n>"
    end)

    it("leaves on the third Ctrl-C where nothing else helps, with the terminal as it was", function()
        local path, remove = support.file("compiled.lua", "print 'begins' while true do end")
        finally(remove)
        open()
        terminal:enter(("dofile '%s'"):format(path)) -- compiled, as what a program calls
        terminal:wait "begins"
        terminal:signal_until_left("sigint", 130)
    end)

    it("goes on while a stream floods it, and tells how many frames were left out", function()
        open { "repl", support.plugin "fixture_endless" }
        terminal:enter ":set frames 20"
        terminal:wait_end "frames = 20\n>"
        terminal:enter "fixture_endless:call_stream('/flood') &"
        terminal:wait " #20 "
        terminal:enter "6 * 7"
        terminal:wait "\n42\n"
        local screen = terminal:wait(function(screen)
            return screen:match "\n%[%d+%] … %d+ frames %d[^\n]+iB\n"
        end)
        terminal:enter(":cancel " .. screen:match "%[(%d+)%] … ")
        terminal:wait "CANCELLED"
    end)

    it("shows all frames of a stream that were asked for", function()
        open()
        terminal:enter ":set frames all"
        terminal:wait_end "frames = all\n>"
        terminal:enter "echo:call_stream('/stream?frames=3000')"
        terminal:wait "END 3000 frames"
        terminal:wait_scrolled " #1501 "
        assert.is_nil(terminal:wait_scrolled("END"):find "…")
    end)

    -- A line that writes much more than a terminal that takes nothing can hold, and lives on. Answers once it
    -- has done that, by what is in the file.
    local function flood_stalled()
        local path, remove = support.file("alive", "")
        finally(remove)
        local script, remove_script = support.file("flood.lua", ([[
            local path = %q
            function flood()
                for _ = 1, 200 do
                    nr.sleep(1)
                    print(("y"):rep(10000))
                end
                local file = io.open(path, "w")
                file:write "alive"
                file:close()
            end]]):format(path))
        finally(remove_script)
        terminal:enter(":run " .. script)
        terminal:enter "'ready'"
        terminal:wait_end "\"ready\"\n>"
        terminal:enter "nr.spawn(flood);"
        terminal:wait "yyyyy"
        local go_on = terminal:stall()
        finally(go_on)
        assert.eventually(function()
            return io.open(path):read "*a" == "alive"
        end, { within = terminals.LIMIT })
        return go_on
    end

    it("goes on where the terminal takes nothing, and tells what was lost when it does again", function()
        open()
        local go_on = flood_stalled()
        go_on()
        terminal:wait " bytes more were written, and dropped)\n>"
        terminal:enter "6 * 7"
        terminal:wait_end "42\n>"
    end)

    it("leaves where the terminal takes nothing", function()
        open()
        local pid = terminal:pid()
        local go_on = flood_stalled()
        uv.kill(pid, "sigterm")
        assert.eventually(function()
            return uv.kill(pid, 0) ~= 0
        end, { within = terminals.LIMIT })
        go_on()
        terminal:wait(function(screen) -- wherever it was in a line
            return screen:gsub("\n", ""):find("left 143 icanon", 1, true)
        end)
    end)

    it("sends and closes input of a stream that is shown", function()
        open { "repl", support.plugin "fixture_duplex" }
        terminal:enter 'fixture_duplex:call_stream("/echo") &'
        local id = terminal:wait "running\n":match "task (%d+)"
        terminal:enter((":send %s hello you"):format(id))
        terminal:wait "9 B] hello you"
        terminal:enter(":close " .. id)
        terminal:wait "END 1 frame 9 B"
    end)

    it("follows the log lines of plugins until Ctrl-C", function()
        open { "repl", support.plugin "fixture_log" }
        terminal:enter ":set logs off"
        terminal:wait_end "logs = off\n>"
        terminal:enter "function logs() while true do nr.sleep(20) fixture_log:call('/log', 'ours') end end"
        terminal:enter "nr.spawn(logs);"
        terminal:wait_end "(logs);\n>"
        terminal:enter ":logs -f fixture_log"
        terminal:wait(function(screen)
            local _, count = screen:gsub("%[fixture_log%] info[^\n]* ours", "")
            return count > 3
        end)
        terminal:press "C-c"
        terminal:wait(function(screen)
            return screen:match "ours\n>$"
        end)
    end)

    it("shows what :bench has measured until Ctrl-C", function()
        open { "repl" }
        terminal:enter "n = 0; third = function() n = n + 1 if n == 3 then print 'third' end nr.sleep(1) end"
        terminal:enter ":bench third() 1000000 2"
        terminal:wait_end "\nthird"
        terminal:press "C-c"
        terminal:wait(function(screen)
            return screen:match "\nstopped after %d+ of 1000000\n%d+ in [^\n]+, 2 at a time; p50 [^\n]+\n +≤ "
                and screen:match "\nerror: cancelled\n>$"
        end)
    end)

    it("shows errors that nobody waits for above the line", function()
        open()
        terminal:make_gate()
        terminal:enter "function late() uv.new_timer():start(0, 0, function() error 'in a callback' end) end"
        terminal:enter "nr.spawn(function() gate() late() end);"
        terminal:type "typing"
        terminal:wait_end ";\n> typing"
        terminal:open_gate()
        terminal:wait(function(screen)
            return screen:match "\nerror: input:2:1: in a callback\n[^\n]+\n> typing$"
        end)
    end)

    it("goes on in the REPL after a script, with its globals", function()
        local path, remove = support.file("script.lua", "answer = 6 * 7")
        finally(remove)
        open { "run", "-i", path }
        terminal:enter "answer"
        terminal:wait_end "42\n>"
    end)

    it("goes on in the REPL after a script that failed, with its error", function()
        local path, remove = support.file("script.lua", "answer = 6 * 7 error 'halfway'")
        finally(remove)
        open { "run", "-i", path }
        assert.truthy(terminal:screen():match "^error: %S+script.lua:1: halfway\n  %S+script.lua:1: in ")
        terminal:enter "answer, _err"
        terminal:wait 'script.lua:1: halfway"\n>'
    end)

    it("goes on in the REPL after a script that does not compile, with its error", function()
        local path, remove = support.file("script.lua", "x = = 1")
        finally(remove)
        open { "run", "-i", path }
        terminal:enter "_err"
        terminal:wait "script.lua:1: unexpected symbol near '='\"\n>"
    end)

    it("tells what an unload waits for, and that it goes on where Ctrl-C ends the wait", function()
        open { "repl", support.plugin "fixture_duplex" }
        terminal:enter 'stream = fixture_duplex:call_stream "/echo"'
        terminal:enter ":unload fixture_duplex"
        terminal:wait_end "\n1 call in flight may take 5 s"
        terminal:press "C-c"
        terminal:wait_end "\nthe unload goes on\nerror: cancelled\n>"
        terminal:enter "stream:close()"
        terminal:enter ":quit"
        terminal:wait "left 0 icanon"
    end)

    it("begins where the history's file is a folder, and tells once that it is not kept", function()
        local path, remove = support.file("file", "")
        local state = path:match "^(.*)/"
        for _, name in ipairs { "/nylon-ring", "/nylon-ring/history" } do
            assert(uv.fs_mkdir(state .. name, tonumber("700", 8)))
        end
        finally(function()
            uv.fs_rmdir(state .. "/nylon-ring/history")
            uv.fs_rmdir(state .. "/nylon-ring")
            remove()
        end)
        open({ "repl" }, { env = { XDG_STATE_HOME = state } })
        terminal:enter "1 + 1"
        terminal:wait_end "2\n>"
        terminal:enter "2 + 1"
        local screen = terminal:wait_end "3\n>"
        assert.equal(1, select(2, screen:gsub("the history is not kept", "")), screen)
    end)

    it("runs the rc file, in which commands of one's own are made", function()
        local home = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-home-XXXXXX"))
        local folder = home .. "/nylon-ring"
        uv.fs_mkdir(folder, tonumber("700", 8))
        local file = assert(io.open(folder .. "/repl.lua", "w"))
        file:write [[require("nylon_ring.repl").command("greet", function(rest, session)
            session:write("hello " .. rest .. "\n")
        end, "greet someone")]]
        file:close()
        finally(function()
            os.remove(folder .. "/repl.lua")
            uv.fs_rmdir(folder)
            uv.fs_rmdir(home)
        end)
        open({ "repl" }, { env = { XDG_CONFIG_HOME = home } })
        terminal:enter ":greet you"
        terminal:wait_end "hello you\n>"
        terminal:enter ":help greet"
        terminal:wait "greet someone"
        local saved, remove = support.file("session.lua", "")
        finally(remove)
        terminal:enter(":save " .. saved)
        terminal:wait "saved 0 lines as"
    end)
end)
