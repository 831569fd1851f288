-- Answers, frames and statuses in the words of failure messages.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local state = require "luassert.state"

local type = type

local statuses, codes = core.statuses, core.codes
local M = {}

-- The longest text that a message shows of one value.
local LONGEST = 200

---A value, quoted where it is text, and cut where it is long.
---@param value any
---@return string
function M.value(value)
    if type(value) ~= "string" then
        return type(value) == "table" and state.format_argument(value) or tostring(value)
    end
    local shown = ("%q"):format(value:sub(1, LONGEST)):gsub("\\\n", "\\n")
    return #value > LONGEST and ("%s... (%d bytes)"):format(shown, #value) or shown
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

-- ---- Frames ----

local function frame(status, data)
    if status == statuses.OK then
        return M.value(data)
    elseif data == "" then
        return M.status(status)
    end
    return ("%s, %s"):format(M.status(status), M.value(data))
end

---Reads a stream to its end and closes it: a line a frame.
---@async
---@param stream nylon_ring.Stream
---@return string[]
function M.frames(stream)
    local list = {}
    local status, data = stream:recv()
    while status do
        list[#list + 1] = frame(status, data)
        status, data = stream:recv()
    end
    if data ~= nil then
        list[#list + 1] = tostring(data)
    end
    stream:close()
    return list
end

---The lines of the frames that are wanted: texts, and `{ status, data }` for others than Ok. Where none of
---them ends the stream, it is to end with StreamEnd and no data.
---@param expected (string|{ [1]: integer, [2]: string })[]
---@return string[]
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
