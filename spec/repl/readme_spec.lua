-- The README's session, typed into a real terminal; what differs from run to run is made equal.

local support = require "spec.support"
local terminals = require "spec.support.terminal"

local function read_session()
    local file = assert(io.open "README.md")
    local text = file:read "*a"
    file:close()
    return assert(text:match "\n```repl\n%$ [^\n]+\n(.-\n)```")
end

local function plain(text)
    return (text:gsub("%d[%d.]* [µnm]*s%f[%W]", "TIME"):gsub("%d[%d.]* ?[kM]?/s", "RATE"):gsub("%[%d+", "[ID")
        :gsub("task %d+", "task ID"):gsub("ABI v1, [^)]*/plugins", "ABI v1, /plugins"))
end

describe("the README's session at a prompt", function()
    it("is what a user sees", function()
        local session = read_session()
        local terminal = terminals.open({ "repl", support.plugin "echo" }, { width = 110, height = 50 })
        finally(function()
            terminal:close()
            os.remove "echo_spec.lua"
        end)
        local shown = ""
        for line in session:gmatch "[^\n]+" do
            local entered = line:match "^> (.*)"
            if entered then
                local wanted = plain(shown) .. ">"
                terminal:wait(function(screen)
                    return plain(screen) == wanted
                end)
                terminal:enter(entered)
            end
            shown = shown .. line .. "\n"
        end
        terminal:wait(function(screen)
            return plain(screen) == plain(shown) .. ">"
        end)
        local outcome = support.run { "test", "echo_spec.lua" }
        assert.same({ 0, "3 successes" }, { outcome.code, outcome.out:match "%d+ successes" })
    end)

    it("shows every command that there is in the REPL's own page", function()
        local file = assert(io.open "lua/nylon_ring/repl/README.md")
        local text = file:read "*a"
        file:close()
        for _, command in ipairs(require("nylon_ring.repl.commands").list) do
            assert(text:find("`:" .. command.name .. "%f[%W]"), command.name)
        end
    end)
end)
