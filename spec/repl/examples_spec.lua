-- The example that `:help` shows of each command, entered as it is.

local commands = require "nylon_ring.repl.commands"
local help = require "nylon_ring.repl.help"
local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local echo_v2 = support.plugin "echo_v2"

describe("the example of", function()
    local folder

    setup(function()
        folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-examples-XXXXXX"))
        assert(uv.fs_mkdir(folder .. "/build", tonumber("700", 8)))
        assert(uv.fs_symlink(uv.fs_realpath(support.build), folder .. "/build/release"))
        assert(uv.fs_symlink(uv.fs_realpath "examples", folder .. "/examples"))
    end)

    teardown(function()
        support.start("/bin/rm", { "-rf", folder }):wait()
    end)

    -- What has to be entered before; a number in an example is that of the line that runs in the background.
    local before = {
        [":load"] = { ":unload echo" },
        [":run"] = { ":unload echo" },
        [":spec"] = { "echo:call('/thread', 'hi')" },
        [":send"] = { "v2:call_stream('duplex') &" },
        [":close"] = { "v2:call_stream('duplex') &" },
        [":cancel"] = { "nr.sleep(60000) &" },
    }

    local function enter(example)
        local child = support.start(support.program, { "repl", "--no-rc", "build/release/plugins/echo.so" }, {
            hold_stdin = true, cwd = folder, env = { NO_COLOR = "1" },
        })
        local stdin = child._pipes.stdin
        stdin:write((":load %s as v2\n"):format(uv.fs_realpath(echo_v2)))
        for _, line in ipairs(before[example:match "^%S+"] or {}) do
            stdin:write(line .. "\n")
        end
        stdin:write "print 'ready'\n"
        child:wait_for("out", "ready\n")
        local id = child.out:match "task (%d+) running"
        stdin:write((id and example:gsub(" %d+", " " .. id) or example) .. "\n")
        return child
    end

    for _, command in ipairs(commands.list) do
        if command.example then
            it((":%s does not fail: %s"):format(command.name, command.example), function()
                local child = enter(command.example)
                child:send ":quit\n"
                if command.example == ":logs -f" then -- goes on until it is interrupted
                    child:kill "sigint"
                    assert.equal(130, child:wait().code)
                else
                    local outcome = child:wait()
                    assert.same({ 0, "" }, { outcome.code, outcome.err })
                end
            end)
        end
    end

    -- What those of the terminal itself leave on the screen after seven lines, `1` to `7`.
    local left = {
        edit = "> :edit 3..7\n> 3\n… 4\n… 5\n… 6\n… 7",
        history = "> :history 5\n    4  4\n    5  5\n    6  6\n    7  7\n    8  :history 5\n>",
    }

    for _, command in ipairs(help.terminal) do
        it((":%s does at a terminal what it says: %s"):format(command.name, command.example), function()
            local terminal = terminals.open({ "repl", "--no-rc" }, { height = 40, env = { EDITOR = "true" } })
            finally(function() terminal:close() end)
            for number = 1, 7 do
                terminal:wait_end ">"
                terminal:enter(tostring(number))
            end
            terminal:wait_end "7\n7\n>"
            terminal:enter(command.example)
            terminal:wait_end(left[command.name])
        end)
    end

    it("each of them is one of that command", function()
        for _, list in ipairs { commands.list, help.terminal } do
            for _, command in ipairs(list) do
                assert.equal(":" .. command.name, command.example:match "^%S+")
            end
        end
    end)
end)
