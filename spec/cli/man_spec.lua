local support = require "spec.support"
local uv = require "luv"

describe("man", function()
    it("is the page that the build wrote", function()
        local file = assert(io.open(support.build .. "/share/man/man1/nylon-ring.1"))
        local page = file:read "*a"
        file:close()
        assert.same({ code = 0, signal = 0, out = page, err = "" }, support.run { "man" })
    end)

    it("tells every command and every option that their help tells", function()
        local page = support.run({ "man" }).out:gsub("\\%-", "-")
        local commands = support.run({ "--help" }).out:match "\nCommands:\n(.*)\n\n"
        local seen = 0
        for command in ("\n" .. commands):gmatch "\n   (%l+) " do
            seen = seen + 1
            local section = page:match("\n%.SS " .. command .. "\n(.-)\n%.S")
            assert.is_truthy(section, command)
            for option in support.run({ command, "--help" }).out:gmatch "\n +(%-[%w%-]+)" do
                if option ~= "-h" then
                    local name = ("\\fB%s\\fR"):format(option)
                    assert.is_truthy(section:find(name, 1, true), command .. " " .. option)
                end
            end
        end
        assert.is_true(seen >= 6)
    end)

    it("tells the REPL's commands, and busted's options", function()
        local page = support.run({ "man" }).out:gsub("\\%-", "-")
        for _, command in ipairs(require "nylon_ring.repl.commands".list) do
            assert.is_truthy(page:find("\n\\fB:" .. command.name, 1, true), command.name)
        end
        for _, option in ipairs(require "nylon_ring.cli.busted_options".list) do
            local first = option.names:match "%S+"
            assert.is_truthy(page:find(("\n\\fB%s\\fR"):format(first), 1, true), first)
        end
    end)

    it("tells every exit code, variable and file", function()
        local page = support.run({ "man" }).out:gsub("\\%-", "-")
        local sections = {
            ["EXIT STATUS"] = { "0", "1", "2", "130", "143" },
            ENVIRONMENT = {
                "NYLON_RING_LOG", "NYLON_RING_SHUTDOWN_MS", "NYLON_RING_KEEP_COPIES",
                "NYLON_RING_TEST_TIMEOUT", "COLUMNS", "NO_COLOR", "TERM", "VISUAL, EDITOR",
                "XDG_CONFIG_HOME, XDG_STATE_HOME", "TMPDIR",
            },
            FILES = { "~/.config/nylon-ring/repl.lua", "~/.local/state/nylon-ring/history" },
        }
        for title, terms in pairs(sections) do
            local section = page:match("\n%.SH " .. title .. "\n(.-)\n%.SH")
            for _, term in ipairs(terms) do
                assert.is_truthy((section .. "\n"):find(("\\fB%s\\fR\n"):format(term), 1, true), term)
            end
        end
    end)

    it("shows examples that run", function()
        local folder = uv.fs_realpath(support.build)
        local path = folder .. ":" .. os.getenv "PATH"
        local ran = 0
        for _, example in ipairs(require "nylon_ring.cli.man_texts".examples) do
            local line = example[1]
            if line:find "echo.so" and not line:find " repl " then
                local got = support.start("/bin/sh", { "-c", line },
                    { cwd = folder .. "/plugins", env = { PATH = path } }):wait()
                assert.same({ 0, "" }, { got.code, got.err }, line)
                ran = ran + 1
            end
        end
        assert.equal(3, ran)
    end)

    it("is roff without a fault", function()
        if not support.which "groff" then
            return pending "groff is not installed"
        end
        local got = support.start("groff", { "-man", "-Tascii", "-P-cbou", "-ww", "-rLL=200n" },
            { stdin = support.run({ "man" }).out }):wait()
        assert.equal(0, got.code)
        assert.equal("", got.err)
        assert.matches("\nNAME\n +nylon%-ring %- a host for native plugins", got.out)
        assert.matches("\n +%-d BODY\n? +The body: BODY itself, or @FILE", got.out)
        assert.matches("\nENVIRONMENT\n", got.out)
    end)
end)
