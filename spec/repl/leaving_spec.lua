local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local echo = support.plugin "echo"

describe("a session on a terminal, when it ends or stops,", function()
    local open_terminal = terminals.each()
    local terminal

    local function open(args, options)
        terminal = open_terminal(args or { "repl", echo }, options)
        terminal:wait_end ">"
    end

    it("leaves on Ctrl-D, on Ctrl-C twice and on :quit, with the terminal as it was", function()
        open()
        terminal:press "C-d"
        terminal:wait "left 0 icanon"
        terminal:close()
        open()
        terminal:press "C-c"
        terminal:wait_end "(Ctrl-C again, or Ctrl-D, leaves)\n>"
        terminal:press "C-c"
        terminal:wait "left 0 icanon"
        terminal:close()
        open()
        terminal:enter ":quit"
        terminal:wait_end "\n> :quit\nleft 0 icanon"
    end)

    it("leaves the terminal as it was when it is terminated, or a plugin takes it down", function()
        open { "repl", support.plugin "fixture_throw" }
        uv.kill(terminal:pid(), "sigterm")
        terminal:wait "left 143 icanon"
        terminal:close()
        open { "repl", support.plugin "fixture_throw" }
        terminal:enter 'fixture_throw:call("/handle")'
        terminal:wait "left 134 icanon"
    end)

    it("names the plugin that crashed when the terminal is as it was, also of a full stack", function()
        for _, target in ipairs { "/write", "/overflow" } do
            open { "repl", support.plugin "fixture_crash" }
            terminal:enter("function crash() nr.sleep(1) fixture_crash:call('" .. target .. "') end")
            terminal:enter "nr.spawn(crash);"
            terminal:wait(support.sanitized and "left" or "left 139 icanon")
            terminal:wait " icanon"
            terminal:wait_scrolled "\nnylon-ring: plugin 'fixture_crash' crashed: SIGSEGV"
            terminal:close()
        end
    end)

    it("leaves the terminal as it was where the process ends on the spot", function()
        local path, remove = support.file("compiled.lua", "print 'begins' while true do end")
        finally(remove)
        open()
        terminal:enter(":run " .. path)
        terminal:wait "begins"
        terminal:signal_until_left("sigterm", 143)
        terminal:close()
        open()
        terminal:enter "uv.new_timer():start(0, 0, function() os.exit(3) end);"
        terminal:wait "left 3 icanon"
    end)

    it("takes a terminal that it may not open, as another user's, and leaves it as it was", function()
        -- The superuser may open everything, unless he gives that up.
        local shell = ([[
            [ "$(id -u)" = 0 ] && drop="setpriv --bounding-set -dac_override,-dac_read_search"
            chmod 0 "$(tty)"
            if $drop sh -c ': <"$0"' "$(tty)"; then echo "it may be opened"; exec cat; fi
            $drop "%s" repl --no-rc
            echo left $?
            exec cat]]):format(support.program)
        terminal = open_terminal({}, { shell = shell })
        terminal:wait_end "\n>"
        terminal:enter "6 * 7"
        terminal:wait_end "42\n>"
        terminal:press "C-d"
        terminal:wait_end "left 0"
        terminal:enter "read by cat"
        terminal:wait_end "read by cat\nread by cat"
    end)

    describe("in a shell with jobs", function()
        local function open_shell(env)
            local shell = "PS1='$ ' exec bash --norc --noediting -i"
            terminal = open_terminal({}, { shell = shell, env = env })
            terminal:wait_end "$"
            terminal:enter(support.program .. " repl --no-rc")
            terminal:wait_end "\n>"
        end

        it("is stopped by Ctrl-Z while a line is edited, and goes on with it", function()
            open_shell {}
            terminal:type "6 *"
            terminal:wait_end "> 6 *"
            terminal:press "C-z"
            terminal:wait "Stopped"
            terminal:enter "echo $((6 + 1))"
            terminal:wait "\n7\n$"
            terminal:enter "fg"
            terminal:wait_end "> 6 *"
            terminal:enter " 7"
            terminal:wait_end "42\n>"
        end)

        it("is stopped by Ctrl-Z together with the editor that has the terminal", function()
            local script, remove = support.file("editor.sh", [[
                echo edits
                read answer
                echo "'$answer'" > "$1"
            ]])
            finally(remove)
            open_shell { EDITOR = "sh " .. script }
            terminal:enter ":edit"
            terminal:wait "\nedits"
            terminal:press "C-z"
            terminal:wait "Stopped"
            terminal:enter "echo $((6 + 1))"
            terminal:wait "\n7\n$"
            terminal:enter "fg"
            terminal:wait_end "repl --no-rc"
            terminal:enter "done"
            terminal:wait_end "> 'done'"
        end)
    end)

    it("does not stop on Ctrl-Z where no shell could continue it", function()
        open()
        terminal:type "6 *"
        terminal:wait_end "> 6 *"
        terminal:press "C-z"
        terminal:enter " 7"
        terminal:wait_end "42\n>"
    end)
end)
