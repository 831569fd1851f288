-- Requests: what a script gives in a table becomes views that the plugin sees.
--
-- The views point into the Lua strings. Whoever fills one keeps the strings in a table for as long as a
-- call may be started with it: a prepared request in itself, the scratch request in the caller's own table.

local core = require "nylon_ring.core"
local fast = require "nylon_ring.fast"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local query = require "nylon_ring.query"

local getmetatable, pairs, setmetatable, type = getmetatable, pairs, setmetatable, type

local M = {}

---@alias nylon_ring.Headers table<string, string>|[string, string][] a list where order or repetition matters

---@class nylon_ring.RequestFields
---@field path string where it goes; for a v2 plugin the entry's name
---@field method? string "GET" by default
---@field query? string|table without the "?"; a table is encoded
---@field headers? nylon_ring.Headers in pairs, where order or repetition matters
---@field body? string any bytes
---@field state? table<string, string> first values of the call's state
---@field ext? table for scripts only, never sent

local FIELDS = {
    path = true, method = true, query = true, headers = true, body = true, state = true, ext = true,
}

---@class nylon_ring.Request: nylon_ring.RequestFields
---@field package _c ffi.cdata* what the bridge starts calls with
---@field package _slow integer|false|nil so many calls still go the way that suspends
---@field package _kept table every string that the views point into
local Request = {}
Request.__index = Request
M.Request = Request

local headers_type = ffi.typeof "NrHeader[?]"
local fields = ffi.new "NrRequest"

---Raises where a table has a field that is none of a request's. What has a metatable may have more: a request
---that was prepared, or that a router hands on.
---@param from table
function M.check_fields(from)
    if getmetatable(from) ~= nil then
        return
    end
    for name in pairs(from) do
        if not FIELDS[name] then
            options.unknown("a request", "field", name, FIELDS)
        end
    end
end

local function set_text(view, value, name)
    if type(value) ~= "string" then
        misuse("a request's %s must be a string, not %s", name, type(value))
    end
    view.ptr, view.len = value, #value
end

local function set_header(header, key, value)
    if type(key) ~= "string" or type(value) ~= "string" then
        misuse("headers take strings as keys and as values; this one is %s = %s", tostring(key), type(value))
    end
    header.key.ptr, header.key.len = key, #key
    header.value.ptr, header.value.len = value, #value
end

local function check_headers(headers)
    if type(headers) ~= "table" then
        misuse("a request's headers must be a table, not %s", type(headers))
    end
    return headers
end

local function count(headers)
    local n = 0
    for _ in pairs(headers) do
        n = n + 1
    end
    return n
end

local function fill_list(array, headers, n)
    for i = 1, n do
        local pair = headers[i]
        if type(pair) ~= "table" then -- nil: one that `count` has counted has a name
            misuse("headers are { [key] = value } or { { key, value }, ... }, not both")
        end
        set_header(array[i - 1], pair[1], pair[2])
    end
end

local function fill_map(array, headers)
    local i = 0
    for key, value in pairs(headers) do
        set_header(array[i], key, value)
        i = i + 1
    end
end

-- Fills `array`, or a new one where that is too short; returns the one it filled.
local function fill_headers(array, capacity, headers)
    local n = count(check_headers(headers))
    if n > capacity then
        array, capacity = headers_type(n), n
    end
    if headers[1] ~= nil then
        fill_list(array, headers, n)
    else
        fill_map(array, headers)
    end
    fields.headers, fields.headers_len = array, n
    return array, capacity
end

local function fill_texts(path, method, query_string)
    set_text(fields.path, path, "path")
    set_text(fields.method, method, "method")
    set_text(fields.query, query_string, "query")
    fields.headers, fields.headers_len = nil, 0
end

local function check_body(body)
    if type(body) ~= "string" then
        misuse("a body must be a string, not %s", type(body))
    end
    return body
end
M.check_body = check_body

---Raises where it is no table of strings; answers it.
---@param state any
---@return table<string, string>
function M.check_state(state)
    if type(state) ~= "table" then
        misuse("state must be a table of strings, not %s", type(state))
    end
    for key, value in pairs(state) do
        if type(key) ~= "string" or type(value) ~= "string" then
            misuse("state takes strings as keys and as values; one is %s = %s", tostring(key), type(value))
        end
    end
    return state
