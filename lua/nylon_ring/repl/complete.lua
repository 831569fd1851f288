-- Completion. It looks, and never runs: fields are read raw, along `__index` as long as that is a table.
--
-- What is being typed decides: a command, a command's argument, a path inside the first string of a
-- call, an option of a call, a name, a field or a method.

local commands = require "nylon_ring.repl.commands"
local files = require "nylon_ring.repl.files"
local help = require "nylon_ring.repl.help"
local known_plugins = require "nylon_ring.repl.known_plugins"
local layout = require "nylon_ring.repl.layout"
local nr = require "nylon_ring"
local settings = require "nylon_ring.repl.settings"

local M = {}

---@class nylon_ring.repl.Completion
---@field start integer where the word begins
---@field common string what all candidates begin with
---@field only boolean there is one candidate
---@field suffix? string what follows it
---@field listing? string the candidates, for people

local KEYWORDS = {
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
}

local OPTIONS = {
    call = { "timeout", "state" },
    call_stream = { "timeout", "deadline", "max_frames", "max_bytes", "overflow", "state" },
    notify = { "state" },
    unload = { "grace" },
    reload = { "grace" },
    load = { "name", "timeout", "abi" },
    request = { "method", "path", "query", "headers", "body", "ext" },
}

-- ---- Looking at values --------------------------------------------------------------------------

-- The table that answers for a value's missing fields, where there is one.
local function index_of(value)
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    return type(index) == "table" and index or nil
end

local function raw_field(value, name)
    for _ = 1, 20 do
        if type(value) == "table" then
            local found = rawget(value, name)
            if found ~= nil then
                return found
            end
        end
        value = index_of(value)
        if value == nil then
            return nil
        end
    end
end

local function add_fields(value, add)
    for _ = 1, 20 do
        if type(value) == "table" then
            for key, item in next, value do
                if type(key) == "string" then
                    add(key, item)
                end
            end
        end
        value = index_of(value)
        if value == nil then
            return
        end
    end
end

-- The value of a global name as a line sees it: the session's, the program's, a plugin.
local function global(env, name)
    local value = rawget(env, name)
    if value == nil then
        value = rawget(_G, name)
    end
    if value == nil then
        value = nr.plugin(name)
    end
    return value
end

-- The value of `a.b:c`, or nil.
local function value_of(env, path)
    local value
    for name in path:gmatch "[%w_]+" do
        if value == nil then
            value = global(env, name)
        else
            value = raw_field(value, name)
        end
        if value == nil then
            return nil
        end
    end
    return value
end

-- ---- Candidates ---------------------------------------------------------------------------------

local function add_matching(list, seen, word, name)
    if name:sub(1, #word) == word and not seen[name] then
        seen[name] = true
        table.insert(list, name)
    end
end

local function globals(env, word)
    local list, seen = {}, {}
    local function add(name)
        if type(name) == "string" and (name:sub(1, 1) ~= "_" or word:sub(1, 1) == "_") then
            add_matching(list, seen, word, name)
        end
    end
    for name in next, env do
        add(name)
    end
    for name in next, _G do
        add(name)
    end
    for _, plugin in ipairs(nr.plugins()) do
        add(plugin.name)
    end
    for _, name in ipairs(KEYWORDS) do
        add(name)
    end
    return list
end

local function fields(env, path, operator, word)
    local list, seen = {}, {}
    add_fields(value_of(env, path), function(name, value)
        local fits = name:match "^[%a_][%w_]*$" and (operator == "." or type(value) == "function")
        if fits and (name:sub(1, 1) ~= "_" or word:sub(1, 1) == "_") then
            add_matching(list, seen, word, name)
        end
    end)
    return list
end

local function from_list(names, word)
    local list, seen = {}, {}
    for _, name in ipairs(names) do
        add_matching(list, seen, word, name)
    end
    return list
end

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
    return from_list(names, word)
end

function argument.setting(_, word)
    local names = {}
    for _, setting in ipairs(settings.list) do
        table.insert(names, setting.name)
    end
    return from_list(names, word)
end

function argument.topic(_, word)
    local names = commands.names()
    for topic in pairs(help.topics) do
        table.insert(names, topic)
    end
    return from_list(names, word)
end

function argument.task(session, word)
    local names = {}
    for id in pairs(session.jobs) do
        table.insert(names, tostring(id))
    end
    return from_list(names, word)
end

-- `[NAME] on [FILE]`, `[NAME] off`.
function argument.trace(session, rest)
    local before, word = rest:match "^(.-)(%S*)$"
    if (" " .. before):find "%son%s+$" then
        return argument.file(session, word), word
    elseif before ~= "" then
        return from_list({ "on", "off" }, word), word
    end
    local names = argument.plugin(session, word)
    for _, switch in ipairs(from_list({ "on", "off" }, word)) do
        table.insert(names, switch)
    end
    return names, word
end

-- Arguments that are looked at from their beginning; of the others the last word.
local whole = { file = true, trace = true }

local function command(session, before)
    local name, word = before:match "^%s*:([%w_-]+)%s+(.*)$"
    if not name then
        word = before:match "^%s*:([%w_-]*)$"
        local names = commands.names()
        for _, each in ipairs(help.terminal) do
            table.insert(names, each.name)
        end
        return word and from_list(names, word), word, " "
    end
    local known = commands.get(name)
    local completes = known and known.completes
    if completes then
        word = whole[completes] and word or word:match "%S*$"
        local list, last = argument[completes](session, word)
        return list, last or word
    elseif name == "time" or name == "bench" then
        return M.lua(session, word)
    end
end

-- Paths (or entries) that a call's first string may name: those that were called before, and those that
-- the plugin tells by itself.
local function targets(session, path, word)
    local plugin = value_of(session.env, path)
    local name = type(plugin) == "table" and raw_field(plugin, "name")
    local known = {}
    for target in pairs(session.targets[name] or {}) do
        table.insert(known, target)
    end
    for target in pairs(type(plugin) == "table" and rawget(plugin, "_targets") or {}) do
        table.insert(known, target)
    end
    return from_list(known, word)
end

---Candidates for Lua code that ends with `before`, the word that they replace, and what follows a single
---one.
function M.lua(session, before)
    local path, method, quote, target = before:match "([%w_.]+):([%w_]+)%s*%(?%s*(['\"])([^'\"]*)$"
    if method == "call" or method == "call_stream" or method == "notify" then
        return targets(session, path, target), target, quote
    end
    local file = before:match "['\"]([^'\"]*)$"
    local quotes = select(2, before:gsub("['\"]", ""))
    if file and quotes % 2 == 1 then
        return files.matching(file), file
    end
    local called, key = before:match "([%w_]+)%s*%(?[^()]*{[^{}]-%f[%w_]([%a_]?[%w_]*)$"
    if called and OPTIONS[called] and not before:match "=%s*[%w_]*$" then
        return from_list(OPTIONS[called], key), key, " = "
    end
    called = before:match "([%w_]+)%s*%(?[^()]*[{,]%s*$"
    if called and OPTIONS[called] and before:match "{[^{}]*$" then
        return from_list(OPTIONS[called], ""), "", " = "
    end
    local base, operator, word = before:match "([%a_][%w_.:]*)([.:])([%w_]*)$"
    if base then
        return fields(session.env, base, operator, word), word
    end
    word = before:match "[%a_][%w_]*$"
    if word then
        return globals(session.env, word), word
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
local function listing(list, width)
    local most = 0
    for _, name in ipairs(list) do
        most = math.max(most, layout.cells(name) + 2)
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
    local find = before:match "^%s*:" and command or M.lua
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
