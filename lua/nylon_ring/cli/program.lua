--- Finds the command that is meant, parses its words and runs it.
--- Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 interrupted, 143 terminated.

-- luv binds its loop to the coroutine that loads it first: that must be the main one.
require "luv"

local dependencies = require "nylon_ring.cli.dependencies"
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.cli.say"

local M = {}

M.commands = {
    require "nylon_ring.cli.run",
    require "nylon_ring.cli.call",
    require "nylon_ring.cli.inspect",
    require "nylon_ring.cli.test",
    require "nylon_ring.cli.repl",
    require "nylon_ring.cli.completion",
    require "nylon_ring.cli.man",
}

local by_name = {}
for _, command in ipairs(M.commands) do
    by_name[command.name] = command
end

--- The grammar of the whole command line.
function M.grammar()
    return options.build(M.commands)
end

local top_level = { ["-h"] = true, ["--help"] = true, ["--version"] = true }

--- The words after the program's name; a script or an option of `run` gets the `run` that was left out.
local function complete(argv)
    local words = {}
    for i = 1, #argv do
        words[i] = argv[i]
    end
    if words[1] and not by_name[words[1]] and not top_level[words[1]] then
        table.insert(words, 1, "run")
    end
    return words
end

local function show_version()
    print("nylon-ring " .. require("nylon_ring.core").version)
    return 0
end

local function stopped(stop)
    if stop.code == 0 then
        print(stop.text)
    else
        say.error(stop.who, stop.text)
    end
    return stop.code
end

--- Runs the program.
---@param argv string[] with the program itself at 0
---@return integer code
function M.main(argv)
    local words = complete(argv)
    local command = by_name[words[1]]
    local rest
    if command and command.split then
        words, rest = command.split(words)
    end
    local who = command and "nylon-ring " .. command.name or "nylon-ring"
    local args, stop = options.parse(M.grammar(), words, who)
    if not args then
        return stopped(stop)
    elseif args.version then
        return show_version()
    elseif not command then
        say.error(who, "a script or a command is missing; see `nylon-ring --help`")
        return 2
    end
    local missing = dependencies.missing(dependencies.of[command.name])
    if missing then
        say.error(who, missing)
        return 2
    end
    args.rest = rest
    return command.run(args, who)
end

return M
