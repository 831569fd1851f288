-- The file of recorded calls, for `record` and `replay`: text, one JSON object a line, to be read, searched,
-- edited and compared. The first line says what it is:
--
--     {"nylon_ring_tape":1,"plugin":"packages","version":"0.3.0"}
--
-- Each other line is one call, in the order of their ends:
--
--     {"call":"/users/7","status":0,"answer":"Ada","ms":3}
--     {"call":"/log","method":"POST","body":"x","notify":true}
--     {"call":"/count","query":"n=1","stream":true,"frames":[[0,"1",2],[4,"",2]]}
--     {"call":"/no","error":"plugin_handle_failed","message":"...","status":3,"ms":0}
--     {"call":"/slow","left":"timeout","ms":500}
--
-- `call` is the path or entry; `method` stands where it is not GET, `query`, `headers` (a list of pairs,
-- sorted) and `body` where they are not empty. `frames` are `[status, data, ms]`. `error` is the code of
-- what the host answered, with its `message` and `status`; `left` says that the caller went before the
-- answer, and why. Times are milliseconds since the call's start. What is not UTF-8 stands as
-- `{"base64":"..."}`.

local cjson = require "cjson"
local json = require "nylon_ring.cli.json"
local uv = require "luv"

local type = type

local M = {}

local VERSION = 1

---@class nylon_ring.test.Take one recorded call
---@field call string
---@field method? string
---@field query? string
---@field headers? [string, string][]
---@field body? string
---@field notify? boolean
---@field stream? boolean
---@field status? integer
---@field answer? string
---@field frames? [integer, string, number][]
---@field error? string
---@field message? string
---@field left? string
---@field ms? number
---@field line? integer in the file

-- ---- Writing ----

local function bytes(text)
    return json.is_utf8(text) and text or { base64 = json.base64(text) }
end

local function frames_of(take)
    local list = {}
    for index, frame in ipairs(take.frames) do
        list[index] = { frame[1], bytes(frame[2]), frame[3] }
    end
    return list
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
        { "frames", take.frames and frames_of(take) },
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

local function from_base64(text)
    local out, bits, count = {}, 0, 0
    for char in text:gmatch "[%w+/]" do
        local value = json.alphabet:find(char, 1, true) - 1
        bits, count = bits * 64 + value, count + 6
        if count >= 8 then
            count = count - 8
            out[#out + 1] = string.char(math.floor(bits / 2 ^ count))
            bits = bits % 2 ^ count
        end
    end
    return table.concat(out)
end

local function unbytes(value)
    if type(value) == "table" and type(value.base64) == "string" then
        return from_base64(value.base64)
    end
    return value
end

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

local function is_frame(frame)
    return type(frame) == "table" and type(frame[1]) == "number" and type(frame[2]) == "string"
end

-- Makes bytes of what stands as base64; answers what is wrong, or nil.
local function decode_bytes(take)
    take.body, take.answer = unbytes(take.body), unbytes(take.answer)
    for _, frame in ipairs(type(take.frames) == "table" and take.frames or {}) do
        if type(frame) == "table" then
            frame[2] = unbytes(frame[2])
        end
        if not is_frame(frame) then
            return "has a frame that is not [status, data, ms]"
        end
    end
end

local function read_take(line, number)
    local ok, take = pcall(cjson.decode, line)
    if not ok or type(take) ~= "table" then
        return nil, ("line %d is no JSON object"):format(number)
    end
    local problem = decode_bytes(take) or problem_of(take)
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
    elseif head.nylon_ring_tape ~= VERSION then
        return nil, ("it is a tape of version %s, this is %d"):format(tostring(head.nylon_ring_tape), VERSION)
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

---@return number milliseconds, of the clock that is moved by hand where there is one
function M.now()
    local clock = require("nylon_ring.timers").by_hand()
    if clock then
        return clock:now()
    end
    uv.update_time()
    return uv.now()
end

return M
