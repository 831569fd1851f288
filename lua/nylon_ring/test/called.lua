-- The calls that plugins written in Lua have got, for `assert.called_with`.

local asked = require "nylon_ring.test.asked"
local describe = require "nylon_ring.test.describe"
local differ = require "nylon_ring.test.diff"
local lua_plugin = require "nylon_ring.lua_plugin"
local requests = require "nylon_ring.request"
local tape = require "nylon_ring.test.tape"

local type = type

local M = {}

-- How many calls of a plugin are remembered, and how many of them are shown.
local KEPT, SHOWN = 100, 10

---@class nylon_ring.test.Called
---@field [integer] nylon_ring.test.Take by their numbers; the last 100
---@field count integer of all calls

---@type table<nylon_ring.LuaPlugin, nylon_ring.test.Called>
local calls = setmetatable({}, { __mode = "k" })

function lua_plugin.on_call(plugin, call)
    local seen = calls[plugin] or { count = 0 }
    calls[plugin] = seen
    seen.count = seen.count + 1
    seen[seen.count] = tape.take_of(call)
    seen[seen.count - KEPT] = nil
end

---What a plugin was asked; nil where it is none that is written in Lua.
---@param plugin any
---@return nylon_ring.test.Called|nil
function M.of(plugin)
    if getmetatable(plugin) ~= lua_plugin.LuaPlugin then
        return nil
    end
    return calls[plugin] or { count = 0 }
end

---What is looked for: a target as it is called, or a request of which only the given fields count.
---@param target string|nylon_ring.RequestFields
---@param body string|nil
---@return nylon_ring.test.Take|nil
function M.request(target, body)
    if type(target) == "string" then
        local path, query = target:match "^([^?]*)%??(.*)$"
        return { call = path, query = query, body = body }
    end
    local fields = requests.is(target) and target._kept or target
    if type(fields) ~= "table" or type(fields.path) ~= "string" then
        return nil
    end
    return { call = fields.path, query = fields.query, method = fields.method, body = body or fields.body }
end

local function same(wanted, got, plain)
    return wanted == nil or wanted == (got or plain)
end

---A call that is as it is looked for.
---@param seen nylon_ring.test.Called
---@param request nylon_ring.test.Take
---@return nylon_ring.test.Take|nil
function M.find(seen, request)
    for number = seen.count, math.max(1, seen.count - KEPT + 1), -1 do
        local take = seen[number]
        if take.call == request.call and same(request.query, take.query, "")
            and same(request.method, take.method, "GET") and same(request.body, take.body, "") then
            return take
        end
    end
end

local function line_of(take)
    local query = take.query and "?" .. take.query or ""
    local body = take.body and " " .. describe.value(take.body) or ""
    local kind = take.notify and ", a notification" or take.stream and ", a stream" or ""
    return ("  %s %s%s%s%s"):format(take.method or "GET", take.call, query, body, kind)
end

---The last calls, a line each.
---@param seen nylon_ring.test.Called
---@return string
function M.describe(seen)
    if seen.count == 0 then
        return "There were no calls."
    end
    local first = math.max(1, seen.count - SHOWN + 1)
    local lines = { first == 1 and "The calls:" or ("The last of %d calls:"):format(seen.count) }
    for number = first, seen.count do
        lines[#lines + 1] = line_of(seen[number])
    end
    return table.concat(lines, "\n")
end

-- What is looked for, with all that does not matter as the other one has it.
local function completed(request, take)
    local function pick(name)
        local value = request[name]
        if value == nil then
            return take[name]
        end
        return value ~= "" and value or nil
    end
    return { call = request.call, query = pick "query", method = pick "method", body = pick "body",
        notify = take.notify, stream = take.stream }
end

---Why there is no such call.
---@param seen nylon_ring.test.Called
---@param request nylon_ring.test.Take
---@return string
function M.explain(seen, request)
    local first = math.max(1, seen.count - KEPT + 1)
    local nearest = asked.nearest(request, { unpack(seen, first, seen.count) }, false, completed)
    if not nearest then
        return ("Expected a call of '%s'.\nThere were no calls."):format(request.call)
    end
    local diff = differ.lists(asked.lines(completed(request, nearest)), asked.lines(nearest))
    return ("Expected a call (-), the nearest one was another (+):\n%s\n%s"):format(diff, M.describe(seen))
end

return M
