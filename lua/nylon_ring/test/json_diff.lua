-- Differences of values as JSON has them: a list is no object, though Lua has one table for both.

local cjson = require "cjson"
local describe = require "nylon_ring.test.describe"
local dkjson = require "dkjson" -- busted's own; it tells lists from objects

local type = type

local M = {}

local NULL = dkjson.null

-- "array", "object", or nil for a table of Lua that may be either.
local function kind_of(value)
    local meta = getmetatable(value)
    return meta and meta.__jsontype or (#value > 0 and "array") or (next(value) ~= nil and "object") or nil
end

-- Values of Lua as those of a text: null is one value. `around` are the tables that a value is in.
local function plain(value, around)
    if value == cjson.null then
        return NULL
    elseif type(value) ~= "table" or value == NULL then
        return value
    end
    if around[value] then
        error("a table is in itself", 0)
    end
    around[value] = true
    local copy = setmetatable({}, getmetatable(value))
    for key, each in pairs(value) do
        copy[key] = plain(each, around)
    end
    around[value] = nil
    return copy
end

---The values of a text of JSON, or of a table of Lua.
---@param value any
---@return boolean ok
---@return any value what is wrong with it, where it is no JSON
function M.decode(value)
    if type(value) ~= "string" then
        return pcall(plain, value, {})
    end
    local ok, err = pcall(cjson.decode, value)
    if not ok then
        return false, err
    end
    return true, (dkjson.decode(value, 1, NULL))
end

local function shown(value)
    if type(value) ~= "table" then
        return value == nil and "nothing" or describe.value(value)
    end
    local ok, text = pcall(dkjson.encode, value)
    return describe.short(ok and text or tostring(value))
end

local function differ(path, a, b, out)
    local one, other = shown(a), shown(b)
    if type(a) == "string" and type(b) == "string" then
        one, other = describe.pair(a, b)
    end
    out[#out + 1] = ("%s\n- %s\n+ %s"):format(path, one, other)
end

local function step(path, key)
    if type(key) == "number" then
        return ("%s[%d]"):format(path, key)
    end
    return key:find "^[%a_][%w_]*$" and path .. "." .. key or ("%s[%q]"):format(path, key)
end

local function keys_of(a, b)
    local seen, list = {}, {}
    for _, each in ipairs { a, b } do
        for key in pairs(each) do
            if not seen[key] then
                seen[key] = true
                list[#list + 1] = key
            end
        end
    end
    table.sort(list, function(x, y)
        if type(x) == type(y) then
            return x < y
        end
        return type(x) == "number"
    end)
    return list
end

local function is_tree(value)
    return type(value) == "table" and value ~= NULL
end

local function compare(expected, got, path, out)
    if not is_tree(expected) or not is_tree(got) then
        if expected ~= got then
            differ(path, expected, got, out)
        end
        return
    end
    local one, other = kind_of(expected), kind_of(got)
    if one and other and one ~= other then
        return differ(path, expected, got, out)
    end
    for _, key in ipairs(keys_of(expected, got)) do
        compare(expected[key], got[key], step(path, key), out)
    end
end

---Every place where two values that `decode` gave differ, by its path; nil where they are the same.
---@param expected any
---@param got any
---@return string|nil
function M.values(expected, got)
    local out = {}
    compare(expected, got, "$", out)
    return #out > 0 and table.concat(out, "\n") or nil
end

---A value in one line.
M.shown = shown

return M
