--- The words of `nylon-ring test`: takes out those that are ours, and leaves busted's.
local busted_options = require "nylon_ring.cli.busted_options"
local limits = require "nylon_ring.test.limits"
local nearest = require "nylon_ring.nearest"
local whole = require "nylon_ring.cli.options".whole

local M = {}

--- The output handler by which a file's process tells what happens in it.
M.EVENTS = "nylon_ring.cli.test.events"

---@class nylon_ring.cli.TestOption
---@field name string
---@field value? string what its value is called; nil: it has none
---@field least? integer
---@field help string

---@type nylon_ring.cli.TestOption[]
M.options = {
    { name = "--timeout", value = "MS", least = 0,
        help = ("Limit of a spec, and of what lies between specs (default: NYLON_RING_TEST_TIMEOUT, else %d; "
            .. "0: none)."):format(limits.DEFAULT) },
    { name = "--file-timeout", value = "MS", least = 0, help = "Limit of a file (default: none)." },
    { name = "--suite-timeout", value = "MS", least = 0, help = "Limit of the whole run (default: none)." },
    { name = "--isolate", help = "Run each file in a process of its own: a crash is one failed file." },
    { name = "--jobs", value = "N", least = 1, help = "Run so many files at once, isolated." },
    { name = "--trace", help = "Keep what last crosses each plugin's ABI, for reports (default)." },
    { name = "--watch", help = "Run again when a .lua or .so file below the current folder changes." },
}

--- The word that switches off what an option without a value switches on.
---@param name string
---@return string
function M.negated(name)
    return "--no-" .. name:sub(3)
end

local by_word = {}
for _, option in ipairs(M.options) do
    by_word[option.name] = option
    if not option.value then
        by_word[M.negated(option.name)] = option
    end
end

local function take_number(option, text)
    if not text then
        return nil, ("option '%s' needs a value"):format(option.name)
    end
    local number, err = whole(option.least)(text)
    return number, err and ("option '%s': %s"):format(option.name, err)
end

-- What the word at `index` says of an option of ours, and where the next begins; or nil and what is wrong.
local function take_value(option, words, index)
    local value = words[index]:match "=(.*)$"
    if not option.value then
        if value then
            return nil, ("option '%s' takes no value"):format(option.name)
        end
        return words[index] == option.name, index + 1
    elseif not value then
        index = index + 1
        value = words[index]
    end
    local number, err = take_number(option, value)
    return number, err or index + 1
end

--- Our options by name without dashes, and the words that are left; or nil and what is wrong.
---@param words string[]
---@return table|nil own, string[]|string rest
function M.take(words)
    local own, rest, index = {}, {}, 1
    while words[index] do
        local option = by_word[words[index]:match "^[^=]+"]
        if option then
            local value, next_one = take_value(option, words, index)
            if value == nil then
                return nil, next_one
            end
            own[option.name:sub(3)], index = value, next_one
        else
            table.insert(rest, words[index])
            index = index + 1
        end
    end
    return own, rest
end

-- All options, ours and busted's, as they are written.
local all_options = {}
for word in pairs(by_word) do
    table.insert(all_options, word)
end
for _, option in ipairs(busted_options.list) do
    for name in option.names:gmatch "%S+" do
        table.insert(all_options, name)
    end
end
table.sort(all_options)

-- The same as they stand in the configuration file.
local all_keys, is_key = {}, { ROOT = true } -- where the specs are
for index, word in ipairs(all_options) do
    all_keys[index] = word:gsub("^%-%-?", "")
    is_key[all_keys[index]] = true
end

--- What busted says of its words, with the name that was meant by an option that there is not.
---@param err string
---@return string
function M.explain(err)
    local word = err:match "^unknown/bad %l+: (%-%-[^=;%s]+)"
    if not word then
        return err
    end
    local near = nearest(word, all_options)
    return ("unknown option '%s'%s; see `nylon-ring test --help`"):format(word,
        near and ("; did you mean '%s'"):format(near) or "")
end