end

-- ---- Prepared ----

-- Makes what C starts calls with of `fields`. Nil and an Error when a text is not UTF-8.
local function prepare(object)
    local c = ffi.new "nr_request_t"
    if fast.prepare(fast, c, fields) ~= 0 then
        return core.failure()
    end
    object._c = c
    return object
end

-- Of headers or of a state.
local function copy(from)
    local to = {}
    for key, value in pairs(from) do
        to[key] = type(value) == "table" and { value[1], value[2] } or value
    end
    return to
end

---Checks a request once, so that it can be called often. It is a copy: what is changed in either of the two
---later is not sent.
---@param from nylon_ring.RequestFields
---@return nylon_ring.Request|nil request nil where a text is not UTF-8
---@return nylon_ring.Error? err
function M.new(from)
    if type(from) ~= "table" then
        misuse("nr.request takes a table, not %s", type(from))
    end
    M.check_fields(from)
    local kept = {
        path = from.path,
        method = from.method or "GET",
        query = type(from.query) == "table" and query.encode(from.query) or from.query or "",
        headers = from.headers and copy(check_headers(from.headers)),
        body = check_body(from.body or ""),
        state = from.state and copy(M.check_state(from.state)),
    }
    fill_texts(kept.path, kept.method, kept.query)
    if kept.headers then
        kept.array = fill_headers(nil, 0, kept.headers)
    end
    local request = setmetatable({ _kept = kept, ext = from.ext }, Request)
    for _, name in ipairs { "path", "method", "query", "headers", "body", "state" } do
        request[name] = kept[name]
    end
    return prepare(request)
end

---What the short form `plugin:call("/path?query")` prepares.
---@param target string
---@param has_query boolean v1: what comes after "?" is the query
---@return nylon_ring.Request|nil
---@return nylon_ring.Error?
function M.of_target(target, has_query)
    local path, query_string = target, ""
    if has_query then
        path, query_string = target:match "^([^?]*)%??(.*)$"
    end
    local kept = { path = path, method = "GET", query = query_string, body = "" }
    fill_texts(kept.path, kept.method, kept.query)
    return prepare(setmetatable({ _kept = kept, body = "" }, Request))
end

-- ---- Scratch ----

local scratch = ffi.new "nr_request_t"
local scratch_headers, scratch_capacity = headers_type(16), 16
-- Keeps the query that was made of a table while the call starts.
local kept = {}

-- Compiled code does not make a table whose fields it knows, unless something looks through it. So the fields
-- of a plugin's first requests are checked, and then those of some: a script that misspells one hears of it
-- when it is tried, or else when it has called often. The check itself is not compiled, lest it become a part
-- of the loop that it is seldom needed in.
local CHECKED, THEN_EVERY = 1000, 256
jit.off(M.check_fields)

---Fills the one scratch request of a table that is used once. It is good until the next one is filled, and
---for starting a call, not beyond.
---@param from nylon_ring.RequestFields
---@param nth integer so many requests in tables has the plugin had, this one counted
---@return ffi.cdata*|nil
---@return table|nylon_ring.Error what is kept for it
function M.fill(from, nth)
    if nth <= CHECKED or nth % THEN_EVERY == 0 then
        M.check_fields(from)
    end
    local query_string = from.query or ""
    if type(query_string) == "table" then
        query_string = query.encode(query_string)
        kept.query = query_string
    end
    fill_texts(from.path, from.method or "GET", query_string)
    local headers = from.headers
    if headers then
        scratch_headers, scratch_capacity = fill_headers(scratch_headers, scratch_capacity, headers)
    end
    if fast.prepare(fast, scratch, fields) ~= 0 then
        return core.failure()
    end
    return scratch, kept
end

---@param value any
---@return boolean
function M.is(value)
    return getmetatable(value) == Request
end

---@param value any
function M.check(value)
    if type(value) ~= "table" then
        misuse("a request is a string (path or entry), a table, or one of nr.request; not %s", type(value))
    end
end

return M
