-- Completion of Lua code. It looks, and never runs: fields are read raw, along `__index` as long as that is a
-- table.
--
-- What is being typed decides: a path inside the string that names a call's target, a file inside any other,
-- a key of a request or of options, a name, a field or a method.

local code = require "nylon_ring.repl.code"
local files = require "nylon_ring.repl.files"
local nr = require "nylon_ring"

local M = {}

local KEYWORDS = {
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
}

-- What a call takes as its first argument may be a request; options come after it.
local CALLS = { call = true, call_stream = true, notify = true }

local OPTIONS = {
    call = { "timeout", "state" },
    call_stream = { "timeout", "deadline", "max_frames", "max_bytes", "overflow", "state" },
    notify = { "state" },
    unload = { "grace" },
    reload = { "grace" },
    load = { "name", "timeout", "abi" },
    request = { "method", "path", "query", "headers", "body", "state", "ext" },
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

---The names that begin with a word.
---@param names string[]
---@param word string
---@return string[]
function M.matching(names, word)
    local list, seen = {}, {}
    for _, name in ipairs(names) do
        add_matching(list, seen, word, name)
    end
    return list
end

-- What is private shows itself to who asks for it.
local function may_show(name, word)
    return name:sub(1, 1) ~= "_" or word:sub(1, 1) == "_"
end

local function globals(env, word)
    local list, seen = {}, {}
    local function add(name)
        if type(name) == "string" and code.is_name(name) and may_show(name, word) then
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
        add_matching(list, seen, word, name)
    end
    return list
end

local function fields(value, operator, word)
    local list, seen = {}, {}
    add_fields(value, function(name, item)
        local fits = code.is_name(name) and (operator == "." or type(item) == "function")
        if fits and may_show(name, word) then
            add_matching(list, seen, word, name)
        end
    end)
    return list
end

-- Paths (or entries) that were called before, and those that the plugin tells by itself.
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
    return M.matching(known, word)
end

-- ---- What is being typed ------------------------------------------------------------------------

-- The code with its strings emptied, and where the last one begins with which quote if that is open.
local function without_strings(text)
    local parts, at = {}, 1
    while true do
        local from, _, quote = text:find("(['\"])", at)
        if not from then
            table.insert(parts, text:sub(at))
            return table.concat(parts)
        end
        table.insert(parts, text:sub(at, from - 1))
        local stop = code.string_end(text, from)
        if not stop then
            return table.concat(parts), from, quote
        end
        table.insert(parts, '""')
        at = stop + 1
    end
end

-- In a string: a target where a plugin's call expects one, else a file.
local function in_string(session, before, word, quote)
    local plugin, method = before:match "([%w_.]+):([%w_]+)%s*%(?%s*$"
    if not CALLS[method] then
        plugin, method = before:match "([%w_.]+):([%w_]+)%s*%(?%s*{[^{}]*%f[%w_]path%s*=%s*$"
    end
    if CALLS[method] then
        return targets(session, plugin, word), word, quote
    end
    return files.matching(word), word
end

-- The keys of the table that is open, where what it is given to is known.
local function keys_of(before)
    local called = before:match "%f[%w_]([%w_]+)%s*{[^{}()]*$"
    local arguments = ""
    if not called then
        called, arguments = before:match "%f[%w_]([%w_]+)%s*%(([^(){}]*){[^{}()]*$"
    end
    if CALLS[called] and not arguments:find(",", 1, true) then
        return OPTIONS.request
    end
    return OPTIONS[called]
end

local function key(before)
    local closed = before:gsub("%b{}", "0"):gsub("%b()", "0")
    local word = closed:match "[{,;]%s*([%a_][%w_]*)$" or closed:match "[{,;]%s*()$" and ""
    local keys = word and keys_of(closed)
    if keys then
        return M.matching(keys, word), word, " = "
    end
end

local function name(session, before)
    local word = before:match '%(%s*""%s*%)%s*:([%w_]*)$'
    if word then
        return fields("", ":", word), word
    end
    local base, operator
    base, operator, word = before:match "([%a_][%w_.:]*)([.:])([%w_]*)$"
    if base then
        return fields(value_of(session.env, base), operator, word), word
    end
    word = before:match "[%a_][%w_]*$"
    if word then
        return globals(session.env, word), word
    end
end

---Candidates for code that ends with `before`, the word that they replace, and what follows a single one.
---@param session nylon_ring.repl.Session
---@param before string
---@return string[]|nil
---@return string|nil word
---@return string|nil suffix
function M.complete(session, before)
    local text, open_at, quote = without_strings(before)
    if open_at then
        return in_string(session, text, before:sub(open_at + 1), quote)
    end
    local list, word, suffix = key(text)
    if list then
        return list, word, suffix
    end
    return name(session, text)
end

return M
