-- Answers, frames and statuses in the words of failure messages.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local json = require "nylon_ring.io.json"
local state = require "luassert.state"

local type = type

local statuses, codes = core.statuses, core.codes
local M = {}

-- The longest text that a message shows of one value, and what it shows before the first difference.
local LONGEST, BEFORE = 200, 20

-- The first bytes of a text, and no half of a letter at their end.
local function cut(text, length)
    local part = text:sub(1, length)
    if text:find("^[\128-\191]", length + 1) then
        part = part:gsub("[\192-\255][\128-\191]*$", "")
    end
    return part
end

-- On one line, whatever it holds.
local function quote(text)
    local quoted = ("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r")
    return json.to_utf8(quoted, function(byte)
        return "\\" .. byte
    end)
end

---A value, quoted where it is text, and cut where it is long.
---@param value any
---@return string
function M.value(value)
    if type(value) ~= "string" then
        return type(value) == "table" and state.format_argument(value) or tostring(value)
    elseif #value <= LONGEST then
        return quote(value)
    end
    return ("%s... (%d bytes)"):format(quote(cut(value, LONGEST)), #value)
end

---A text that is no value, cut where it is long.
---@param text string
---@return string
function M.short(text)
    return #text > LONGEST and ("%s... (%d bytes)"):format(cut(text, LONGEST), #text) or text
end

---How many bytes two texts have in common at their beginning.
---@param a string
---@param b string
---@return integer
function M.common_bytes(a, b)
    local count, shorter = 0, math.min(#a, #b)
    while count < shorter and a:byte(count + 1) == b:byte(count + 1) do
        count = count + 1
    end
    return count
end

-- A text from a bit before a place on.
local function around(text, place)
    local from = math.max(1, place - BEFORE)
    local part = cut(text:sub(from), LONGEST)
    return ("%s (bytes %d to %d of %d)"):format(quote(part), from, from + #part - 1, #text)
end

---Two values that differ, so that one sees where: long texts with equal beginnings from there on.
---@param a any
---@param b any
---@return string
---@return string
function M.pair(a, b)
    local one, other = M.value(a), M.value(b)
    if type(a) ~= "string" or type(b) ~= "string" or math.min(#a, #b) <= LONGEST then
        return one, other
    end
    local place = M.common_bytes(a, b) + 1
    if place <= LONGEST then
        return one, other
    end
    return around(a, place), around(b, place)
end

---@param status integer
---@return string as "Ok (0)"
function M.status(status)
    return ("%s (%d)"):format(core.status_name(status), status)
end

---What a call answered: a status and a body, or nil and an Error.
---@param status any
---@param body any
---@return string
function M.answer(status, body)
    if type(status) == "number" then
        return body == nil and M.status(status) or ("%s, %s"):format(M.status(status), M.value(body))
    elseif status == nil and errors.is(body) then
        return tostring(body)
    elseif body == nil then
        return M.value(status)
    end
    return ("%s, %s"):format(M.value(status), M.value(body))
end

---@param status any
---@return boolean
function M.is_ok(status)
    return status == statuses.OK or status == statuses.STREAM_END
end

-- The number of a status that is given by its name, in whatever case: STREAM_END, StreamEnd.
local function status_of(name)
    local plain = name:lower():gsub("_", "")
    for each, status in pairs(statuses) do
        if each:lower():gsub("_", "") == plain then
            return status
        end
    end
end

-- The code of an Error; one in capitals must be known, another one may be a script's own.
local function code_of(name)
    return codes[name] or name:match "^%l[%l%d_]*$"
end

---What an assert expects, in words; nil where it is nothing that a call answers.
---@param expected any a status, its name, or an Error's code
---@return string|nil
function M.expected(expected)
    if type(expected) == "number" then
        return M.status(expected)
    elseif type(expected) ~= "string" then
        return nil
    end
    local status = status_of(expected)
    return status and M.status(status) or code_of(expected)
end

---@param expected integer|string
---@param status any
---@param body any
---@return boolean
function M.matches(expected, status, body)
    if status == nil then
        return type(expected) == "string" and errors.is(body, code_of(expected) or expected)
    end
    return status == expected or type(expected) == "string" and status == status_of(expected)
end

---Whether something that was raised is an Error with this code, or with this status of a plugin.
---@param expected integer|string
---@param err any
---@return boolean
function M.matches_error(expected, err)
    if not errors.is(err) then
        return false
    end
    local status = type(expected) == "string" and status_of(expected) or expected
    return M.matches(expected, nil, err) or err.status ~= nil and err.status == status
end

-- ---- Frames ----

local function frame(status, data)
    if status == statuses.OK then
        return { "", data }
    elseif data == "" then
        return { M.status(status) }
    end
    return { M.status(status) .. ", ", data }
end

---Reads a stream to its end and closes it: a line a frame, for `diff.lists`.
---@async
---@param stream nylon_ring.Stream
---@return nylon_ring.test.Line[]
function M.frames(stream)
    local list = {}
    local status, data = stream:recv()
    while status do
        list[#list + 1] = frame(status, data)
        status, data = stream:recv()
    end
    if data ~= nil then
        list[#list + 1] = { tostring(data) }
    end
    stream:close()
    return list
end

---The lines of the frames that are wanted: texts, and `{ status, data }` for others than Ok. Where none of
---them ends the stream, it is to end with StreamEnd and no data.
---@param expected (string|{ [1]: integer, [2]: string })[]
---@return nylon_ring.test.Line[]
function M.wanted_frames(expected)
    local list, ends = {}, false
    for index, each in ipairs(expected) do
        if type(each) == "table" then
            list[index] = frame(each[1], each[2] or "")
            ends = ends or each[1] ~= statuses.OK
        else
            list[index] = frame(statuses.OK, each)
        end
    end
    if not ends then
        list[#list + 1] = frame(statuses.STREAM_END, "")
    end
    return list
end

return M
