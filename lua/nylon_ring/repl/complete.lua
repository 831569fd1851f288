-- Completion of what is entered: commands and their arguments here, everything else is Lua
-- (repl/complete_lua.lua).

local commands = require "nylon_ring.repl.commands"
local files = require "nylon_ring.repl.files"
local help = require "nylon_ring.repl.help"
local known_plugins = require "nylon_ring.repl.known_plugins"
local layout = require "nylon_ring.io.layout"
local lua = require "nylon_ring.repl.complete_lua"
local settings = require "nylon_ring.repl.settings"
local text = require "nylon_ring.io.text"

local M = {}

---@class nylon_ring.repl.Completion
---@field start integer where the word begins
---@field common string what all candidates begin with
---@field only boolean there is one candidate
---@field suffix? string what follows it
---@field listing? string the candidates, for people

-- ---- What is being typed ------------------------------------------------------------------------

local argument = {}

function argument.file(_, word)
    return files.matching(word)
end

function argument.plugin(session, word)
    local names = {}
    for index, known in ipairs(known_plugins.of(session)) do
        names[index] = known.name
    end
    return lua.matching(names, word)
end

-- A plugin that is loaded, or the file of one.
function argument.inspected(session, word)
    local list = argument.plugin(session, word)
    for _, file in ipairs(files.matching(word)) do
        table.insert(list, file)
    end
    return list
end

-- `NAME VALUE`; the values of switches are known.
function argument.setting(_, rest)
    local name, word = rest:match "^(%S+)%s+(%S*)$"
    if name then
        local known = settings.by_name[name]
        return lua.matching(known and type(known.default) == "boolean" and { "on", "off" } or {}, word), word
    end
    local names = {}
    for _, setting in ipairs(settings.list) do
        table.insert(names, setting.name)
    end
    return lua.matching(names, rest), rest
end

function argument.topic(_, word)
    local names = commands.names()
    for topic in pairs(help.topics) do
        table.insert(names, topic)
    end
    return lua.matching(names, word)
end

function argument.task(session, word)
    local names = {}
    for id in pairs(session.jobs) do
        table.insert(names, tostring(id))
    end
    return lua.matching(names, word)
end

-- `[NAME] on [FILE]`, `[NAME] off`.
function argument.trace(session, rest)
    local before, word = rest:match "^(.-)(%S*)$"
    if (" " .. before):find "%son%s+$" then
        return argument.file(session, word), word
    elseif before ~= "" then
        return lua.matching({ "on", "off" }, word), word
    end
    local names = argument.plugin(session, word)
    for _, switch in ipairs(lua.matching({ "on", "off" }, word)) do
        table.insert(names, switch)
    end
    return names, word
end

-- Arguments that are looked at from their beginning; of the others the last word.
local whole = { file = true, inspected = true, setting = true, trace = true }

local function command(session, before)
    local name, word = before:match "^%s*:([%w_-]+)%s+(.*)$"
    if not name then
        word = before:match "^%s*:([%w_-]*)$"
        return word and lua.matching(commands.names(), word), word, " "
    end
    local known = commands.get(name)
    local completes = known and known.completes
    if completes then
        word = whole[completes] and word or word:match "%S*$"
        local list, last = argument[completes](session, word)
        return list, last or word
    elseif name == "time" or name == "bench" then
        return lua.complete(session, word)
    end
end

-- ---- The answer ---------------------------------------------------------------------------------

local function common_start(list)
    local common = list[1]
    for _, name in ipairs(list) do
        while name:sub(1, #common) ~= common do
            common = common:sub(1, -2)
        end
    end
    return (common:gsub("[\192-\255][\128-\191]*$", function(tail)
        local length = tail:byte() >= 240 and 4 or tail:byte() >= 224 and 3 or 2
        return #tail == length and tail or ""
    end))
end

-- The candidates in columns.
local function listing(candidates, width)
    local most, list = 0, {}
    for index, name in ipairs(candidates) do
        list[index] = text.line(name)
        most = math.max(most, layout.cells(list[index]) + 2)
    end
    local columns = math.max(1, math.floor(width / most))
    local rows = math.ceil(#list / columns)
    local lines = {}
    for row = 1, math.min(rows, 20) do
        local cells = {}
        for column = 0, columns - 1 do
            local name = list[column * rows + row]
            if name then
                table.insert(cells, name .. (" "):rep(most - layout.cells(name)))
            end
        end
        table.insert(lines, (table.concat(cells):gsub("%s+$", "")))
    end
    if rows > 20 then
        table.insert(lines, ("… %d in all"):format(#list))
    end
    return table.concat(lines, "\n")
end

---Completes what stands before the cursor.
---@param session nylon_ring.repl.Session
---@param before string
---@return nylon_ring.repl.Completion|nil
function M.complete(session, before)
    local find = before:match "^%s*:" and command or lua.complete
    local list, word, suffix = find(session, before)
    if not list or #list == 0 then
        return nil
    end
    table.sort(list)
    return {
        start = #before - #word + 1,
        common = common_start(list),
        only = #list == 1,
        suffix = list[1]:sub(-1) ~= "/" and suffix or nil,
        listing = listing(list, session.settings.width),
    }
end

return M
