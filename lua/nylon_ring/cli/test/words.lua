--- The words of `nylon-ring test`: takes out those that are ours, and leaves busted's.
local limits = require "nylon_ring.test.limits"
local whole = require "nylon_ring.cli.options".whole

local M = {}

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
    { name = "--watch", help = "Run again when a .lua or .so file below the current folder changes." },
}

local by_name = {}
for _, option in ipairs(M.options) do
    by_name[option.name] = option
end

local function take_value(option, text)
    if not text then
        return nil, ("option '%s' needs a value"):format(option.name)
    end
    local number, err = whole(option.least)(text)
    return number, err and ("option '%s': %s"):format(option.name, err)
end

--- Our options by name without dashes, and the words that are left; or nil and what is wrong.
---@param words string[]
---@return table|nil own, string[]|string rest
function M.take(words)
    local own, rest, index = {}, {}, 1
    while words[index] do
        local name, value = words[index]:match "^(%-%-[%l-]+)=?(.*)$"
        local option = name and by_name[name]
        if not option then
            table.insert(rest, words[index])
        elseif not option.value then
            own[name:sub(3)] = true
        else
            if not words[index]:find("=", 1, true) then
                index = index + 1
                value = words[index]
            end
            local number, err = take_value(option, value)
            if not number then
                return nil, err
            end
            own[name:sub(3)] = number
        end
        index = index + 1
    end
    return own, rest
end

--- All words but `--watch`.
---@param words string[]
---@return string[]
function M.without_watch(words)
    local kept = {}
    for _, word in ipairs(words) do
        if word ~= "--watch" then
            table.insert(kept, word)
        end
    end
    return kept
end

-- What busted's options with a value are called.
local with_value = {}
for name in ("-p --pattern --exclude-pattern -e -o --output -C --directory -f --config-file "
    .. "--coverage-config-file -t --tags --exclude-tags --filter --filter-out -m --lpath --cpath -r --run "
    .. "--repeat --seed --lang --loaders --helper --lua -Xoutput -Xhelper"):gmatch "%S+" do
    with_value[name] = true
end

-- Not for the process that runs a file: whoever tells its outcome has them.
local not_for_child = { ["-o"] = true, ["--output"] = true, ["-Xoutput"] = true, ["--repeat"] = true }

-- Not for the one that tells: specs come in the order that they ran in.
local not_for_parent = { ["--shuffle-tests"] = true, ["-c"] = true, ["--coverage"] = true }

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
    for _, name in ipairs { "timeout", "file-timeout" } do
        if own[name] then
            table.insert(kept, ("--%s=%d"):format(name, own[name]))
        end
    end
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
