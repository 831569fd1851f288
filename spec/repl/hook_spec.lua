-- A script's own debug hook, while the REPL reaches lines that do not come back by the same means.

local support = require "spec.support"
local terminals = require "spec.support.terminal"

describe("a debug hook of the script's own", function()
    it("is there again after a line was interrupted", function()
        local terminal = terminals.open { "repl", "--no-rc" }
        finally(function()
            terminal:close()
        end)
        terminal:wait_end ">"
        terminal:enter "debug.sethook(function() end, '', 1e9) ;"
        terminal:enter "print 'begins' while true do end"
        terminal:wait_end "\nbegins"
        terminal:press "C-c"
        terminal:wait "error: interrupted"
        terminal:enter "select(2, debug.gethook())"
        terminal:wait_end '""\n1000000000\n>'
    end)

    it("stays where an interrupt was for nothing that runs", function()
        local terminal = terminals.open { "repl", "--no-rc" }
        finally(function()
            terminal:close()
        end)
        terminal:wait_end ">"
        terminal:enter "debug.sethook(function() end, '', 1e9) ;"
        terminal:type "dropped"
        terminal:wait_end "dropped"
        terminal:press "C-c"
        terminal:wait_end "dropped\n>"
        terminal:enter "select(2, debug.gethook())"
        terminal:wait_end '""\n1000000000\n>'
    end)

    it("is there again after a console's client was heard", function()
        local path, remove = support.file("app.lua", [[
            jit.off() -- compiled code does not look at hooks
            debug.sethook(function() end, "", 1e9)
            print "open"
            io.stdout:flush()
            for _ = 1, 1000 do
                require("nylon_ring").sleep(5)
                for _ = 1, 1e6 do end
                if asked and select(3, debug.gethook()) == 1e9 then
                    break
                end
            end
            print(select(2, debug.gethook()))
        ]])
        finally(remove)
        local socket = path .. ".socket"
        local child = support.start(support.program, { "run", "--console", socket, path })
        child:wait_for("out", "open")
        local outcome = support.run { "repl", "--connect", socket, "-e", "asked = true" }
        assert.same({ 0, "" }, { outcome.code, outcome.err })
        outcome = child:wait()
        assert.same({ 0, "" }, { outcome.code, outcome.err })
        assert.equal("open\n\t1000000000\n", outcome.out)
    end)
end)
