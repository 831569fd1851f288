-- One call or stream to a plugin that is written in Lua: what lies between the caller and the handler.
--
--      caller   ── wait, take, give_up ──▶  exchange  ◀── send, stop ──   handler
--
-- It is open until the handler ends it or the caller gives it up; what the handler sends after that is
-- dropped and counted, as a duplicate or as late. All on the loop's thread.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local report = require "nylon_ring.report"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"

local error, ipairs, next, pairs = error, ipairs, next, pairs
local pcall, setmetatable, xpcall = pcall, setmetatable, xpcall

local OK, STREAM_END = core.statuses.OK, core.statuses.STREAM_END

local M = {}

-- The limits that native plugins which see Backpressure have.
local MAX_FRAMES, LEAST_FRAMES, MAX_BYTES = 256, 64, 4 * 1024 * 1024

local MESSAGES = {
    timeout = "plugin '%s' did not answer '%s' within %d ms",
    deadline = "plugin '%s' did not end '%s' within %d ms",
    plugin_unloaded = "plugin '%s' was unloaded before it answered '%s'",
    cancelled = "plugin '%s': the caller gave '%s' up",
    plugin_handle_failed = "plugin '%s' refused '%s' with status %d (%s)",
}

-- Of an Error, where it is not what the message is called.
local CODES = { deadline = "timeout" }

local last_sid = 0

---@type table<nylon_ring.Exchange, true> all that have not ended, of every plugin
local open = {}

---@class nylon_ring.Exchange
---@field plugin nylon_ring.LuaPlugin
---@field target string
---@field sid string
---@field streams boolean
---@field notified boolean nobody waits for an answer
---@field open boolean
---@field left? string the code with which the caller's side ended it
---@field status? integer a unary call's answer
---@field body? string
---@field err? nylon_ring.Error how the host ended it
---@field package _reader? nylon_ring.Task
---@field package _on_leave (fun(code: string))[] who hears that it was given up
---@field package _on_room table<any, fun()> who hears that there is room
local Exchange = {}
Exchange.__index = Exchange

---@class nylon_ring.ExchangeOptions
---@field streams boolean
---@field notified? boolean
---@field max_frames? number 0: the default
---@field max_bytes? number

---Called with each that is begun, where set: a test runner remembers where that was.
---@type fun(exchange: nylon_ring.Exchange)|nil
M.on_open = nil

---@param plugin nylon_ring.LuaPlugin
---@param target string
---@param options nylon_ring.ExchangeOptions
---@return nylon_ring.Exchange
function M.new(plugin, target, options)
    last_sid = last_sid + 1
    local frames, bytes = options.max_frames or 0, options.max_bytes or 0
    plugin._counts.calls = plugin._counts.calls + 1
    plugin._counts.in_flight = plugin._counts.in_flight + 1
    local exchange = setmetatable({
        plugin = plugin,
        target = target,
        sid = ("%d"):format(last_sid),
        streams = options.streams,
        notified = options.notified == true,
        open = true,
        _first = 1,
        _last = 0,
        _bytes = 0,
        _max_frames = frames > 0 and math.max(frames, LEAST_FRAMES) or MAX_FRAMES,
        _max_bytes = bytes > 0 and bytes or MAX_BYTES,
        _on_leave = {},
        _on_room = {},
    }, Exchange)
    plugin._open[exchange], open[exchange] = true, true
    if M.on_open then
        M.on_open(exchange)
    end
    return exchange
end

-- ---- The end ----

local function count(exchange, name)
    local counts = exchange.plugin._counts
    counts[name] = counts[name] + 1
end

local function wake_reader(exchange)
    local reader = exchange._reader
    exchange._reader = nil
    if reader then
        task.wake(reader)
    end
end

-- Those that hear of room may wait for it anew: they find a new list.
local function tell_room(exchange)
    local listeners = exchange._on_room
    if next(listeners) ~= nil then
        exchange._on_room = {}
        for _, listener in pairs(listeners) do
            listener()
        end
    end
end

---Calls listeners in the order in which they asked to hear it. What one raises is told, and keeps it from
---nobody else.
---@param listeners (fun(code: string))[]
---@param code string
function M.tell(listeners, code)
    for _, listener in ipairs(listeners) do
        local ok, err = xpcall(listener, report.keep_stack, code)
        if not ok then
            report.deliver(err.raised, err.traceback)
        end
    end
end

-- Closes the books and tells: the handler where it did not end the call itself, then who waits. Once.
local function close(exchange, counter)
    exchange.open = false
    exchange.plugin._open[exchange] = nil
    open[exchange] = nil
    exchange.plugin._counts.in_flight = exchange.plugin._counts.in_flight - 1
    count(exchange, counter)
    if exchange._deadline then
        timers.cancel(exchange._deadline)
    end
    if exchange.left and exchange.left ~= "notified" then
        M.tell(exchange._on_leave, exchange.left)
    end
    tell_room(exchange)
    wake_reader(exchange)
    exchange.plugin:_one_ended()
end

