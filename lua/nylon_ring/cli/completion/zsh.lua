--- The completion script for zsh: an `_arguments` call for each command. It works from a folder of `fpath`,
--- where its text is the body of the function, and when it is sourced after `compinit`.
local grammar = require "nylon_ring.cli.completion.grammar"

local frame = [=[
#compdef nylon-ring
# zsh completion for nylon-ring, written by `nylon-ring completion zsh`

_nylon-ring_commands() {
    local -a commands=(
$COMMANDS    )
    _describe command commands
}

# A body is itself, or a file behind an @.
_nylon-ring_body() {
    if compset -P @; then
        _files
    else
        _message 'the body, or @FILE'
    fi
}

_nylon-ring() {
    local curcontext=$curcontext state line command=run
    local -A opt_args
    local -a root
    if (( CURRENT == 2 )); then
        if [[ $words[2] != -* ]]; then
            _alternative 'commands:command:_nylon-ring_commands' 'scripts:script:_files -g "*.lua(-.)"'
            return
        fi
        root=(
$ROOT        )
    elif [[ $words[2] == ($COMMANDS_OR) ]]; then
        command=$words[2]
        shift words
        (( CURRENT-- ))
    fi
    case $command in
$CASES    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _nylon-ring "$@"
else
    compdef _nylon-ring nylon-ring
fi
]=]

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Text where `_arguments` and `_describe` take some characters for themselves.
local function literal(text, characters)
    return (text:gsub(characters, "\\%0"))
end

local actions = { file = "_files", folder = "_files -/", body = "_nylon-ring_body", unknown = "" }

--- What `_arguments` does for a value: a message, then how to complete it.
local function value_of(value)
    local action = actions[value.kind]
    if value.kind == "ending" then
        action = ('_files -g "*.%s(-.)"'):format(value.ending)
    elseif value.kind == "words" then
        action = ("(%s)"):format(table.concat(value.words, " "))
    end
    return (":%s:%s"):format(value.name, action)
end

--- How `_arguments` is told that a value follows: in the next word, and for long options also behind `=`,
--- for short ones at once.
local function followed(name, value)
    if not value then
        return name
    end
    return name .. (name:match "^%-%-" and "=" or #name == 2 and "+" or "")
end

local function specs_of(option)
    local value = option.value and value_of(option.value) or ""
    local rest = ("[%s]%s"):format(literal(option.help, "[%]\\:]"), value)
    local others = #option.names > 1 and ("(%s)"):format(table.concat(option.names, " ")) or ""
    others = option.many and "*" or others
    local specs = {}
    for i, name in ipairs(option.names) do
        specs[i] = quote(others .. followed(name, option.value) .. rest)
    end
    return specs
end

local function add_options(options, indent, ending, lines)
    for _, option in ipairs(options) do
        for _, spec in ipairs(specs_of(option)) do
            table.insert(lines, indent .. spec .. ending)
        end
    end
end

local function case_of(command, lines)
    local script = command.name == "run"
    table.insert(lines, ("        (%s)\n            _arguments -s -S %s\\\n"):format(
        command.name, script and '-A "-*" $root ' or ""))
    local indent, ending = (" "):rep(16), " \\\n"
    add_options(command.options, indent, ending, lines)
    for _, argument in ipairs(command.arguments) do
        table.insert(lines, indent .. quote((argument.many and "*" or "") .. value_of(argument)) .. ending)
    end
    lines[#lines] = lines[#lines]:gsub(" \\\n$", " ;;\n")
end

---@param root table the grammar
---@return string script
return function(root)
    local names, described, cases, top = {}, {}, {}, {}
    for i, command in ipairs(grammar.commands(root)) do
        names[i] = command.name
        described[i] = ("        %s\n"):format(quote(command.name .. ":" .. literal(command.help, "[:\\]")))
        case_of(command, cases)
    end
    add_options(grammar.top_level(root), (" "):rep(12), "\n", top)
    return (frame:gsub("%$([%u_]+)", {
        COMMANDS = table.concat(described),
        COMMANDS_OR = table.concat(names, "|"),
        CASES = table.concat(cases),
        ROOT = table.concat(top),
    }))
end
