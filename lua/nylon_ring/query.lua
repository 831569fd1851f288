-- Query strings: `a=1&b=two+words` to a table and back, and percent-encoding.
--
-- The rules, for whoever has to rely on them:
--   * pairs are separated by `&`; the first `=` splits a pair; `a` alone is `a` with an empty value;
--     empty pairs (`&&`) are skipped
--   * `%XX` is decoded to that byte, whatever it is; a `%` without two hex digits stays as it is
--   * `+` is a space in a query, and a plus in a path
--   * where a name is repeated, the table has the first value; `values` has all of them, in order

local M = {}

local byte, char, find, format, gsub, sub =
    string.byte, string.char, string.find, string.format, string.gsub, string.sub

-- The pairs of every parsed table, in order and with the text they came from. On the side, so that no
-- name in a query can hide or be taken for something of ours.
---@type table<table, { raw: string, [integer]: { [1]: string, [2]: string } }>
local sources = setmetatable({}, { __mode = "k" })

local function hex_to_char(hex)
    return char(tonumber(hex, 16))
end

local function char_to_hex(c)
    return format("%%%02X", byte(c))
end

---Decodes `%XX`; everything else, `+` too, stays.
---@param text string
---@return string
function M.unescape(text)
    if not find(text, "%", 1, true) then
        return text
    end
    return (gsub(text, "%%(%x%x)", hex_to_char))
end

---Encodes all bytes but letters, digits and `-._~`.
---@param text string
---@return string
function M.escape(text)
    return (gsub(text, "[^%w%-%._~]", char_to_hex))
end

local function decode(text)
    if find(text, "+", 1, true) then
        text = gsub(text, "%+", " ")
    end
    return M.unescape(text)
end

---@param raw string
---@return { [1]: string, [2]: string }[]
local function split_pairs(raw)
    local list = { raw = raw }
    for pair in raw:gmatch("[^&]+") do
        local equals = find(pair, "=", 1, true)
        if equals then
            list[#list + 1] = { decode(sub(pair, 1, equals - 1)), decode(sub(pair, equals + 1)) }
        else
            list[#list + 1] = { decode(pair), "" }
        end
    end
    return list
end

---Parses a query string (without the `?`).
---@param raw? string
---@return table<string, string> query the first value of every name
function M.parse(raw)
    local list = split_pairs(raw or "")
    local query = {}
    for _, pair in ipairs(list) do
        if query[pair[1]] == nil then
            query[pair[1]] = pair[2]
        end
    end
    sources[query] = list
    return query
end

---All values that a name has in a query, in order.
---@param query string|table<string, string> a query string, or what `parse` answered
---@param name string
---@return string[]
function M.values(query, name)
    local list = type(query) == "string" and split_pairs(query) or sources[query]
    if not list then
        return { query[name] }
    end
    local values = {}
    for _, pair in ipairs(list) do
        if pair[1] == name then
            values[#values + 1] = pair[2]
        end
    end
    return values
end

-- The text a table was parsed from, when the table still says the same.
local function unchanged_source(query)
    local list = sources[query]
    if not list then
        return nil
    end
    local seen, left = {}, 0
    for name, value in pairs(query) do
        seen[name], left = value, left + 1
    end
    for _, pair in ipairs(list) do
        if seen[pair[1]] == pair[2] then
            seen[pair[1]], left = false, left - 1
        elseif seen[pair[1]] ~= false then
            return nil
        end
    end
    return left == 0 and list.raw or nil
end

local function add_pair(parts, name, value)
    if value == true then
        value = ""
    end
    parts[#parts + 1] = M.escape(tostring(name)) .. "=" .. M.escape(tostring(value))
end

---Makes a query string of a table. A value is a string, a number or `true` (empty), or a list of those
---for a repeated name; names are sorted. What `parse` answered, unchanged, gives the very text it was
---parsed from.
---@param query table<string, string|number|boolean|(string|number)[]>
---@return string
function M.encode(query)
    local raw = unchanged_source(query)
    if raw then
        return raw
    end
    local names, parts = {}, {}
    for name in pairs(query) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        local value = query[name]
        if type(value) ~= "table" then
            value = { value }
        end
        for _, one in ipairs(value) do
            add_pair(parts, name, one)
        end
    end
    return table.concat(parts, "&")
end

return M
