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
