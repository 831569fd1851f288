-- The file of recorded calls, for `record` and `replay`: text, one JSON object a line, to be read, searched,
-- edited and compared. The first line says what it is:
--
--     {"nylon_ring_tape":2,"plugin":"packages","version":"0.3.0"}
--
-- Each other line is one call, in the order of their ends:
--
--     {"call":"/users/7","status":0,"answer":"Ada","ms":3}
--     {"call":"/log","method":"POST","body":"x","notify":true}
--     {"call":"/count","query":"n=1","stream":true,"frames":[[0,"1",2],[4,"",2]]}
--     {"call":"/talk","stream":true,"input":[["hi",1,0]],"finish":[5,1],"frames":[[0,"hello",2],[4,"",6]]}
--     {"call":"/no","error":"plugin_handle_failed","message":"...","status":3,"ms":0}
--     {"call":"/slow","left":"timeout","ms":500}
--
-- `call` is the path or entry; `method` stands where it is not GET, `query`, `headers` (a list of pairs,
-- sorted) and `body` where they are not empty. `frames` are `[status, data, ms]`. What the caller has sent is
-- `input`, as `[data, ms, frames]` with how many frames had come by then, and `finish` the end of it, as
-- `[ms, frames]`. `error` is the code of what the host answered, with its `message` and `status`; `left` says
-- that the caller went before the answer, and why. Times are milliseconds since the call's start. What is not
-- UTF-8 stands as `{"base64":"..."}`. Tapes of version 1 say nothing of input.

local cjson = require "cjson"
local json = require "nylon_ring.io.json"

local type = type

local M = {}

local VERSION = 2

---@class nylon_ring.test.Take one recorded call
---@field call string the path or entry
---@field method? string where it is not GET
---@field query? string where there is one
---@field headers? [string, string][] sorted
---@field body? string where it is not empty
---@field notify? boolean no answer was wanted
---@field stream? boolean a stream was wanted
---@field status? integer of the answer, or of the refusal
---@field answer? string its body
---@field frames? [integer, string, number][] status, data and time of each
---@field input? [string, number, integer][] data, time, and how many frames had come before
---@field finish? [number, integer] time, and how many frames had come before
---@field error? string code of the Error that came in place of an answer
---@field message? string its message
---@field left? string why the caller left before the answer
---@field ms? number how long it took
---@field line? integer in the file

-- ---- Writing ----

local function bytes(text)
    return json.is_utf8(text) and text or { base64 = json.base64(text) }
end

-- A list of entries, with the bytes that each has in one place as they are written.
local function entries(list, place)
    local written = {}
    for index, entry in ipairs(list or {}) do
        written[index] = { entry[1], entry[2], entry[3] }
        written[index][place] = bytes(entry[place])
    end
    return list and written
end

---@param take nylon_ring.test.Take
---@return string line
function M.encode(take)
    return json.object {
        { "call", take.call },
        { "method", take.method },
        { "query", take.query },
        { "headers", take.headers },
        { "body", take.body and bytes(take.body) },
        { "notify", take.notify },
        { "stream", take.stream },
        { "input", entries(take.input, 1) },
        { "finish", take.finish },
        { "frames", entries(take.frames, 2) },
        { "error", take.error },
        { "message", take.message },
        { "left", take.left },
        { "status", take.status },
        { "answer", take.answer and bytes(take.answer) },
        { "ms", take.ms },
    }
end

---@param plugin nylon_ring.Plugin
---@return string line
function M.head(plugin)
    return json.object {
        { "nylon_ring_tape", VERSION },
        { "plugin", plugin.name },
        { "version", plugin.version },
    }
end

