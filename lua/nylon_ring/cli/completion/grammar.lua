--- What a shell has to know of the grammar, taken from argparse's elements. Their fields are private, but the
--- only place where they can be read.
local M = {}

--- What may stand where a value is called so; of all others a shell knows nothing.
local by_argname = {
    FILE = { kind = "file" },
    SOCKET = { kind = "file" },
    ARG = { kind = "file" },
    FOLDER = { kind = "folder" },
    PLUGIN = { kind = "ending", ending = "so" },
    SCRIPT = { kind = "ending", ending = "lua" },
    SPEC = { kind = "ending", ending = "lua" },
    BODY = { kind = "body" }, -- a file behind an @
    METHOD = { kind = "words", words = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } },
    OUTPUT = { kind = "words", words = { "utfTerminal", "plainTerminal", "TAP", "json", "junit", "gtest" } },
}

---@class nylon_ring.cli.completion.Value
---@field name string what it is called
---@field kind "file"|"folder"|"ending"|"body"|"words"|"unknown"
---@field ending? string of the files that are meant
---@field words? string[]
---@field many? boolean it may be given again

---@class nylon_ring.cli.completion.Option
---@field names string[]
---@field help string
---@field value? nylon_ring.cli.completion.Value
---@field many boolean it may be given again

---@class nylon_ring.cli.completion.Command
---@field name string
---@field help string
---@field options nylon_ring.cli.completion.Option[]
---@field arguments nylon_ring.cli.completion.Value[]

local function value_of(element)
    local name = element._argname or element._name:upper()
    local value = { name = name, kind = "unknown", many = element._maxargs > 1 }
    for key, given in pairs(by_argname[name] or {}) do
        value[key] = given
    end
    return value
end

local function sentence(text)
    return (text:gsub("%.$", ""))
end

local function option_of(option)
    return {
        names = option._aliases,
        help = sentence(option._description),
        value = option._maxargs > 0 and value_of(option) or nil,
        many = option._maxcount > 1,
    }
end

local function map(list, fn)
    local made = {}
    for i, each in ipairs(list) do
        made[i] = fn(each)
    end
    return made
end

local function name_of(command)
    return command._name
end

--- A command's arguments; its own commands are words for its first.
local function arguments_of(command, all)
    local arguments = {}
    if #command._commands > 0 then
        table.insert(arguments, { name = "COMMAND", kind = "words", words = map(command._commands, name_of) })
    end
    for _, argument in ipairs(command._arguments) do
        local value = value_of(argument)
        if value.name == "COMMAND" then
            value.kind, value.words = "words", all
        end
        table.insert(arguments, value)
    end
    return arguments
end

---@param root table the grammar
---@return nylon_ring.cli.completion.Command[]
function M.commands(root)
    local all = map(root._commands, name_of)
    return map(root._commands, function(command)
        return {
            name = command._name,
            help = command._summary,
            options = map(command._options, option_of),
            arguments = arguments_of(command, all),
        }
    end)
end

--- The options of the program that `run`, whose name may be left out, does not have.
---@param root table the grammar
---@return nylon_ring.cli.completion.Option[]
function M.top_level(root)
    local options = {}
    for _, option in ipairs(root._options) do
        if option._aliases[1] ~= "-h" then
            table.insert(options, option_of(option))
        end
    end
    return options
end

return M
