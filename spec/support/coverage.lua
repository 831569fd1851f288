--- What the pages say: which names stand in their prose, and which in the blocks that are run.
local pages = require "spec.support.pages"

local M = {}

local function escape(text)
    return (text:gsub("%p", "%%%0"))
end

--- The prose of a page, or of one of its sections.
---@param page string
---@param section? string
---@return string
function M.prose(page, section)
    local text = "\n" .. pages.read(page):gsub("\n```.-\n```", "\n")
    if not section then
        return text
    end
    local from = assert(select(2, text:find("\n## " .. escape(section) .. "\n", 1)), section)
    return text:sub(from, (text:find("\n## ", from, true)))
end

-- Whether a name stands in prose as code, by itself.
local function is_named(text, name)
    local before = name:find "^[%w_]" and "%f[%w_]" or "%f[%p]"
    for code in text:gmatch "`([^`]+)`" do
        if (" " .. code .. " "):find(before .. escape(name) .. "%f[^%w_-]") then
            return true
        end
    end
    return false
end

-- All that is run, of every page.
local examples = {}
for _, page in ipairs(pages.list()) do
    for _, block in ipairs(pages.blocks(page)) do
        if pages.use_of(block) ~= "none" then
            table.insert(examples, table.concat(block.lines, "\n"))
        end
    end
end
M.examples = "\n" .. table.concat(examples, "\n") .. "\n"

--- Which names are not in the prose as code, and which are in no block that is run.
---@param text string
---@param names string[]
---@param pattern? fun(name: string): string how an example uses it; nil: it needs none
---@return string[] complaints
function M.missing(text, names, pattern)
    local list = {}
    for _, name in ipairs(names) do
        if not is_named(text, name) then
            table.insert(list, name .. " is not named")
        end
        if pattern and not M.examples:find(pattern(name)) then
            table.insert(list, name .. " has no example")
        end
    end
    return list
end

--- How an example uses a function: `nr.load`, `echo:call`.
---@param name string
---@return string pattern
function M.as_call(name)
    return "[.:]" .. escape(name:match "[%w_]+$") .. "%f[^%w_]"
end

--- How an example uses an option of a table: `timeout = 5`.
---@param name string
---@return string pattern
function M.as_option(name)
    return "%f[%w_]" .. escape(name) .. " = "
end

--- How a command uses a word.
---@param word string
---@return string pattern
function M.as_word(word)
    return "%f[^%s]" .. escape(word) .. "%f[%s=;]"
end

return M
