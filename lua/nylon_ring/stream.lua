-- Streams: any number of frames, then one ending status.

local await = require "nylon_ring.await"
local by_hand = require "nylon_ring.by_hand"
local core = require "nylon_ring.core"
local calls = require "nylon_ring.call"
local fast = require "nylon_ring.fast"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local requests = require "nylon_ring.request"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local unread = require "nylon_ring.unread"

local error, pcall, setmetatable, type = error, pcall, setmetatable, type
local ffi_string = ffi.string
local core_recv, fast_next, text, raised = core.recv, fast.next, fast.text, core.raised

local M = {}

local PENDING, PLAIN, KEPT, INTERRUPTED, UNREAD = 0, 1, 2, 5, 6 -- what `fast.next` returns
local SLOW = 8 -- frames that go the way that suspends after one had to be waited for

local OPTIONS = {
    timeout = true,
    deadline = true,
    max_frames = true,
    max_bytes = true,
    overflow = true,
    state = true,
}
M.OPTIONS = OPTIONS

---@class nylon_ring.StreamOptions
---@field timeout? number|false milliseconds that each wait for a frame may take
---@field deadline? number|false milliseconds that the whole stream may take
---@field max_frames? integer queued at most; 64 at least
---@field max_bytes? integer queued at most
---@field overflow? "end" beyond the limits the stream ends with an Error `backpressure`
---@field state? table<string, string> first values of the call's state, in place of the request's

---@class nylon_ring.Stream
---@field plugin nylon_ring.Plugin whose stream it is
---@field private _reader userdata closes the stream when it is collected
---@field private _c ffi.cdata* the same for compiled code
---@field private _target string
---@field private _slow integer|false|nil so many frames still go the way that suspends
---@field private _timeout number
---@field private _owner nylon_ring.Task|nil
---@field private _by_hand? nylon_ring.StreamLimits where a clock that is moved by hand has its limits
local Stream = {}
Stream.__index = Stream
M.Stream = Stream

local function check_overflow(value)
    if value ~= nil and value ~= "end" then
        misuse "overflow is \"end\", the only way there is: the stream ends with an Error `backpressure`"
    end
end

---Raises where options of `call_stream` make no sense.
---@param opts table
function M.check_options(opts)
    options.check("call_stream", opts, OPTIONS)
    check_overflow(opts.overflow)
end

local function open(plugin, c, target, body, opts, state)
    local timeout = options.limit("timeout", opts.timeout, plugin._timeout)
    local deadline = options.limit("deadline", opts.deadline, 0)
    local limits
    if timers.by_hand() then
        limits = by_hand.stream_limits(plugin, target, timeout, deadline)
        timeout, deadline = 0, 0
    end
    local reader, err = core.open_stream(
        plugin._handle,
        c,
        body,
        timeout,
        deadline,
        options.limit("max_frames", opts.max_frames, 0),
        options.limit("max_bytes", opts.max_bytes, 0),
        opts.state or state
    )
    if not reader then
        return nil, err
    end
    if limits then
        limits:start(reader)
    end
    return setmetatable({
        plugin = plugin,
        _reader = reader,
        _c = ffi.cast("nr__reader_t *", reader),
        _target = target,
        _timeout = timeout,
        _by_hand = limits,
    }, Stream)
end

---Called with each stream that is opened, where set: a test runner remembers where that was.
---@type fun(stream: nylon_ring.Stream)|nil
M.on_open = nil

---Starts a stream. It belongs to the running task, which closes it at its end.
---@async
---@param plugin nylon_ring.Plugin
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.StreamOptions with a request: the options
---@param opts? nylon_ring.StreamOptions
---@return nylon_ring.Stream|nil stream
---@return nylon_ring.Error? err
function M.call_stream(plugin, target, body, opts)
    local c, state, _
    c, target, body, opts, _, state = calls.resolve(plugin, target, body, opts)
    if not c then
        return nil, target
    end
    if opts ~= nil then
        M.check_options(opts)
    end
    local stream, err = open(plugin, c, target, body, opts or {}, state)
    if not stream then
        return nil, err
    end
    stream._owner = task.adopt(stream)
    if M.on_open then
        M.on_open(stream)
    end
    return stream
end

-- What the C function that suspends gave; `at_once` when it did not have to.
local function learn(stream, status, data, at_once)
    if status == raised then
        error(data, 0)
    end
    local slow = stream._slow or 0
    stream._slow = not at_once and SLOW or slow > 1 and slow - 1
    return status, data
end

---The next frame; suspends until there is one. Nothing after the ending frame.
---@async
---@return integer|nil status nil after the end, and when the host ended the stream
---@return string|nylon_ring.Error|nil data
function Stream:recv()
    local slow = self._slow
    if not slow then
        local rc = fast_next(fast, self._c)
        if rc == PLAIN then
            return fast.status, ffi_string(text, fast.size)
        elseif rc == KEPT then
            local status, data = fast.status, ffi_string(fast.data, fast.size)
            fast.release(fast)
            return status, data
        elseif rc == PENDING then
            self._slow = SLOW
        elseif rc == INTERRUPTED then
            await.let_signal_in()
        elseif rc == UNREAD then
            local free, err = unread.free()
            if not free then
                return nil, err
            end
        end
    end
    if self._by_hand then
        return learn(self, self._by_hand:recv(self))
    end
    return learn(self, core_recv(self._reader, self.plugin._handle, self._target, self._timeout))
end

unread.takes(Stream.recv)

local function next_frame(stream)
    local status, data = stream:recv()
    if status == nil and data ~= nil then
        error(data, 0)
    end
    return status, data
end

---For a loop over the frames, the ending one included. Raises when the host ends the stream. A `break` can
---not be seen: close the stream after it, or let its task do so.
---@async
---@return fun(stream: nylon_ring.Stream): integer|nil, string|nil
---@return nylon_ring.Stream
function Stream:frames()
    return next_frame, self
end

local function consume(stream, fn)
    for status, data in next_frame, stream do
        fn(status, data)
    end
end

---Calls a function with each frame, the ending one included, and closes the stream however that ends.
---@async
---@param fn fun(status: integer, data: string)
function Stream:each(fn)
    if type(fn) ~= "function" then
        misuse("each takes a function(status, data), not %s", type(fn))
    end
    local ok, err = pcall(consume, self, fn)
    self:close()
    if not ok then
        error(err, 0)
    end
end

---Gives the stream up. Once or more often, and after its end as well.
function Stream:close()
    task.release(self._owner, self)
    if self._by_hand then
        self._by_hand:stop()
    end
    core.close_stream(self._reader)
end

---Offers the plugin a frame of input. An Error `backpressure` means that it was not taken: offer it again
---later.
---@param data string
---@return true|nil ok
---@return nylon_ring.Error? err
function Stream:send(data)
    return core.send(self._reader, self.plugin._handle, requests.check_body(data))
end

---Tells the plugin that no more input comes.
---@return true|nil ok
---@return nylon_ring.Error? err
function Stream:finish()
    return core.finish(self._reader, self.plugin._handle)
end

---@return fun(): boolean is_open whether it is neither closed nor read to its end; does not hold the stream
function Stream:_probe()
    local reader = self._reader
    return function()
        return core.stream_open(reader)
    end
end

---@return string target what was called
---@return integer frames read so far
function Stream:_progress()
    return self._target, self._c.frames
end

---The call's number as text, as it is in logs; nil once it is closed.
---@return string|nil
function Stream:sid()
    return core.stream_sid(self._reader)
end

return M
