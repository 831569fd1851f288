-- One end of a connection between console and client: whole messages in both directions.
--
--     send ──▶ queue ──▶ batch ──▶ socket        what the socket does not take waits here
--     socket ──▶ lines ──▶ messages ──▶ on_message, and at last on_end
--
-- It is written without libuv's write requests: one that is under way keeps the loop alive, and a peer that
-- does not read would keep the program from ending.

local editor = require "nylon_ring.editor"
local lines = require "nylon_ring.io.lines"
local uv = require "luv"
local wire = require "nylon_ring.repl.console.wire"

local M = {}

-- A message may be this long. Whoever sends more without an end of line is none of ours.
local LONGEST = 16 * 1024 * 1024
local TOO_LONG = "a message is longer than 16 MiB"

-- Bytes that are offered to the socket at once.
local PIECE = 65536

-- Milliseconds until a full socket is offered more, and until a peer is left that does not take the rest.
local PAUSE, LINGER = 5, 2000

---@class nylon_ring.repl.Channel
---@field waiting integer bytes that the socket did not take yet
---@field private _pipe userdata
---@field private _retry userdata a timer that runs while something waits
---@field private _linger userdata a timer that runs once this end has finished
---@field private _over boolean nothing is sent or read any more
local Channel = {}
Channel.__index = Channel

---Begins to read messages. `on_end` is called once, unless this end finishes first: when the peer is gone, or
---with what it did wrong.
---@param pipe userdata a connected luv stream, which belongs to the channel from now on
---@param ops nylon_ring.repl.Ops what the peer may say
---@param on_message fun(message: table)
---@param on_end fun(err?: string)
---@return nylon_ring.repl.Channel
function M.open(pipe, ops, on_message, on_end)
    local self = setmetatable({
        waiting = 0,
        _pipe = pipe, _retry = uv.new_timer(), _linger = uv.new_timer(), _over = false,
        _queue = {}, _batch = "", _at = 1, _fresh = 0,
        _lines = lines.new(), _ops = ops, _on_message = on_message, _on_end = on_end,
    }, Channel)
    self._retry:unref()
    self._linger:unref()
    pipe:read_start(function(err, data)
        if err or not data then
            self:_end(err ~= "ECONNRESET" and err or nil) -- which a peer leaves that had not read everything
        else
            self:_take(data)
        end
    end)
    return self
end

function Channel:_end(err)
    if not self._over then
        self._pipe:read_stop()
        self._on_end(err)
    end
end

-- A message may bring the end of the channel: what came behind it is not looked at any more.
function Channel:_take(data)
    self._lines:feed(data)
    local line = self._lines:next()
    while line and not self._over do
        local message, err = wire.decode(line, self._ops)
        if not message then
            return self:_end(err)
        end
        self._on_message(message)
        line = self._lines:next()
    end
    if self._lines.waiting > LONGEST then
        self:_end(TOO_LONG)
    end
end

-- Offers the socket what waits. A broken one takes nothing any more; its reader hears of that.
function Channel:_flush()
    self._fresh = 0
    while self.waiting > 0 do
        if self._at > #self._batch then
            self._batch, self._at, self._queue = table.concat(self._queue), 1, {}
        end
        local count, _, name = self._pipe:try_write(self._batch:sub(self._at, self._at + PIECE - 1))
        if not count and name ~= "EAGAIN" then
            self._batch, self._queue, self.waiting = "", {}, 0
        elseif not count then
            return self._retry:start(PAUSE, 0, function()
                self:_flush()
            end)
        else
            self._at, self.waiting = self._at + count, self.waiting - count
            if self._over then
                self._linger:again()
            end
        end
    end
    self._retry:stop()
    if self._over then
        self:close()
    end
end

---Sends a message, or keeps it until the peer has read what was sent before.
---@param message table
---@return true|nil ok
---@return string|nil err
function Channel:send(message)
    if self._over then
        return nil, "the connection has ended"
    end
    local line = wire.encode(message) .. "\n"
    if #line > LONGEST then
        return nil, TOO_LONG
    end
    table.insert(self._queue, line)
    self.waiting, self._fresh = self.waiting + #line, self._fresh + #line
    if not self._retry:is_active() or self._fresh > PIECE then
        self:_flush()
    end
    return true
end

---Sends a last message, reads nothing any more, and closes when the peer has taken what was sent, or is left
---because it does not.
---@param message table
function Channel:finish(message)
    if self._over then
        return
    end
    self:send(message)
    self._pipe:read_stop()
    self._over = true
    if self.waiting == 0 then
        return self:close()
    end
    self._linger:start(LINGER, LINGER, function()
        self:close()
    end)
end

---Ends the connection at once.
function Channel:close()
    self._over = true
    for _, handle in ipairs { self._pipe, self._retry, self._linger } do
        if not handle:is_closing() then
            handle:close()
        end
    end
end

---What the peer has said and nobody has read, or its beginning; "" when it is gone, nil for nothing.
---@return string|nil
function Channel:peek()
    return editor.peek(self._pipe:fileno())
end

return M
