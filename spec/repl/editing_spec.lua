local editor = require "nylon_ring.editor"
local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local echo = support.plugin "echo"

describe("editing a line", function()
    local open_terminal = terminals.each()
    local terminal

    local function open(args, options)
        terminal = open_terminal(args or { "repl" }, options)
        terminal:wait_end ">"
    end

    it("puts nothing into what can be scrolled back as a line is typed on a cleared screen", function()
        open()
        terminal:enter "'before'"
        terminal:wait_end '"before"\n>'
        terminal:press "C-l"
        terminal:wait(function(screen) return screen == ">" end)
        local kept = terminal:scrolled()
        terminal:type "'typed'"
        terminal:wait_end "> 'typed'"
        assert.equal(kept, terminal:scrolled())
    end)

    it("evaluates what was entered, wide characters included", function()
        open()
        terminal:enter '#"wörld 漢字"'
        assert.equal('> #"wörld 漢字"\n13\n>', terminal:wait_end "13\n>")
    end)

    it("edits in the middle of a line, by characters and words", function()
        open()
        terminal:type "alpha beta 漢字"
        terminal:press("Left", "Left", "M-b", "M-b", "M-d")
        terminal:type "gamma"
        terminal:wait_end "> gamma beta 漢字"
        terminal:press("C-a", "C-k", "C-y", "C-y")
        terminal:wait_end "gamma beta 漢字gamma beta 漢字"
    end)

    it("takes changes back, a word at a time where it was typed", function()
        open()
        terminal:type "alpha beta"
        terminal:press("C-a", "C-k")
        terminal:paste "pasted text"
        terminal:wait_end "> pasted text"
        terminal:press "C-_"
        terminal:wait_end ">"
        terminal:press "C-_"
        terminal:wait_end "> alpha beta"
        terminal:press("C-_", "C-_")
        terminal:wait_end "> alpha"
        terminal:type "!"
        terminal:press("Enter", "C-_")
        terminal:enter "'next'"
        terminal:wait_end "\"next\"\n>"
    end)

    it("goes on in a second line while the first is unfinished", function()
        open()
        terminal:enter "for i = 1, 2 do"
        terminal:wait_end "…"
        terminal:enter "print('line', i)"
        terminal:enter "end"
        assert.equal("> for i = 1, 2 do\n… print('line', i)\n… end\nline    1\nline    2\n>",
            terminal:wait_end "2\n>")
        terminal:press "Up"
        terminal:wait_end "> for i = 1, 2 do\n… print('line', i)\n… end"
    end)

    it("drops the line on Ctrl-C, also an unfinished one", function()
        open()
        terminal:enter "x = {"
        terminal:wait_end "…"
        terminal:press "C-c"
        terminal:wait_end "…\n>"
        terminal:enter "x"
        terminal:wait_end "> x\nnil\n>"
    end)

    it("takes pasted text as one piece", function()
        open()
        terminal:paste "t = {\n\t1,\n\t2,\n}\nprint('pasted', #t)"
        terminal:wait_end "print('pasted', #t)"
        assert.is_nil(terminal:screen():find "pasted%s+2")
        terminal:press "Enter"
        terminal:wait "pasted  2"
    end)

    it("hears again after Ctrl-C where a paste has no end, or a key is to be quoted", function()
        open()
        for _, begun in ipairs { "\27[200~abc", "\22", "\27[" } do
            terminal:send("typed" .. begun)
            terminal:wait_end "> typed"
            terminal:press "C-c"
            terminal:wait_end "> typed\n>"
            terminal:press "C-l"
            terminal:enter "6 * 7"
            terminal:wait_end "> 6 * 7\n42\n>"
        end
    end)

    it("takes nothing of a paste that is longer than 1 MiB", function()
        open()
        terminal:type "6 *"
        terminal:paste(("x"):rep(2 ^ 20) .. "\nerror 'taken'\n")
        terminal:wait "(more than 1 MiB was pasted, and nothing is taken"
        terminal:enter " 7"
        terminal:wait_end "42\n>"
    end)

    it("keeps the line whole when it gets another width", function()
        open(nil, { width = 60, height = 12 })
        local text = ("abcdefghi "):rep(20)
        terminal:type(text)
        terminal:wait_end((text:sub(179):gsub("%s*$", "")))
        for _, width in ipairs { 33, 71, 45 } do
            terminal:resize(width, 12)
            local whole = ("> " .. text):gsub("%s*$", "")
            terminal:wait(function(screen)
                local rows = {}
                for row in (screen .. "\n"):gmatch "(.-)\n" do
                    table.insert(rows, row .. (" "):rep(width - #row))
                end
                return (table.concat(rows):gsub("%s*$", "")) == whole
            end)
        end
    end)

    it("puts output above a line that is longer than the screen, with the cursor in its middle", function()
        open(nil, { width = 40, height = 8 })
        terminal:make_gate()
        terminal:enter "nr.spawn(function() gate() for i = 1, 3 do nr.sleep(1) print('tick ' .. i) end end) ;"
        terminal:type(("whole = '%s'"):format(("0123456789"):rep(50)))
        terminal:press "C-a"
        terminal:press("-N", "45", "Right")
        terminal:type "XYZ"
        local before = terminal:wait "XYZ"
        terminal:open_gate()
        terminal:wait_scrolled "tick 3\n"
        assert.equal(before, terminal:wait "XYZ")
        terminal:press "Enter"
        terminal:enter "#whole, whole:find 'XYZ'"
        terminal:wait_end "503\n37\n39\n>"
    end)

    it("leaves the cursor where it was when output goes above", function()
        open(nil, { width = 40, height = 20 })
        terminal:make_gate()
        terminal:enter "nr.spawn(function() gate() print('ti' .. 'ck') end) ;"
        terminal:type(("0123456789"):rep(10))
        terminal:press "C-a"
        terminal:press("-N", "50", "Right")
        terminal:wait(function()
            return select(2, terminal:cursor()) == 12
        end)
        terminal:open_gate()
        local row, column
        local screen = terminal:wait(function(screen)
            row, column = terminal:cursor()
            return screen:find("tick", 1, true) and column == 12
        end)
        local lines = {}
        for line in (screen .. "\n"):gmatch "(.-)\n" do
            table.insert(lines, line)
        end
        assert.equal("tick", lines[#lines - 3])
        assert.equal("> " .. ("0123456789"):rep(10), table.concat(lines, "", #lines - 2))
        assert.same({ #lines - 2, 12 }, { row, column })
    end)

    it("keeps history from one session to the next, each entry once", function()
        open()
        local lines = {
            "echo:call('/thread')", "1 + 1", "2 + 2", "1 + 1", " 'hidden'",
            "if true then\nprint 'two lines' end",
        }
        for _, line in ipairs(lines) do
            terminal:paste(line)
            terminal:press "Enter"
        end
        terminal:wait "\ntwo lines"
        terminal:press "C-d"
        terminal:wait "left 0 icanon"
        local second = terminals.open({ "repl", echo }, { home = terminal.home })
        finally(function()
            second:close()
        end)
        second:wait_end ">"
        second:press "Up"
        second:wait_end "> if true then\n… print 'two lines' end"
        second:press("Up", "Up")
        second:wait_end "> 1 + 1"
        second:press "Up"
        second:wait_end "> 2 + 2"
        second:press("Up", "Up", "Up")
        second:wait_end "> echo:call('/thread')"
        second:press "C-u"
        second:wait_end ">"
        second:type "echo:call('/th"
        second:press "Tab"
        second:wait_end "> echo:call('/thread'"
    end)

    it("goes on while another program has the history locked, and tells that once", function()
        open()
        terminal:enter "'kept'"
        terminal:wait_end '"kept"\n>'
        local fd = assert(uv.fs_open(terminal.home .. "/.local/state/nylon-ring/history", "a", 0))
        assert.is_true(editor.lock(fd))
        terminal:enter "'not kept'"
        terminal:wait_end '"not kept"\n>'
        terminal:enter "6 * 7"
        local screen = terminal:wait_end "42\n>"
        assert.equal(1, select(2, screen:gsub("%(the history is not kept: ", "")))
        terminal:press "C-d"
        terminal:wait "left 0 icanon"
        uv.fs_close(fd)
    end)

    it("searches the history backwards", function()
        open()
        terminal:enter "'needle one'"
        terminal:enter "'needle two'"
        terminal:enter "'hay'"
        terminal:wait '"hay"\n>'
        terminal:press "C-r"
        terminal:type "needle"
        terminal:wait_end "(search)'needle': 'needle two'"
        terminal:press "C-r"
        terminal:wait_end "(search)'needle': 'needle one'"
        terminal:type "x"
        terminal:wait "(failed search)'needlex'"
        terminal:press("BSpace", "Enter")
        terminal:wait_end "\"needle one\"\n>"
    end)

    it("takes what a search has found on Escape, and uses another key on it", function()
        open()
        terminal:enter "'needle'"
        terminal:wait_end '"needle"\n>'
        terminal:press "C-r"
        terminal:type "need"
        terminal:wait_end "(search)'need': 'needle'"
        terminal:press "Escape"
        terminal:wait_end "\n> 'needle'"
        terminal:press("C-u", "C-r")
        terminal:type "need"
        terminal:wait_end "(search)'need': 'needle'"
        terminal:press "C-a"
        terminal:type "#"
        terminal:wait_end "\n> #'needle'"
    end)

    it("writes the next line in $EDITOR", function()
        open(nil, { env = { EDITOR = "sed -i s/one/two/" } })
        terminal:enter "'one'"
        terminal:enter ":edit"
        terminal:wait_end "> 'two'"
        terminal:press "Enter"
        terminal:wait_end "\"two\"\n>"
    end)

    it("leaves what is typed to $EDITOR while that runs", function()
        local script, remove = support.file("editor.sh", [[
            saved=$(stty -g)
            stty -icanon -echo
            printf 'the editor reads '
            keys=$(dd bs=1 count=30 2>/dev/null)
            stty "$saved"
            echo "'$keys'" > "$1"
        ]])
        finally(remove)
        open(nil, { env = { EDITOR = "sh " .. script } })
        terminal:enter ":edit"
        terminal:wait "the editor reads"
        for _ = 1, 10 do -- one after the other, for whoever else waits for them
            terminal:type "key"
        end
        terminal:wait_end("> '" .. ("key"):rep(10) .. "'")
    end)

    it("goes on where there is no file to edit, and takes an empty TMPDIR for none", function()
        open(nil, { env = { TMPDIR = "/nonexistent" } })
        terminal:enter ":edit"
        terminal:wait_end "is TMPDIR a folder, and has it room?\n>"
        terminal:enter "6 * 7"
        terminal:wait_end "42\n>"
        terminal:close()
        open(nil, { env = { TMPDIR = "", EDITOR = "sed -i s/one/two/" } })
        terminal:enter "'one'"
        terminal:enter ":edit"
        terminal:wait_end "> 'two'"
    end)

    it("goes on after an error in the terminal's own work", function()
        open()
        terminal:enter "require('nylon_ring.repl.editing').commands.broken = function() error 'broken' end"
        terminal:enter ":broken"
        terminal:wait_end "> :broken\nerror: input:1:1: broken\n  input:1:1: in function '_enter'\n>"
        terminal:enter "6 * 7"
        terminal:wait_end "42\n>"
    end)

    it("shows a part of the history, and edits it", function()
        open(nil, { env = { EDITOR = "sed -i s/+/*/" } })
        for _, line in ipairs { "x = 2", "x + 3", "x + 4", "x" } do
            terminal:enter(line)
        end
        terminal:enter ":history 2..3"
        terminal:wait "> :history 2..3\n    2  x + 3\n    3  x + 4\n>"
        terminal:paste "'\27[31m'"
        terminal:press "Enter"
        terminal:wait_end '"\\27[31m"\n>'
        terminal:enter ":history 2"
        terminal:wait "\n    6  '\\27[31m'\n    7  :history 2\n>"
        terminal:enter ":history x"
        terminal:wait "error: :history takes a number, or a range as 3..7, not 'x'\n>"
        terminal:enter ":edit foo"
        terminal:wait_end "error: :edit takes a number, or a range as 3..7, not 'foo'\n>"
        terminal:enter ":edit 1..2"
        terminal:wait_end "> x = 2\n… x * 3"
    end)

    it("completes names, methods, paths, options, commands and files, and runs nothing for it", function()
        open { "repl", echo }
        terminal:enter "trap = setmetatable({}, { __index = function() ran = true end })"
        terminal:type "trap.x"
        terminal:press "Tab"
        terminal:press "C-u"
        terminal:enter "ran"
        terminal:wait_end "> ran\nnil\n>"
        terminal:type "ech"
        terminal:press "Tab"
        terminal:wait_end "> echo"
        terminal:type ":not"
        terminal:press "Tab"
        terminal:wait_end "> echo:notify"
        terminal:press "C-u"
        terminal:enter "echo:call('/upper', 'abc') ;"
        terminal:type "echo:call('/up"
        terminal:press "Tab"
        terminal:wait_end "> echo:call('/upper'"
        terminal:type ", 'x', { tim"
        terminal:press "Tab"
        terminal:type "9 })"
        terminal:wait_end "{ timeout = 9 })"
        terminal:press "C-u"
        terminal:type ":plu"
        terminal:press "Tab"
        terminal:wait_end "> :plugins"
        terminal:press "C-u"
        terminal:type ":load CMakeL"
        terminal:press "Tab"
        terminal:wait_end "> :load CMakeLists.txt"
    end)

    it("shows the candidates above the line", function()
        open { "repl", echo }
        terminal:type "echo:call"
        terminal:press "Tab"
        terminal:wait_end "call         call_stream\n> echo:call"
    end)

    it("goes on where a line is longer than the screen, whatever becomes of that", function()
        open(nil, { width = 40, height = 12 })
        terminal:enter(("x = '%s'"):format(("a"):rep(60)))
        terminal:type("-- " .. ("abcdefghi "):rep(30))
        terminal:press("Left", "Right")
        terminal:type(("abcdefghi "):rep(50))
        terminal:press "C-a"
        terminal:resize(40, 5)
        terminal:type "#x "
        terminal:press "C-e"
        terminal:type("\\")
        terminal:resize(20, 3)
        terminal:press("C-a", "Right", "C-e", "BSpace")
        terminal:resize(80, 24)
        terminal:press("Enter")
        terminal:wait_end "\n60\n>"
    end)

    it("takes Enter in the middle of what is unfinished for a new row", function()
        open()
        terminal:type "print(1 +"
        terminal:press("Home", "Enter")
        terminal:wait_end ">\n… print(1 +"
        terminal:press "C-e"
        terminal:enter " 1)"
        terminal:wait_end "\n2\n>"
    end)

    it("ignores keys that mean nothing here", function()
        open()
        terminal:press("PageUp", "PageDown", "F5", "F12", "S-Left", "S-Right", "S-Home", "C-DC", "C-Space")
        terminal:enter "6 * 7"
        assert.equal("> 6 * 7\n42\n>", terminal:wait_end "42\n>")
    end)
end)
