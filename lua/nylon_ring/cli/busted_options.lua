--- Busted's options, as `nylon-ring test` takes them: for the manual page and for shells, which must know
--- them also where busted is not installed. A spec compares them with those of the busted that is.
local M = {}

---@class nylon_ring.cli.BustedOption
---@field names string
---@field value? string what its value is called; nil: it has none
---@field help string

---@type nylon_ring.cli.BustedOption[]
M.list = {
    { names = "-o --output", value = "OUTPUT", help = "How results are told: utfTerminal, plainTerminal, "
        .. "TAP, json, junit, gtest, sound, or a module." },
    { names = "-Xoutput", value = "OPTION", help = "An option for the output." },
    { names = "-t --tags", value = "TAGS", help = "Run only specs with these #tags." },
    { names = "--exclude-tags", value = "TAGS", help = "Do not run specs with these #tags." },
    { names = "--filter", value = "PATTERN", help = "Run only specs whose name matches the Lua pattern." },
    { names = "--filter-out", value = "PATTERN", help = "Do not run specs whose name matches." },
    { names = "-p --pattern", value = "PATTERN", help = "Run only files whose name matches; else _spec." },
    { names = "--exclude-pattern", value = "PATTERN", help = "Do not run files whose name matches." },
    { names = "-l --list", help = "List the names of the specs instead of running them." },
    { names = "--repeat", value = "COUNT", help = "Run them so many times." },
    { names = "--shuffle --no-shuffle", help = "Run files, and the specs in them, in random order." },
    { names = "--shuffle-files --no-shuffle-files", help = "Run files in random order." },
    { names = "--shuffle-tests --no-shuffle-tests", help = "Run the specs of a file in random order." },
    { names = "--seed", value = "SEED", help = "The seed of a random order, to have it again." },
    { names = "--sort --no-sort", help = "Run files, and the specs in them, sorted by name." },
    { names = "--sort-files --no-sort-files", help = "Run files sorted by name." },
    { names = "--sort-tests --no-sort-tests", help = "Run the specs of a file sorted by name." },
    { names = "-k --keep-going --no-keep-going", help = "Go on after a failure; that is the default." },
    { names = "-c --coverage --no-coverage", help = "Measure coverage, by LuaCov." },
    { names = "--coverage-config-file", value = "FILE", help = "LuaCov's configuration." },
    { names = "-v --verbose --no-verbose", help = "Tell more about errors." },
    { names = "--suppress-pending --no-suppress-pending", help = "Do not tell of pending specs." },
    { names = "--defer-print --no-defer-print", help = "Tell results at the end." },
    { names = "-s --enable-sound --no-enable-sound", help = "Say the outcome aloud, where `say` is." },
    { names = "-e", value = "STATEMENT", help = "Run a Lua statement first." },
    { names = "--helper", value = "FILE", help = "Run a Lua file first." },
    { names = "-Xhelper", value = "OPTION", help = "An option for the helper." },
    { names = "-m --lpath", value = "PATH", help = "Look for Lua modules there first." },
    { names = "--cpath", value = "PATH", help = "Look for C modules there first." },
    { names = "-C --directory", value = "FOLDER", help = "Change into that folder first." },
    { names = "-R --recursive --no-recursive", help = "Look into folders of folders; the default." },
    { names = "-f --config-file", value = "FILE", help = "The configuration; default is .busted." },
    { names = "-r --run", value = "RUN", help = "The part of the configuration that is meant." },
    { names = "--loaders", value = "NAME", help = "What loads files; default is lua,moonscript." },
    { names = "--lang", value = "LANG", help = "The language of messages." },
    { names = "--lua", value = "FILE", help = "Has no effect: specs run in this program." },
    { names = "--ignore-lua", help = "The same." },
    { names = "--lazy --no-lazy", help = "Let setup and teardown run only where a spec does." },
    { names = "--auto-insulate --no-auto-insulate", help = "Insulate files; the default." },
    { names = "--version", help = "Show the versions and leave." },
}

--- Adds them to a command. Its help, which busted's own would drown, does not show them.
---@param command table
function M.define(command)
    for _, option in ipairs(M.list) do
        if option.value then
            command:option(option.names, option.help):argname(option.value):hidden(true)
        else
            command:flag(option.names, option.help):hidden(true)
        end
    end
end

return M
