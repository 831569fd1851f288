local support = require "spec.support"

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