local function sorted_headers(headers)
    local list = {}
    for key, value in pairs(headers) do
        local pair = type(value) == "table" and { value[1], value[2] } or { key, value }
        list[#list + 1] = { pair[1]:lower(), pair[2] }
    end
    table.sort(list, function(a, b)
        return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
    end)
    return #list > 0 and list or nil
end

local function unless(value, plain)
    return value ~= plain and value or nil
end

---What is asked for, without an answer yet.
---@param call nylon_ring.LuaCall
---@return nylon_ring.test.Take
function M.take_of(call)
    return {
        call = call.path,
        method = unless(call.method, "GET"),
        query = unless(call.query, ""),
        headers = sorted_headers(call.headers),
        body = unless(call.body, ""),
        notify = call.notified or nil,
        stream = call.stream or nil,
    }
end

-- ---- Reading ----

local TYPES = {
    call = "string",
    method = "string",
    query = "string",
    headers = "table",
    body = "string",
    notify = "boolean",
    stream = "boolean",
    status = "number",
    answer = "string",
    frames = "table",
    input = "table",
    finish = "table",
    error = "string",
    message = "string",
    left = "string",
    ms = "number",
}

-- What is wrong with a line that was read, or nil.
local function problem_of(take)
    for name, value in pairs(take) do
        if not TYPES[name] then
            return ("has '%s', which no call has"):format(tostring(name))
        elseif type(value) == "table" and value.base64 ~= nil then
            return ("has base64 in '%s' that is none"):format(name)
        elseif type(value) ~= TYPES[name] then
            return ("has a %s that is no %s"):format(name, TYPES[name])
        end
    end
    if not take.call then
        return "has no call"
    elseif not (take.notify or take.frames or take.error or take.left or take.status) then
        return "has no answer: status, frames, error or left"
    end
end

local function is_time(value)
    return value == nil or (type(value) == "number" and value >= 0)
end

local function is_count(value)
    return is_time(value) and (value == nil or value % 1 == 0)
end

local function is_status(value)
    return type(value) == "number" and is_count(value) and value < 2 ^ 32
end

-- What entries of lists look like, and the place of their bytes.
local ENTRIES = {
    frames = {
        "[status, data, ms]", 2, function(frame)
            return is_status(frame[1]) and type(frame[2]) == "string" and is_time(frame[3])
        end,
    },
    input = {
        "[data, ms, frames]", 1, function(piece)
            return type(piece[1]) == "string" and is_time(piece[2]) and is_count(piece[3])
        end,
    },
    headers = {
        "[name, value]", nil, function(pair)
            return type(pair[1]) == "string" and type(pair[2]) == "string"
        end,
    },
}

-- The bytes that a value stands for; itself where it stands for none.
local function unbytes(value)
    if type(value) == "table" and type(value.base64) == "string" then
        return json.from_base64(value.base64) or value
    end
    return value
end

-- Makes bytes of what stands as base64.
local function decode_bytes(take)
    take.body, take.answer = unbytes(take.body), unbytes(take.answer)
    for name, entry in pairs(ENTRIES) do
        for _, each in ipairs(entry[2] and type(take[name]) == "table" and take[name] or {}) do
            if type(each) == "table" then
                each[entry[2]] = unbytes(each[entry[2]])
            end
        end
    end
end

-- What is wrong with the lists of a line, or nil.
local function problem_of_lists(take)
    for name, entry in pairs(ENTRIES) do
        local shape, _, fits = unpack(entry, 1, 3)
        for _, each in ipairs(take[name] or {}) do
            if type(each) ~= "table" or not fits(each) then
                return ("has an entry of '%s' that is not %s"):format(name, shape)
            end
        end
    end
    local finish = take.finish
    if finish and not (is_time(finish[1]) and is_count(finish[2])) then
        return "has a finish that is not [ms, frames]"
    elseif take.status and not is_status(take.status) then
        return ("has a status that is none: %s"):format(tostring(take.status))
    end
end

local function read_take(line, number)
    local ok, take = pcall(cjson.decode, line)
    if not ok or type(take) ~= "table" then
        return nil, ("line %d is no JSON object"):format(number)
    end
    decode_bytes(take)
    local problem = problem_of(take) or problem_of_lists(take)
    if problem then
        return nil, ("line %d %s"):format(number, problem)
    end
    take.answer = take.answer or take.status and not take.error and "" or nil
    take.line = number
    return take
end

local function read_head(line)
    local ok, head = pcall(cjson.decode, line or "")
    if not ok or type(head) ~= "table" or not head.nylon_ring_tape then
        return nil, "it does not begin with a line of nylon_ring_tape"
    elseif head.nylon_ring_tape ~= VERSION and head.nylon_ring_tape ~= 1 then
        return nil, ("line 1: it is a tape of version %s, this is %d"):format(tostring(head.nylon_ring_tape),
            VERSION)
    end
    for _, name in ipairs { "plugin", "version" } do
        if head[name] ~= nil and type(head[name]) ~= "string" then
            return nil, ("line 1 has a %s that is no string"):format(name)
        end
    end
    return head
end

-- All lines but the first.
local function read_takes(text)
    local takes, number = {}, 1
    for line in text:gmatch "\n([^\n]*)" do
        number = number + 1
        if line:find "%S" then
            local take, problem = read_take(line, number)
            if not take then
                return nil, problem
            end
            takes[#takes + 1] = take
        end
    end
    return takes
end

---Reads a file.
---@param path string
---@return table|nil head
---@return nylon_ring.test.Take[]|string takes what is wrong, where there is no head
function M.read(path)
    local file, problem = io.open(path, "rb")
    if not file then
        return nil, problem
    end
    local text = file:read "*a"
    file:close()
    local head, takes
    head, problem = read_head(text:match "^[^\n]*")
    if head then
        takes, problem = read_takes(text)
    end
    if not takes then
        return nil, ("%s: %s"):format(path, problem)
    end
    return head, takes
end

return M
