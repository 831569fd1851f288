--- Finds the command that is meant, parses its words and runs it.
--- Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 interrupted, 143 terminated.

local busted_options = require "nylon_ring.cli.busted_options"
local dependencies = require "nylon_ring.cli.dependencies"
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.io.say"
local text = require "nylon_ring.io.text"
local uv = require "luv" -- binds its loop to the coroutine that loads it first: that must be the main one

local M = {}

M.commands = {
    require "nylon_ring.cli.run",
    require "nylon_ring.cli.call",
    require "nylon_ring.cli.inspect",
    require "nylon_ring.cli.test",
    require "nylon_ring.cli.repl",
    require "nylon_ring.cli.completion",
    require "nylon_ring.cli.man",
    require "nylon_ring.cli.help",
}

local by_name, names = {}, {}
for i, command in ipairs(M.commands) do
    by_name[command.name], names[i] = command, command.name
end

--- The command that was most likely meant, as the end of a message.
---@param word string
---@return string
function M.meant(word)
    local near = text.nearest(word, names)
    return near and ("; did you mean '%s'?"):format(near) or "; see `nylon-ring --help`"
end

--- A command's part of the grammar.
---@param grammar table
---@param name string
---@return table|nil
function M.find(grammar, name)
    for _, command in ipairs(grammar._commands) do
        if command._name == name then
            return command
        end
    end
end

--- The grammar of the whole command line.
function M.grammar()
    local grammar = options.build(M.commands)
    busted_options.define(M.find(grammar, "test"))
    return grammar
end

local top_level = { ["-h"] = true, ["--help"] = true, ["--version"] = true }

--- The words after the program's name; a script or an option of `run` gets the `run` that was left out. Nil
--- and why where the first word is nothing of these.
local function complete(argv)
    local words, first = {}, argv[1]
    for i = 1, #argv do
        words[i] = argv[i]
    end
    if not first or by_name[first] or top_level[first] then
        return words
    elseif first:sub(1, 1) ~= "-" and select(3, uv.fs_stat(first)) == "ENOENT" then
        return nil, ("there is no command or script '%s'%s"):format(first, M.meant(first))
    end
    table.insert(words, 1, "run")
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

local function run(command, args, who)
    local missing = dependencies.missing(dependencies.of[command.name])
    if missing then
        say.error(who, missing)
        return 2
    end
    return command.run(args, who)
end

--- Runs the program.
---@param argv string[] with the program itself at 0
---@return integer code
function M.main(argv)
    local words, wrong = complete(argv)
    if not words then
        say.error("nylon-ring", wrong)
        return 2
    end
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
    args.rest = rest
    return run(command, args, who)
end

return M
