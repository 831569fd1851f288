-- The call as the handler of a plugin that is written in Lua sees it: the request, and the ways to answer.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local exchanges = require "nylon_ring.lua_plugin.exchange"
local misuse = require "nylon_ring.misuse"
local task = require "nylon_ring.task"

local next, pairs, setmetatable, tostring, type = next, pairs, setmetatable, tostring, type

local statuses = core.statuses

local M = {}

---@class nylon_ring.LuaCall
---@field path string that it was called by
---@field method string "GET" where the caller gave none
---@field query string as it came, without the "?"
---@field headers nylon_ring.Headers as the caller gave them
---@field body string any bytes
---@field state table<string, string> the call's own; lives as long as the handler wants
---@field sid string the call's number, as in logs
---@field stream boolean the caller reads a stream
---@field notified boolean the caller does not wait for an answer
---@field cancelled? string the Error code with which the caller's side ended the call
---@field private _exchange nylon_ring.Exchange
---@field private _input string[]
---@field private _no_more boolean the input is finished
---@field private _listeners (fun(code: string))[]
local Call = {}
Call.__index = Call
M.Call = Call

-- How much input may wait for the handler.
local MAX_INPUT = 64

local function leave(call, code)
    call.cancelled = code
    exchanges.tell(call._listeners, code)
    call:_wake_input()
end

---@param exchange nylon_ring.Exchange
---@param request table the texts of a checked request
---@param body string
---@param state? table<string, string>
---@return nylon_ring.LuaCall
function M.new(exchange, request, body, state)
    local own_state = {}
    for key, value in pairs(state or {}) do
        own_state[key] = value
    end
    local call = setmetatable({
        path = request.path,
        method = request.method,
        query = request.query,
        headers = request.headers or {},
        body = body,
        state = own_state,
        sid = exchange.sid,
        stream = exchange.streams,
        notified = exchange.notified,
        _exchange = exchange,
        _input = {},
        _no_more = not exchange.streams,
        _listeners = {},
    }, Call)
    exchange:on_leave(function(code)
        leave(call, code)
    end)
    return call
end

---The first value of a header, whatever the case of its name.
---@param name string
---@return string|nil
function Call:header(name)
    name = name:lower()
    for key, value in pairs(self.headers) do
        if type(value) == "table" then
            key, value = value[1], value[2]
        end
        if key:lower() == name then
            return value
        end
    end
end

---The request, to be handed on to another plugin.
---@return nylon_ring.RequestFields
function Call:request()
    return {
        path = self.path,
        method = self.method,
        query = self.query,
        headers = self.headers,
        body = self.body,
        state = next(self.state) ~= nil and self.state or nil,
    }
end

-- ---- Answers ----

local function check_data(data)
    if data == nil then
        return ""
    elseif type(data) ~= "string" then
        misuse("an answer's data must be a string, not %s", type(data))
    end
    return data
end

-- `(status, data)`, or `(data)` with the status that it stands for.
local function parts(status, data, default)
    if type(status) == "number" then
        if status % 1 ~= 0 or status < 0 or status >= 2 ^ 32 then -- not NaN either
            misuse("a status is a whole number of 32 bits, not %s", tostring(status))
        end
        return status, check_data(data)
    end
    return default, check_data(status)
end

---Answers. On a stream, a status of Ok is a frame with the body and the end after it; any other status is
---the end. False where the call is over: the answer is dropped, and counted as late or duplicate.
---@param status? integer Ok by default
---@param body? string
---@return boolean taken
function Call:reply(status, body)
    status, body = parts(status, body, statuses.OK)
    local exchange = self._exchange
    if exchange.streams and status == statuses.OK then
        if body ~= "" and not self:frame(body) then
            return false
        end
        status, body = statuses.STREAM_END, ""
    end
    return (exchange:send(status, body))
end

---Answers with status Err, or another one that says what went wrong.
---@param status? integer
---@param text? string
---@return boolean taken
function Call:fail(status, text)
    return (self._exchange:send(parts(status, text, statuses.ERR)))
end

---Refuses the call: the caller gets `nil` and an Error `plugin_handle_failed` with this status.
---@param status? integer Unsupported by default
---@return boolean taken
function Call:refuse(status)
    status = status or statuses.UNSUPPORTED
    local err = self._exchange:error("plugin_handle_failed", status, core.status_name(status))
    err.status = status
    return self._exchange:stop(err)
end

---Ends the call with an Error of the caller's side, as it came from another plugin.
---@param err nylon_ring.Error
---@return boolean taken
function Call:stop(err)
    if not errors.is(err) then
        misuse "call:stop takes an Error; call:fail takes a status and a text"
    end
    return self._exchange:stop(err)
end

---Offers a frame, without waiting. Where the queue is full it is not taken: `false, "backpressure"`.
---@param data string
---@return boolean taken
---@return "backpressure"|"ended"|nil why not
function Call:offer(data)
    return self._exchange:send(statuses.OK, check_data(data))
end

---Sends a frame; suspends while the reader's queue is full. False where the stream is over.
---@async
---@param data string
---@return boolean taken
function Call:frame(data)
    data = check_data(data)
    local exchange = self._exchange
    while exchange.open and exchange.streams and exchange:is_full(#data) do
        self:_await_room(#data)
    end
    return (exchange:send(statuses.OK, data))
end

---Ends a stream.
---@param status? integer StreamEnd by default; for a unary call Ok
---@param data? string
---@return boolean taken
function Call:finish(status, data)
    local default = self.stream and statuses.STREAM_END or statuses.OK
    return (self._exchange:send(parts(status, data, default)))
end

-- Suspends until there is room, if there is none for so many bytes.
function Call:_await_room(size)
    local exchange = self._exchange
    if not exchange:is_full(size) then
        return
    end
    local current, waiting = task.must_suspend(), true
    exchange:on_room(current, function()
        if waiting then
            task.wake(current)
        end
    end)
    task.park(current, function()
        waiting = false
        exchange:on_room(current, nil)
    end, ("room in %s %s"):format(exchange.plugin.name, exchange.target))
end

---Suspends until half of the reader's queue is free, or the stream is over.
---@async
---@return boolean writable
function Call:writable()
    if self._exchange.open then
        self:_await_room(0)
    end
    return self._exchange.open
end

---Has a function called when the caller's side ends the call: with the Error's code.
---@param fn fun(code: string)
function Call:on_cancel(fn)
    table.insert(self._listeners, fn)
end

-- ---- Input ----

---@return boolean taken
function Call:_take_input(data)
    if #self._input >= MAX_INPUT then
        return false
    end
    table.insert(self._input, data)
    self:_wake_input()
    return true
end

function Call:_finish_input()
    self._no_more = true
    self:_wake_input()
end

function Call:_wake_input()
    local waiting = self._waiting
    self._waiting = nil
    if waiting then
        task.wake(waiting)
    end
end

---The next piece that the caller has sent into the stream; suspends until there is one. Nil when no more
---comes.
---@async
---@return string|nil
function Call:recv()
    if self._waiting then
        misuse "another task reads this call's input already: let one task read it"
    end
    while not self._input[1] and not self._no_more and self._exchange.open do
        local current = task.must_suspend()
        self._waiting = current
        self._exchange:on_room(self, function()
            self:_wake_input() -- the stream may be over
        end)
        task.park(current, function()
            self._waiting = nil
        end, ("input of %s %s"):format(self._exchange.plugin.name, self._exchange.target))
    end
    return (table.remove(self._input, 1))
end

return M
