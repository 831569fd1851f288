--- JSON that keeps an order and carries any bytes: cjson does the values, this the object around them.
local bit = require "bit"
local cjson = require "cjson"

local M = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Base64 with padding.
---@param bytes string
---@return string
function M.base64(bytes)
    local out = {}
    for i = 1, #bytes, 3 do
        local a, b, c = bytes:byte(i, i + 2)
        local triple = a * 65536 + (b or 0) * 256 + (c or 0)
        for shift = 18, 0, -6 do
            local index = bit.band(bit.rshift(triple, shift), 63) + 1
            out[#out + 1] = alphabet:sub(index, index)
        end
    end
    local padding = (3 - #bytes % 3) % 3
    for i = 0, padding - 1 do
        out[#out - i] = "="
    end
    return table.concat(out)
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

-- The longest first byte, and the lowest and highest second byte, of each form UTF-8 knows.
local forms = {
    { "^[\194-\223][\128-\191]", 2 },
    { "^\224[\160-\191][\128-\191]", 3 },
    { "^[\225-\236\238\239][\128-\191][\128-\191]", 3 },
    { "^\237[\128-\159][\128-\191]", 3 },
    { "^\240[\144-\191][\128-\191][\128-\191]", 4 },
    { "^[\241-\243][\128-\191][\128-\191][\128-\191]", 4 },
    { "^\244[\128-\143][\128-\191][\128-\191]", 4 },
}

local function width_at(text, at)
    for _, form in ipairs(forms) do
        if text:find(form[1], at) then
            return form[2]
        end
    end
end

--- Whether the bytes are UTF-8, and so can stand in a JSON string.
---@param text string
---@return boolean
function M.is_utf8(text)
    local at = text:find "[\128-\255]"
    while at do
        local width = width_at(text, at)
        if not width then
            return false
        end
        at = text:find("[\128-\255]", at + width)
    end
    return true
end

--- The text as UTF-8: with each byte that is none replaced.
---@param text string
---@param replace fun(byte: integer): string
---@return string
function M.to_utf8(text, replace)
    local out, from = {}, 1
    local at = text:find "[\128-\255]"
    while at do
        local width = width_at(text, at)
        if not width then
            out[#out + 1] = text:sub(from, at - 1) .. replace(text:byte(at))
            from = at + 1
        end
        at = text:find("[\128-\255]", at + (width or 1))
    end
    return table.concat(out) .. text:sub(from)
end

--- One value. An empty table is a list; slashes stay as they are, for paths are meant to be read.
local function encode(value)
    if type(value) == "table" and next(value) == nil then
        return "[]"
    end
    return (cjson.encode(value):gsub("\\(.)", { ["/"] = "/" }))
end

--- One line of JSON. `fields` is a list of `{ key, value }`; a nil value leaves its key out.
---@param fields { [1]: string, [2]: any }[]
---@return string
function M.object(fields)
    local parts = {}
    for _, field in ipairs(fields) do
        if field[2] ~= nil then
            table.insert(parts, encode(field[1]) .. ":" .. encode(field[2]))
        end
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

return M
