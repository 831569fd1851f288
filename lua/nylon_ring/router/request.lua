-- A request as handlers and middleware see it: the caller's own request with `params`, a parsed `query`
-- and `ext` added. What a handler sets on it stays here; the caller's request is never changed.

local query = require "nylon_ring.query"
local requests = require "nylon_ring.request"

local M = {}

---@class nylon_ring.RouterRequest : nylon_ring.RequestFields
---@field method string "GET" where the caller gave none
---@field path string as it came, encoded
---@field params table<string, string> what `:name` and `*rest` stand for, decoded
---@field query table<string, string> parsed when it is first read: the first value of every name
---@field query_string string as it came
---@field ext table for scripts only, never sent
---@field private _original table

-- What a plugin gets to see.
local SENT = { "method", "path", "query", "headers", "body", "state" }

local computed = {}

function computed.query(request)
    return query.parse(request.query_string)
end

function computed.query_string(request)
    local original = rawget(request, "_original").query
    if type(original) == "table" then
        return query.encode(original)
    end
    return original or ""
end

function computed.ext(request)
    return rawget(request, "_original").ext or {}
end

function computed.params()
    return {}
end

function computed.method(request)
    return rawget(request, "_original").method or "GET"
end

local RouterRequest = {}

function RouterRequest.__index(request, key)
    local compute = computed[key]
    if not compute then
        return rawget(request, "_original")[key]
    end
    local value = compute(request)
    rawset(request, key, value)
    return value
end

---@param request table
---@return nylon_ring.RouterRequest
function M.wrap(request)
    if getmetatable(request) == RouterRequest then
        return request
    end
    requests.check_fields(request)
    return setmetatable({ _original = request }, RouterRequest)
end

local function query_of(request)
    local changed = rawget(request, "query")
    if type(changed) == "table" then
        return query.encode(changed)
    end
    return changed or request.query_string
end

local function is_changed(request, original)
    for _, field in ipairs(SENT) do
        local own = rawget(request, field)
        if field == "query" then
            if own ~= nil and query_of(request) ~= request.query_string then
                return true
            end
        elseif own ~= nil and own ~= original[field] and not (field == "method" and not original.method) then
            return true
        end
    end
    return false
end

---What is passed on to a plugin: the caller's own request, or a copy with what was changed on the way.
---@param request table
---@return table
function M.unwrap(request)
    if getmetatable(request) ~= RouterRequest then
        return request
    end
    local original = rawget(request, "_original")
    if not is_changed(request, original) then
        return original
    end
    local copy = {}
    for _, field in ipairs(SENT) do
        copy[field] = request[field]
    end
    copy.query = query_of(request)
    return copy
end

return M
