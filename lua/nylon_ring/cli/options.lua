--- The command line's grammar: one argparse tree for every command, from which help is printed and
--- shell completions can be made. Each command adds its own part with `define`.
local argparse = require "argparse"
local say = require "nylon_ring.io.say"

local M = {}

--- How parsing ends when there is nothing to run. Thrown, because argparse calls its actions and its
--- error handler in the middle of its work.
---@class nylon_ring.cli.Stop
---@field text string
---@field code integer 0: `text` is what was asked for; 2: it says what is wrong
---@field who? string

local Stop = {}

local function stop(fields)
    error(setmetatable(fields, Stop), 0)
end

--- The cells of a line of help at least and at most, whatever the terminal has.
local NARROW, WIDE = 40, 100

--- The help of the program or of a command, as wide as standard output.
---@param parser table
---@return string
function M.help_of(parser)
    local width = math.max(NARROW, math.min(say.width(), WIDE))
    return parser:help_max_width(width):usage_max_width(width):get_help()
end

local function add_help(parser)
    parser:add_help(false)
    parser:flag("-h --help", "Show this help and leave.")
        :action(function() stop { code = 0, text = M.help_of(parser) } end)
end

--- The tree. `commands` is a list of modules with `name`, `summary` and `define(command)`.
---@return table root
function M.build(commands)
    local root = argparse("nylon-ring", "A host for native plugins that is scripted in Lua.")
        :usage("Usage: nylon-ring SCRIPT [ARG ...]\n       nylon-ring COMMAND [OPTION ...] [ARG ...]")
        :epilog("A first word that is no command is a script; `nylon-ring COMMAND --help` tells more.\n"
            .. "Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 interrupted, 143 terminated.")
        :help_description_margin(28)
        :command_target("command")
        :require_command(false)
    add_help(root)
    root:flag("--version", "Show the version and leave.")
    for _, module in ipairs(commands) do
        local command = root:command(module.name)
            :summary(module.summary)
            :description(module.summary:gsub("^%l", string.upper) .. ".")
        add_help(command)
        module.define(command)
    end
    return root
end

--- The words with `--name -5` as `--name=-5`: argparse would take the number for an option.
local function join_negative(words)
    local joined = {}
    for _, word in ipairs(words) do
        local last = joined[#joined]
        if word:find "^%-%d" and last and last:find "^%-%-%l[%l-]*$" then
            joined[#joined] = last .. "=" .. word
        else
            table.insert(joined, word)
        end
    end
    return joined
end

--- Parses words; answers the table of arguments, or nil and why there is none.
---@param root table
---@param words string[]
---@param who string the program, or the program and the command that is meant
---@return table|nil args, nylon_ring.cli.Stop|nil stopped
function M.parse(root, words, who)
    root.error = function(_, text)
        local one_line = text:gsub("%?*\nDid you mean", "; did you mean"):gsub("%?$", "")
        stop { code = 2, text = ("%s; see `%s --help`"):format(one_line, who), who = who }
    end
    local ok, result = pcall(root.parse, root, join_negative(words))
    if ok then
        return result
    elseif getmetatable(result) == Stop then
        return nil, result
    end
    error(result, 0)
end

--- Adds an option whose value is a whole number of 1 or more.
---@param command table
---@param name string
---@param argname string
---@param help string
---@return table option
function M.number(command, name, argname, help)
    local read = M.whole(1)
    return command:option(name, help):argname(argname):convert(function(text)
        local number, err = read(text)
        return number, err and ("option '%s': %s"):format(name, err)
    end)
end

--- argparse converter: a whole number of at least `least`.
function M.whole(least)
    return function(text)
        local number = tonumber(text)
        if number and number >= least and number % 1 == 0 and number < 2 ^ 53 then
            return number
        end
        return nil, ("'%s' is not a whole number of %d or more"):format(text, least)
    end
end

return M
