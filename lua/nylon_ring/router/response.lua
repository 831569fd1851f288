-- What a handler answers, whatever its form, as one kind of table: `code`, `headers`, and `body` or
-- `stream`.

local errors = require "nylon_ring.errors"

local M = {}

---@class nylon_ring.Response
---@field code integer as in HTTP
---@field headers table those of the answer, as the handler gave them
---@field body string empty where there is a stream
---@field stream? nylon_ring.Stream its frames are the body
---@field cause? any why it is not a success, where that was an error: an Error, or what was raised

-- Statuses of plugins. Those that are not listed are failures of the plugin.
local STATUS_CODES = { [0] = 200, [1] = 500, [2] = 400, [3] = 404, [4] = 200, [6] = 503 }

local ERROR_CODES = {
    timeout = 504,
    plugin_unloaded = 503,
    plugin_not_found = 503,
    plugin_busy = 503,
    backpressure = 503,
    too_many_calls = 503,
    cancelled = 503,
    entry_not_found = 404,
    invalid_request = 400,
    too_large = 413,
    unsupported = 501,
}

local REASONS = {
    [400] = "Bad Request",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [413] = "Content Too Large",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [503] = "Service Unavailable",
    [504] = "Gateway Timeout",
}

local function new(code, body, headers)
    return { code = code, headers = headers or {}, body = body }
end

local function has_method(value, name)
    local kind = type(value)
    return (kind == "table" or kind == "userdata") and type(value[name]) == "function"
end

---A response of the router's own: the code's reason is its body.
---@param code integer
---@param headers? table
---@return nylon_ring.Response
function M.plain(code, headers)
    return new(code, REASONS[code] or "", headers)
end

---What an error comes to. The text of the error stays out of the body: it may tell more than a client
---should know.
---@param err any
---@return nylon_ring.Response
function M.of_error(err)
    local code = 500
    if errors.is(err, "plugin_handle_failed") then
        code = STATUS_CODES[err.status] or 500
    elseif errors.is(err) then
        code = ERROR_CODES[err.code] or 500
    end
    local response = M.plain(code)
    response.cause = err
    return response
end

local function text(body)
    if body == nil then
        return ""
    elseif type(body) == "string" or type(body) == "number" then
        return tostring(body)
    end
    error(("a response's body is a string, not a %s"):format(type(body)), 0)
end

local function of_status(status, body)
    local code = status >= 100 and status or STATUS_CODES[status] or 500
    return new(code, text(body))
end

local function of_stream(stream)
    local response = new(200, "")
    response.stream = stream
    return response
end

local function of_table(answer)
    local body, stream = answer.body, answer.stream
    if has_method(body, "recv") then
        body, stream = nil, body
    end
    if not answer.code and body == nil and not stream then
        error("a table that is answered needs a code, a body or a stream", 0)
    elseif answer.code and type(answer.code) ~= "number" then
        error(("a response's code is a number, not a %s"):format(type(answer.code)), 0)
    end
    local response = new(answer.code or 200, text(body), answer.headers)
    response.stream, response.cause = stream, answer.cause
    return response
end

---@param count integer how many values were answered
---@param first any
---@param second any
---@return nylon_ring.Response
function M.normalise(count, first, second)
    local kind = type(first)
    if first == nil and second ~= nil then
        return M.of_error(second)
    elseif count == 0 or first == nil then
        return new(204, "")
    elseif kind == "number" then
        return of_status(first, second)
    elseif kind == "string" then
        return new(200, first)
    elseif has_method(first, "recv") then
        return of_stream(first)
    elseif kind == "table" then
        return of_table(first)
    end
    error(("a handler answered a %s"):format(kind), 0)
end

return M