---An Error about this call.
---@param kind string of its message, which is its code but for a deadline's
---@param ... any what the message needs beside plugin and target
---@return nylon_ring.Error
function Exchange:error(kind, ...)
    return errors.new {
        code = CODES[kind] or kind,
        message = MESSAGES[kind]:format(self.plugin.name, self.target, ...),
        plugin = self.plugin.name,
        sid = self.sid,
    }
end

---Ends it from the caller's side, and lets the handler know.
---@param kind string of the Error's message
---@param ... any for it
function Exchange:give_up(kind, ...)
    if not self.open then
        return
    end
    self.err = self:error(kind, ...)
    local code = self.err.code
    self.left = code
    close(self, code == "timeout" and "timeouts" or code == "cancelled" and "cancelled" or "errors")
end

---Ends it with an Error, from the handler's side. False where it is over already.
---@param err nylon_ring.Error
---@return boolean taken
function Exchange:stop(err)
    if not self:_may_send() then
        return false
    end
    self.err = err
    close(self, "errors")
    return true
end

---Ends what nobody waits for: an answer is late from now on.
function Exchange:forget()
    if self.open then
        self.left = "notified"
        close(self, "ok")
    end
end

-- ---- The handler's side ----

-- Counts what comes after the end.
function Exchange:_may_send()
    if not self.open then
        count(self, self.left and "late" or "duplicate")
    end
    return self.open
end

local function push(exchange, status, data)
    exchange._last = exchange._last + 1
    exchange[exchange._last] = { status, data }
    exchange._bytes = exchange._bytes + #data
end

---Whether a frame of this size has no place now. One is taken whatever its size is.
---@param size integer
---@return boolean
function Exchange:is_full(size)
    local frames = self._last - self._first + 1
    return frames > 0 and (frames >= self._max_frames or self._bytes + size > self._max_bytes)
end

---A unary call's answer, or a frame: an ending one where the status is not Ok.
---@param status integer
---@param data string
---@return boolean taken
---@return "backpressure"|"ended"|nil why not
function Exchange:send(status, data)
    if not self:_may_send() then
        return false, "ended"
    elseif not self.streams then
        self.status, self.body = status, data
    elseif status == OK and self:is_full(#data) then
        count(self, "backpressure")
        return false, "backpressure"
    else
        push(self, status, data)
        if status == OK then
            wake_reader(self)
            return true
        end
    end
    close(self, (status == OK or status == STREAM_END) and "ok" or "errors")
    return true
end

---Has a function called when the caller's side ends it, after those that were given before.
---@param fn fun(code: string)
function Exchange:on_leave(fn)
    table.insert(self._on_leave, fn)
end

---Has a function called once there is room for frames again, or it is over.
---@param key any
---@param fn fun()|nil nil takes it back
function Exchange:on_room(key, fn)
    self._on_room[key] = fn
end

-- ---- The caller's side ----

---The next frame that is queued.
---@return integer|nil status
---@return string|nil data
function Exchange:take()
    local frame = self[self._first]
    if not frame then
        return nil
    end
    self[self._first] = nil
    self._first = self._first + 1
    self._bytes = self._bytes - #frame[2]
    if self._last - self._first + 1 <= self._max_frames / 2 and self._bytes <= self._max_bytes / 2 then
        tell_room(self)
    end
    return frame[1], frame[2]
end

---@return boolean
function Exchange:has_frames()
    return self[self._first] ~= nil
end

---Drops what is queued.
function Exchange:drop()
    for index = self._first, self._last do
        self[index] = nil
    end
    self._first, self._last, self._bytes = 1, 0, 0
end

---Ends it with a timeout after so many milliseconds, whoever waits.
---@param ms number
function Exchange:set_deadline(ms)
    if ms > 0 and self.open then
        self._deadline = timers.after(ms, function()
            self:give_up("deadline", ms)
        end)
    end
end

---Suspends the running task until a frame or the end has come.
---@async
---@param timeout number 0: none
---@param canceller? fun() the wait is given up
function Exchange:wait(timeout, canceller)
    local can_wait, current = pcall(task.must_suspend) -- the handler may have cancelled this very task
    if not can_wait then
        if canceller then
            canceller()
        end
        error(current, 0)
    end
    local timer = timeout > 0 and timers.after(timeout, function()
        self:give_up("timeout", timeout)
    end)
    local function done()
        self._reader = nil
        if timer then
            timers.cancel(timer)
        end
    end
    self._reader = current
    task.park(current, function()
        done()
        if canceller then
            canceller()
        end
    end, "call", self)
    done()
end

---@return integer|nil count nil where it is no stream
function Exchange:frames_read()
    return self.streams and self._first - 1 or nil
end

---@return boolean
function Exchange:is_read()
    return self._reader ~= nil
end

-- ---- What is open ----

---@return table<nylon_ring.Exchange, true> calls and streams that have not ended; a copy
function M.open()
    local copy = {}
    for exchange in pairs(open) do
        copy[exchange] = true
    end
    return copy
end

return M
