-- The program, held against the pages: each command, option, command of the REPL, setting and variable is
-- named in prose, and what can be given is given in a block that is run.
local coverage = require "spec.support.coverage"
local commands = require "nylon_ring.repl.commands"
local help = require "nylon_ring.repl.help"
local pages = require "spec.support.pages"
local settings = require "nylon_ring.repl.settings"
local support = require "spec.support"

local as_word, missing, prose = coverage.as_word, coverage.missing, coverage.prose

local REPL, CLI = "lua/nylon_ring/repl/README.md", "lua/nylon_ring/cli/README.md"

-- What no block can show, because it does not end by itself, and the spec that runs it instead.
local elsewhere = { ["--watch"] = "spec/cli/test_watch_spec.lua" }

-- The names of a command's options, each with another way to write it. Hidden ones are busted's, which
-- tells of them itself.
local function options_of(command)
    local list = {}
    for _, option in ipairs(command._options) do
        if option._aliases[1] ~= "-h" and not option._hidden then -- every command has -h
            table.insert(list, option._aliases)
        end
    end
    return list
end

local function is_shown(aliases)
    for _, alias in ipairs(aliases) do
        if elsewhere[alias] and pages.read(elsewhere[alias]):find(alias, 1, true) then
            return true
        elseif coverage.examples:find(as_word(alias)) then
            return true
        end
    end
    return false
end

describe("the page of the command line", function()
    local grammar = require("nylon_ring.cli.program").grammar()

    for _, command in ipairs(grammar._commands) do
        it("has a section for " .. command._name .. ", with every option of it", function()
            local section = prose(CLI, command._name)
            assert.is_truthy(coverage.examples:find("build/release/nylon%-ring [^\n]*" .. command._name))
            for _, aliases in ipairs(options_of(command)) do
                assert.same({}, missing(section, aliases))
                assert(is_shown(aliases), table.concat(aliases, ", ") .. " has no example")
            end
            for _, nested in ipairs(command._commands) do
                assert.is_truthy(coverage.examples:find(as_word(nested._name)))
            end
        end)
    end

    it("has what the program takes without a command", function()
        for _, aliases in ipairs(options_of(grammar)) do
            assert.same({}, missing(prose(CLI), aliases))
            assert(is_shown(aliases), table.concat(aliases, ", ") .. " has no example")
        end
    end)

    it("has every variable that is read, and so has the manual page", function()
        local ours = { TMPDIR = true, HOME = true, TERM = true, NYLON_RING_TEST_EVENTS = true }
        local found = support.start("grep", { "-rhoE", [=[getenv *\(?"[A-Z_]+"]=], "lua", "src" }):wait().out
        local section, man, count = prose(CLI, "Environment"), support.run({ "man" }).out, 0
        for name in found:gmatch '"([A-Z_]+)"' do
            if not ours[name] then
                count = count + 1
                assert.same({}, missing(section, { name }))
                assert(man:find(name, 1, true), name .. " is not in the manual page")
            end
        end
        assert.is_true(count >= 6)
    end)
end)

describe("the REPL's page", function()
    it("has every command, and each has an example", function()
        local names = {}
        for _, list in ipairs { commands.list, help.terminal } do
            for _, command in ipairs(list) do
                table.insert(names, ":" .. command.name)
                assert(command.example, command.name) -- spec/repl/examples_spec.lua enters it
            end
        end
        assert.same({}, missing(prose(REPL, "Commands"), names))
    end)

    it("has every setting, with its default", function()
        local section = prose(REPL, "Settings")
        for _, setting in ipairs(settings.list) do
            local default = setting.default
            local shown = type(default) == "boolean" and (default and "on" or "off") or tostring(default)
            local entry = ("`%s` (%s)"):format(setting.name, shown)
            assert(section:find(entry, 1, true), "not there: " .. entry)
        end
    end)
end)
