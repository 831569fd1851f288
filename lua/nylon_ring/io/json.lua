--- JSON that keeps an order and carries any bytes: cjson does the values, this the object around them.
local bit = require "bit"
local cjson = require "cjson"
local core = require "nylon_ring.core"
local ffi = require "ffi"

local utf8_prefix = core.utf8_prefix

local M = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local codes = ffi.new("const uint8_t[64]", { alphabet:byte(1, -1) })

local function encode_three(out, at, a, b, c)
    local triple = a * 65536 + b * 256 + c
    out[at] = codes[bit.rshift(triple, 18)]
    out[at + 1] = codes[bit.band(bit.rshift(triple, 12), 63)]
    out[at + 2] = codes[bit.band(bit.rshift(triple, 6), 63)]
    out[at + 3] = codes[bit.band(triple, 63)]
end

--- Base64 with padding.
---@param bytes string
---@return string
function M.base64(bytes)
    local left = #bytes % 3
    local whole, size = #bytes - left, math.ceil(#bytes / 3) * 4
    local from, out = ffi.cast("const uint8_t *", bytes), ffi.new("uint8_t[?]", size)
    local at = 0
    for i = 0, whole - 1, 3 do
        encode_three(out, at, from[i], from[i + 1], from[i + 2])
        at = at + 4
    end
    if left > 0 then
        encode_three(out, at, from[whole], left == 2 and from[whole + 1] or 0, 0)
        ffi.fill(out + size - (3 - left), 3 - left, ("="):byte())
    end
    return ffi.string(out, size)
end

--- The bytes that stand as Base64.
---@param text string
---@return string|nil bytes nil where it is none
function M.from_base64(text)
    local body, padding = text:match "^([%w+/]*)(=?=?)$"
    if not body or (#body + #padding) % 4 ~= 0 then
        return nil
    end
    local out, bits, count = {}, 0, 0
    for char in body:gmatch "." do
        bits, count = bits * 64 + alphabet:find(char, 1, true) - 1, count + 6
        if count >= 8 then
            count = count - 8
            out[#out + 1] = string.char(math.floor(bits / 2 ^ count))
            bits = bits % 2 ^ count
        end
    end
    return bits == 0 and table.concat(out) or nil
end

--- Whether the bytes are UTF-8, and so can stand in a JSON string.
---@param text string
---@return boolean
function M.is_utf8(text)
    return utf8_prefix(text) == #text
end

--- The text as UTF-8: with each byte that is none replaced.
---@param text string
---@param replace fun(byte: integer): string
---@return string
function M.to_utf8(text, replace)
    local out, from = {}, 1
    while from <= #text do
        local bad = from + utf8_prefix(text, from)
        out[#out + 1] = text:sub(from, bad - 1)
        out[#out + 1] = bad <= #text and replace(text:byte(bad)) or nil
        from = bad + 1
    end
    return table.concat(out)
end

-- Tables inside tables. A cycle ends here.
local DEEPEST = 1000

local encode

-- As few digits as give the same number again.
local function encode_number(number)
    if number ~= number or math.abs(number) == math.huge then
        error("JSON has no such number", 0)
    end
    for _, format in ipairs { "%.14g", "%.15g", "%.16g", "%.17g" } do
        local text = format:format(number)
        if tonumber(text) == number then
            return text
        end
    end
end

-- Slashes stay as they are, for paths are meant to be read.
local function encode_string(text, depth)
    if not M.is_utf8(text) then
        return encode({ base64 = M.base64(text) }, depth)
    end
    return (cjson.encode(text):gsub("\\(.)", { ["/"] = "/" }))
end

-- How long a list is, with few holes at most; nil for what is none.
local function length_of(list)
    local count, last = 0, 0
    for key in next, list do
        if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
            return nil
        end
        count, last = count + 1, math.max(last, key)
    end
    return last <= math.max(10, 2 * count) and last or nil
end

local function encode_list(list, length, depth)
    local parts = {}
    for index = 1, length do
        parts[index] = encode(rawget(list, index), depth)
    end
    return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(object, depth)
    local parts = {}
    for key, value in next, object do
        local name = type(key) == "number" and encode_number(key) or key
        if type(name) ~= "string" or not M.is_utf8(name) then
            error("JSON has no such key", 0)
        end
        table.insert(parts, encode_string(name) .. ":" .. encode(value, depth))
    end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
end

local encoders = { number = encode_number, string = encode_string, boolean = tostring }

encoders["nil"] = function()
    return "null"
end

function encoders.userdata(value)
    if value ~= cjson.null then
        error("JSON has no such value", 0)
    end
    return "null"
end

function encoders.table(value, depth)
    if depth > DEEPEST then
        error("JSON does not go that deep", 0)
    end
    local length = length_of(value)
    if length then
        return encode_list(value, length, depth)
    end
    return encode_object(value, depth)
end

-- One value. An empty table is a list; bytes that are no UTF-8 are an object with their base64. Raises for
-- what JSON has not.
function encode(value, depth)
    local encoder = encoders[type(value)]
    if not encoder then
        error(("JSON has no %s"):format(type(value)), 0)
    end
    return encoder(value, depth + 1)
end

--- One line of JSON. `fields` is a list of `{ key, value }`; a nil value leaves its key out.
---@param fields { [1]: string, [2]: any }[]
---@return string
function M.object(fields)
    local parts = {}
    for _, field in ipairs(fields) do
        if field[2] ~= nil then
            table.insert(parts, encode(field[1], 0) .. ":" .. encode(field[2], 0))
        end
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

return M
