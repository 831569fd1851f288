-- The limits of native calls and streams while a clock is moved by hand. The host measures real time, so it
-- is given none; the wait is given up from here. The plugin is told as of any cancellation, and that is how
-- the host counts it.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local timers = require "nylon_ring.timers"

local M = {}

---The Error of a limit, as the host words it.
---@param plugin nylon_ring.Plugin
---@param target string
---@param ms number
---@param what? "answer"|"end" what it did not do
---@return nylon_ring.Error
function M.late(plugin, target, ms, what)
    local message = "plugin '%s' did not %s '%s' within %d ms"
    return errors.new {
        code = "timeout",
        message = message:format(plugin.name, what or "answer", target, ms),
        plugin = plugin.name,
    }
end

local function finish(timer, ok, ...)
    timers.cancel(timer)
    if not ok then
        error((...), 0)
    end
    return ...
end

---Runs a function of the bridge that suspends the running task. When the time is over, the wait is given
---up and `nil, err` is answered.
---@async
---@param ms number
---@param err nylon_ring.Error
---@param fn fun(...): ...
---@param ... any for it
---@return any ...
function M.limit(ms, err, fn, ...)
    local co = core.running()
    local timer = timers.after(ms, function()
        if core.cancel_wait(co) then
            core.resume(co, nil, err)
        end
    end)
    return finish(timer, pcall(fn, ...))
end

-- ---- Streams ----

---@class nylon_ring.StreamLimits
---@field private _timeout number of each wait; 0: none
---@field private _deadline number of the whole stream; 0: none
---@field private _late fun(ms: number, what?: string): nylon_ring.Error
---@field private _err? nylon_ring.Error the limit that has ended the stream
local Limits = {}
Limits.__index = Limits

---@param plugin nylon_ring.Plugin
---@param target string
---@param timeout number
---@param deadline number
---@return nylon_ring.StreamLimits
function M.stream_limits(plugin, target, timeout, deadline)
    return setmetatable({
        _timeout = timeout,
        _deadline = deadline,
        _late = function(ms, what)
            return M.late(plugin, target, ms, what)
        end,
    }, Limits)
end

---The stream is open: its deadline runs.
---@param reader userdata
function Limits:start(reader)
    if self._deadline > 0 then
        self._timer = timers.after(self._deadline, function()
            self:_expire(self._late(self._deadline, "end"), reader)
        end)
    end
end

-- Ends the stream; who reads it gets the error in place of the frame.
function Limits:_expire(err, reader)
    self._err = err
    core.close_stream(reader)
end

---The next frame of the stream, or the limit that ended it.
---@async
---@param stream nylon_ring.Stream
---@return integer|nil status
---@return string|nylon_ring.Error|nil data
function Limits:recv(stream)
    if self._err then
        return nil, self._err
    end
    local status, data
    local reader, handle, target = stream._reader, stream.plugin._handle, stream._target
    if self._timeout > 0 then
        local err = self._late(self._timeout)
        status, data = M.limit(self._timeout, err, core.recv, reader, handle, target, 0)
        if data == err then
            self:_expire(err, reader)
        end
    else
        status, data = core.recv(reader, handle, target, 0)
    end
    if status == nil and self._err then
        return nil, self._err
    end
    return status, data
end

---The stream is closed.
function Limits:stop()
    self._err = nil
    self._timeout = 0
    if self._timer then
        timers.cancel(self._timer)
    end
end

return M
