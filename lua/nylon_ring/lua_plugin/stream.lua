-- The caller's end of a stream of a plugin that is written in Lua: the same methods as a native one's.

local errors = require "nylon_ring.errors"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local requests = require "nylon_ring.request"
local streams = require "nylon_ring.stream"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"

local pcall, setmetatable = pcall, setmetatable

local M = {}

---@class nylon_ring.LuaStream: nylon_ring.Stream
---@field plugin nylon_ring.LuaPlugin whose stream it is
---@field private _exchange nylon_ring.Exchange
---@field private _call nylon_ring.LuaCall takes the input
---@field private _timeout number
---@field private _owner nylon_ring.Task|nil
---@field private _closed boolean
---@field private _held { [1]: boolean } whether the stream is open; shared with the finalizer
---@field private _guard ffi.cdata* gives the stream up when it is collected
local LuaStream = {
    frames = streams.Stream.frames,
    each = streams.Stream.each,
}
LuaStream.__index = LuaStream

-- Everything that a close does for the handler. Not the stream's method: a finalizer has no stream.
local function give_up(exchange, held)
    if held[1] then
        held[1] = false
        exchange:give_up "cancelled"
    end
end

-- Handlers must not run inside the collector: they hear of it in the loop's next turn. Nor may anything be
-- raised there, which LuaJIT does not survive everywhere, whatever a script has made of luv's functions.
local function new_guard(exchange, held)
    local entry = timers.deferrable(function()
        give_up(exchange, held)
    end)
    return ffi.gc(ffi.new "char[1]", function()
        if held[1] then
            pcall(timers.defer, entry)
        end
    end)
end

---@param exchange nylon_ring.Exchange
---@param call nylon_ring.LuaCall
---@param timeout number
---@param deadline number
---@return nylon_ring.LuaStream
function M.new(exchange, call, timeout, deadline)
    exchange:set_deadline(deadline)
    local held = { true }
    local stream = setmetatable({
        plugin = exchange.plugin,
        _exchange = exchange,
        _call = call,
        _timeout = timeout,
        _closed = false,
        _held = held,
        _guard = new_guard(exchange, held),
    }, LuaStream)
    stream._owner = task.adopt(stream)
    if streams.on_open then
        streams.on_open(stream)
    end
    return stream
end

local function closed_by_another()
    return errors.new { code = "cancelled", message = "the stream was closed by another task" }
end

---The next frame; suspends until there is one. Nothing after the ending frame.
---@async
---@return integer|nil status nil after the end, and when the host ended the stream
---@return string|nylon_ring.Error|nil data
function LuaStream:recv()
    if self._closed then
        return nil
    end
    local exchange = self._exchange
    if exchange:is_read() then
        misuse "another task reads this stream already: let one task read it"
    end
    local status, data = exchange:take()
    while not status and exchange.open do
        exchange:wait(self._timeout)
        status, data = exchange:take()
    end
    if status then
        return status, data
    elseif self._closed then
        return nil, closed_by_another()
    end
    return nil, exchange.err
end

---Gives the stream up. Once or more often, and after its end as well.
function LuaStream:close()
    if not self._closed then
        self._closed = true
        task.release(self._owner, self)
        self._exchange:drop()
        give_up(self._exchange, self._held)
    end
end

-- Why no input is taken any more, or nil.
local function refuses_input(stream)
    if stream._closed or stream._finished or not stream._exchange.open then
        return errors.new {
            code = "stream_ended",
            message = stream._closed and "the stream was closed" or "the stream takes no more input",
            plugin = stream.plugin.name,
        }
    end
end

---Offers the handler a frame of input. An Error `backpressure` means that it was not taken: offer it again
---later.
---@param data string
---@return true|nil ok
---@return nylon_ring.Error? err
function LuaStream:send(data)
    local err = refuses_input(self)
    if err then
        return nil, err
    elseif not self._call:_take_input(requests.check_body(data)) then
        return nil,
            errors.new {
                code = "backpressure",
                message = ("plugin '%s' takes no input now: offer it again later"):format(self.plugin.name),
                plugin = self.plugin.name,
            }
    end
    return true
end

---Tells the handler that no more input comes.
---@return true|nil ok
---@return nylon_ring.Error? err
function LuaStream:finish()
    local err = refuses_input(self)
    if err then
        return nil, err
    end
    self._finished = true
    self._call:_finish_input()
    return true
end

---@return fun(): boolean is_open whether it is neither closed nor read to its end; does not hold the stream
function LuaStream:_probe()
    local held, exchange = self._held, self._exchange
    return function()
        return held[1] and (exchange.open or exchange:has_frames())
    end
end

---@return string target what was called
---@return integer frames read so far
function LuaStream:_progress()
    return self._exchange.target, self._exchange:frames_read()
end

---The call's number as text; nil once it is closed.
---@return string|nil
function LuaStream:sid()
    return not self._closed and self._exchange.sid or nil
end

return M
