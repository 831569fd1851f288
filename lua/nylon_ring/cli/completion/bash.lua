--- The completion script for bash. What it knows of our words is in three functions that are written from the
--- grammar; the rest is the same for every grammar.
---
--- Bash and Readline part words also at `=`, `:` and `@`; the script puts them together again, and takes off
--- what Readline keeps on the line. File names are mostly left to Readline (`-o default`), which quotes them
--- and shows folders; an empty answer means that.
local grammar = require "nylon_ring.cli.completion.grammar"

local frame = [=[
# bash completion for nylon-ring, written by `nylon-ring completion bash`

# What the value of an option is; empty: it has none.
_nylon_ring_option() {
    case "$1 $2" in
$OPTION_VALUES        *) kind='' ;;
    esac
}

# What an argument of a command is, by its number.
_nylon_ring_argument() {
    case "$1 $2" in
$ARGUMENTS        *) kind=unknown ;;
    esac
}

# The options of a command.
_nylon_ring_options() {
    case "$1" in
$OPTIONS    esac
}

# Sets `words`, those before the cursor, the last of which is being typed.
_nylon_ring_words() {
    local line=${COMP_LINE:0:COMP_POINT} piece i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if [[ $i == 0 || $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=('')
        fi
        ((i < COMP_CWORD)) || piece=$line
        words[${#words[@]} - 1]+=$piece
        line=${line#"$piece"}
    done
}

_nylon_ring_nothing() {
    compopt +o default +o bashdefault
}

# Files that match a pattern of `compgen -X`, and folders. Where there is none, and for a word that is quoted,
# Readline's own completion goes on.
_nylon_ring_files() {
    [[ $cur != *[\\\'\"\~\$]* ]] || return 0
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -X "$1" -- "$cur"; compgen -d -- "$cur")
}

# Files behind an @, where Readline does not see that the word is one.
_nylon_ring_body() {
    local file
    prefix+=@ cur=${cur#@}
    while IFS= read -r file; do
        [[ ! -d $file ]] || file+=/
        COMPREPLY+=("$(printf %q "$file")")
    done < <(compgen -f -- "${cur//\\/}")
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != */ ]] || compopt -o nospace
}

_nylon_ring_value() {
    case "$1" in
        file) ;;
        folder) _nylon_ring_files '*' ;;
        ending:*) _nylon_ring_files "!*.${1#ending:}" ;;
        words:*) mapfile -t COMPREPLY < <(compgen -W "${1#words:}" -- "$cur"); _nylon_ring_nothing ;;
        body)
            _nylon_ring_nothing
            [[ $cur != @* ]] || _nylon_ring_body ;;
        *) _nylon_ring_nothing ;;
    esac
}

# Walks over the words before the one that is typed. Sets `command`, how many `arguments` it has had, which
# `option` waits for its value, and whether options are `over`.
_nylon_ring_walk() {
    local i=1 kind
    if ((last > 1)); then
        case "${words[1]}" in
            $COMMANDS_OR) command=${words[1]} i=2 ;;
        esac
    fi
    for (( ; i < last; i++)); do
        if [[ -n $option ]]; then
            option=
        elif [[ -z $over && ${words[i]} == -- ]]; then
            over=1
        elif [[ -z $over && ${words[i]} == -?* ]]; then
            _nylon_ring_option "$command" "${words[i]}"
            [[ -z $kind ]] || option=${words[i]}
        else
            arguments=$((arguments + 1))
            [[ $command != run ]] || over=1 # the others are the script's
        fi
    done
}

_nylon_ring_reply() {
    local kind
    if [[ -n $option ]]; then
        _nylon_ring_option "$command" "$option"
    elif [[ -z $over && $cur == --*=* ]]; then
        _nylon_ring_option "$command" "${cur%%=*}"
        prefix=${cur%%=*}= cur=${cur#*=}
    elif [[ -z $over && $cur == -[!-]?* ]] && _nylon_ring_option "$command" "${cur:0:2}" &&
        [[ -n $kind ]]; then
        prefix=${cur:0:2} cur=${cur:2}
    elif [[ -z $over && $cur == -* ]]; then
        _nylon_ring_options "$command"
        ((last > 1)) || options+=" $ROOT_OPTIONS"
        kind=words:$options
    elif ((last == 1)); then
        _nylon_ring_files '!*.lua'
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$COMMANDS" -- "$cur")
        return
    else
        _nylon_ring_argument "$command" "$((arguments + 1))"
    fi
    _nylon_ring_value "$kind"
}

_nylon_ring() {
    local words
    _nylon_ring_words
    local last=$((${#words[@]} - 1)) command=run arguments=0 option= over= options
    local cur=${words[last]} prefix=
    local head=${cur%"$2"} # what stays on the line
    COMPREPLY=()
    _nylon_ring_walk
    _nylon_ring_reply
    COMPREPLY=("${COMPREPLY[@]/#/"$prefix"}")
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
}

complete -F _nylon_ring -o bashdefault -o default nylon-ring
]=]

local function code_of(value)
    if value.kind == "ending" then
        return "ending:" .. value.ending
    elseif value.kind == "words" then
        return "words:" .. table.concat(value.words, " ")
    end
    return value.kind
end

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- The patterns of a `case`, one for each of these words after the command's name.
local function patterns(command, words)
    local list = {}
    for i, word in ipairs(words) do
        list[i] = quote(command.name .. " " .. word)
    end
    return table.concat(list, " | ")
end

local function values_of(command, lines)
    for _, option in ipairs(command.options) do
        if option.value then
            table.insert(lines, ("        %s) kind=%s ;;\n"):format(
                patterns(command, option.names), quote(code_of(option.value))))
        end
    end
end

local function arguments_of(command, lines)
    for i, argument in ipairs(command.arguments) do
        local every = quote(command.name .. " ") .. "*"
        local which = argument.many and every or patterns(command, { tostring(i) })
        table.insert(lines, ("        %s) kind=%s ;;\n"):format(which, quote(code_of(argument))))
    end
end

local function all_names(options)
    local names = {}
    for _, option in ipairs(options) do
        for _, name in ipairs(option.names) do
            table.insert(names, name)
        end
    end
    return table.concat(names, " ")
end

local function options_of(command, lines)
    local names = quote(all_names(command.options))
    table.insert(lines, ("        %s) options=%s ;;\n"):format(command.name, names))
end

---@param root table the grammar
---@return string script
return function(root)
    local commands = grammar.commands(root)
    local function each(write)
        local lines = {}
        for _, command in ipairs(commands) do
            write(command, lines)
        end
        return table.concat(lines)
    end
    local names = {}
    for i, command in ipairs(commands) do
        names[i] = command.name
    end
    return (frame:gsub("%$([%u_]+)", {
        OPTION_VALUES = each(values_of),
        ARGUMENTS = each(arguments_of),
        OPTIONS = each(options_of),
        COMMANDS = table.concat(names, " "),
        COMMANDS_OR = table.concat(names, " | "),
        ROOT_OPTIONS = all_names(grammar.top_level(root)),
    }))
end