local function unknown_key(chosen)
    for name in pairs(chosen) do
        if not is_key[name] then
            local near = nearest(tostring(name), all_keys)
            return ("busted's configuration file: there is no option '%s'%s"):format(tostring(name),
                near and ("; did you mean '%s'"):format(near) or "")
        end
    end
end

--- Our options in what busted has made of its configuration file; or nil and what is wrong.
---@param chosen table
---@return table|nil config, string|nil err
function M.from_config(chosen)
    local config, unknown = {}, unknown_key(chosen)
    if unknown then
        return nil, unknown
    end
    for _, option in ipairs(M.options) do
        local name = option.name:sub(3)
        local value, err = chosen[name], nil
        if value ~= nil and option.value then
            value, err = whole(option.least)(tostring(value))
        elseif value ~= nil and type(value) ~= "boolean" then
            err = ("'%s' is neither true nor false"):format(tostring(value))
        end
        if err then
            return nil, ("'%s' in busted's configuration file: %s"):format(name, err)
        end
        config[name] = value
    end
    return config
end

-- Our options as words, for another process.
local function as_words(own, names)
    local words = {}
    for _, name in ipairs(names) do
        if type(own[name]) == "boolean" then
            table.insert(words, (own[name] and "--" or "--no-") .. name)
        elseif own[name] then
            table.insert(words, ("--%s=%d"):format(name, own[name]))
        end
    end
    return words
end

--- The words for the runs of `--watch`, which cannot watch themselves.
---@param own table
---@param words string[] busted's
---@return string[]
function M.for_watched(own, words)
    local names = {}
    for _, option in ipairs(M.options) do
        if option.name ~= "--watch" then
            table.insert(names, option.name:sub(3))
        end
    end
    local kept = as_words(own, names)
    table.insert(kept, "--no-watch") -- whatever the configuration file says
    for _, word in ipairs(words) do
        table.insert(kept, word)
    end
    return kept
end

-- What busted's options with a value are called.
local with_value = {}
for _, option in ipairs(busted_options.list) do
    for name in option.names:gmatch "%S+" do
        with_value[name] = option.value ~= nil
    end
end

-- Not for the process that runs a file: whoever tells its outcome has them.
local not_for_child = { ["-o"] = true, ["--output"] = true, ["-Xoutput"] = true, ["--repeat"] = true }

-- Not for the one that tells: specs come in the order that they ran in.
local not_for_parent = { ["--shuffle-tests"] = true }

--- Busted's options of these words without those that `leave_out` names, and without files and folders.
local function filter(words, leave_out, keep_files)
    local kept, index = {}, 1
    while words[index] do
        local word = words[index]
        local name = word:match "^[^=]+"
        local last = with_value[name] and name == word and index + 1 or index
        if not leave_out[name] and (keep_files or word:sub(1, 1) == "-") then
            for each = index, last do
                table.insert(kept, words[each])
            end
        end
        index = last + 1
    end
    return kept
end

--- The words for a process that runs one file of a run.
---@param own table
---@param words string[] busted's
---@return string[]
function M.for_child(own, words)
    local kept = filter(words, not_for_child, false)
    for _, word in ipairs(as_words(own, { "timeout", "file-timeout", "trace" })) do
        table.insert(kept, word)
    end
    table.insert(kept, "--repeat=1")
    return kept
end

--- The words for the process that has others run the files.
---@param words string[] busted's
---@return string[]
function M.for_parent(words)
    local kept = filter(words, not_for_parent, true)
    for index, word in ipairs(kept) do
        kept[index] = word == "--shuffle" and "--shuffle-files" or word
    end
    return kept
end

--- The limit of a spec from the environment; nil where it has none, or nil and what is wrong with it.
---@return integer|nil ms, string|nil err
function M.environment_limit()
    local text = os.getenv "NYLON_RING_TEST_TIMEOUT"
    if not text or text == "" then
        return nil
    end
    local number, err = whole(0)(text)
    return number, err and "NYLON_RING_TEST_TIMEOUT: " .. err
end

return M
