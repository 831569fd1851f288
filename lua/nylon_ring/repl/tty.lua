-- The terminal's descriptor on the loop: says when there is something to read, and writes without waiting for
-- ever. A terminal may take less than comes, or nothing at all: its window hangs, its connection is gone.
--
--     write ──▶ terminal
--        └──▶ queue ──▶ terminal, when the loop says that it takes more
--
-- Who writes while the queue is full waits as long as the terminal takes something now and then. After that
-- what is written is dropped, until all that waits has been taken; how much it was is told then.

local editor = require "nylon_ring.editor"
local uv = require "luv"

local M = {}

local MOST = 256 * 1024 -- bytes that wait, before who writes does
local PATIENCE = 100 -- milliseconds without anything taken
local PIECE = 16 * 1024 -- bytes that are written at once

---@class nylon_ring.repl.Tty
---@field fd integer
---@field on_lost fun(bytes: integer) so much was dropped before
---@field private _poll? userdata
---@field private _on_read? fun(err?: string) set while it is read
---@field private _held boolean nothing is written now
---@field private _stalled boolean it takes nothing
---@field private _queue string[]
---@field private _first integer index in the queue
---@field private _last integer index in the queue
---@field private _waiting integer bytes in the queue
---@field private _lost integer bytes that were dropped
local Tty = {}
Tty.__index = Tty

---@param fd integer
---@return nylon_ring.repl.Tty
function M.new(fd)
    return setmetatable({
        fd = fd, _held = false, _stalled = false, _queue = {}, _first = 1, _last = 0, _waiting = 0, _lost = 0,
    }, Tty)
end

-- The loop looks for what is wanted now.
function Tty:_watch()
    local writes = self._waiting > 0 and not self._held
    local events = (self._on_read and "r" or "") .. (writes and "w" or "")
    if events == "" then
        return self._poll:stop()
    end
    assert(self._poll:start(events, function(err, ready)
        if not err and ready:find "w" then
            self:_put_queue()
            self:_settle()
        end
        if self._on_read and (err or ready:find "r") then
            self._on_read(err)
        end
    end))
end

-- Answers what it has not taken.
function Tty:_put(text)
    local at = 1
    while at <= #text do
        local written, _, name = uv.fs_write(self.fd, text:sub(at, at + PIECE - 1), -1)
        if written then
            at = at + written
        elseif name == "EAGAIN" then
            return text:sub(at)
        elseif name ~= "EINTR" then
            return "" -- it is gone: its hangup ends us
        end
    end
    return ""
end

function Tty:_put_queue()
    while self._waiting > 0 do
        local text = self._queue[self._first]
        local rest = self:_put(text)
        self._waiting = self._waiting - #text + #rest
        if rest ~= "" then
            self._queue[self._first] = rest
            return
        end
        self._queue[self._first] = nil
        self._first = self._first + 1
    end
end

-- Once all has been taken, what comes is written again.
function Tty:_settle()
    if self._waiting == 0 then
        self._stalled = false
        local lost = self._lost
        self._lost = 0
        if lost > 0 then
            self.on_lost(lost)
        end
    end
    self:_watch()
end

-- Waits until no more than so many bytes wait. False: it takes nothing.
function Tty:_shrink(most)
    while self._waiting > most do
        local before = self._waiting
        if editor.await_writable(self.fd, PATIENCE) then
            self:_put_queue()
        end
        if self._waiting == before then
            return false
        end
    end
    return true
end

---@param text string
function Tty:write(text)
    if self._waiting == 0 and not self._held then
        text = self:_put(text)
        if text == "" then
            return
        end
    elseif self._waiting > MOST and not self._stalled then
        self._stalled = self._held or not self:_shrink(MOST)
    end
    if self._stalled then
        self._lost = self._lost + #text
        return
    end
    self._last = self._last + 1
    self._queue[self._last] = text
    self._waiting = self._waiting + #text
    self:_watch()
end

-- ---- Whose it is --------------------------------------------------------------------------------

---Begins. The descriptor does not block from then on.
function Tty:open()
    self._poll = uv.new_poll(self.fd)
end

---Takes the terminal: reads it, and writes what has waited.
---@param on_read fun(err?: string) called whenever there is something to read
function Tty:take(on_read)
    self._on_read, self._held = on_read, false
    self:_settle()
end

---Leaves the terminal to somebody else: what is typed is for them, and what is written from now on waits.
function Tty:lend()
    self._on_read = nil
    self:_shrink(0)
    self._held = true
    self:_watch()
end

---Ends; what waits is given a last chance.
function Tty:close()
    self._on_read, self._held = nil, false
    self:_shrink(0)
    if not self._poll:is_closing() then
        self._poll:close()
    end
end

return M
