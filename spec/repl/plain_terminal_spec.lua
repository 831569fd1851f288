local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local program = assert(uv.fs_realpath(support.program))
local echo = support.plugin "echo"

describe("a session on a terminal that knows no escape sequences", function()
    local open_terminal = terminals.each()
    local terminal

    local function open(words, options)
        options = options or {}
        options.program = "/usr/bin/env"
        terminal = open_terminal(words, options)
    end

    it("has a prompt, and keeps on after an error", function()
        open { "TERM=dumb", program, "repl", echo }
        terminal:wait_end "\n>"
        local path = terminal:keep_bytes()
        terminal:enter "error 'no'"
        terminal:wait_end "\n> error 'no'\nerror: input:1:1: no\n  input:1:1: in the line\n>"
        terminal:enter 'echo:call("/thread", "hello")'
        terminal:wait(function(screen)
            return screen:match "hello\n=> OK 5 B [%d.]+ %S+s\n>$"
        end)
        terminal:enter ":edit"
        terminal:wait_end "error: :edit is for terminals at which lines are edited\n>"
        terminal:enter "io.write 'no end'"
        terminal:wait_end "no endtrue\n>"
        terminal:enter "for i = 1, 2 do"
        terminal:wait_end "\n…"
        terminal:enter "print('row', i) end"
        terminal:wait_end "row     1\nrow     2\n>"
        terminal:enter ":set width"
        terminal:wait_end "width = 80\n>"
        terminal:enter ":quit"
        terminal:wait_end "\n> :quit\nleft 0 icanon"
        local file = assert(io.open(path))
        local bytes = file:read "*a"
        file:close()
        assert.truthy(bytes:find("width = 80", 1, true))
        assert.is_nil(bytes:find "\27")
    end)

    it("is there without a TERM, shows what comes below the prompt, and lets a line read", function()
        open { "-u", "TERM", program, "repl" }
        terminal:wait_end ">"
        terminal:make_gate()
        terminal:enter "(function() gate() return 'late' end)() &"
        terminal:wait_end "running\n>"
        terminal:open_gate()
        terminal:wait(function(screen)
            return screen:match '\n>\n%[%d+%] %(function[^\n]*\n"late"\n>$'
        end)
        terminal:enter "'read ' .. io.read()"
        terminal:enter "this"
        terminal:wait_end '"read this"\n>'
    end)

    it("has lines and loops cancelled by Ctrl-C, which leaves where it comes twice", function()
        open { "TERM=dumb", program, "repl" }
        terminal:wait_end ">"
        terminal:enter "print 'begun' nr.sleep(60000)"
        terminal:wait_end "\nbegun"
        terminal:press "C-c"
        terminal:wait_end "error: cancelled\n>"
        terminal:enter "print 'begun' while true do end"
        terminal:wait_end "\nbegun"
        terminal:press "C-c"
        terminal:wait(function(screen)
            return screen:match "error: interrupted[^>]+\n>$"
        end)
        terminal:enter "for i = 1, 2 do"
        terminal:wait_end "\n…"
        terminal:press "C-c"
        terminal:wait_end "\n(Ctrl-C again, or Ctrl-D, leaves)\n>"
        terminal:enter "'kept'"
        terminal:wait_end '"kept"\n>'
        terminal:press "C-c"
        terminal:wait_end "\n(Ctrl-C again, or Ctrl-D, leaves)\n>"
        terminal:press "C-c"
        terminal:wait "left 0 icanon"
    end)

    it("joins a running program, and goes on after a script", function()
        local socket = os.tmpname()
        os.remove(socket)
        local code = "io.stderr:write 'ready' require('nylon_ring').sleep(60000)"
        local child = support.start(program, { "run", "--console", socket, "-e", code })
        finally(function()
            child:kill "sigkill"
            child:wait()
            os.remove(socket)
        end)
        child:wait_for("err", "ready")
        open { "TERM=dumb", program, "repl", "--connect", socket }
        terminal:wait_end "Ctrl-D leaves it running\nnylon-ring>"
        terminal:enter "error 'no'"
        terminal:wait_end "in the line\nnylon-ring>"
        terminal:press "C-d"
        terminal:wait "left 0 icanon"
        terminal:close()
        open { "TERM=dumb", program, "-i", "-e", "x = 'here' error 'no'" }
        terminal:wait_end "\n>"
        terminal:enter "x"
        terminal:wait_end '"here"\n>'
    end)
end)
