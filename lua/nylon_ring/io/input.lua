--- A file or standard input by lines, as they come; and what `nylon-ring call --input` does with them: it
--- sends each as a frame into a stream, and offers again what the plugin has no room for.
local lines = require "nylon_ring.io.lines"
local nr = require "nylon_ring"
local offer = require "nylon_ring.offer"
local uv = require "luv"

local M = {}

local STDIN = 0
local CHUNK = 65536

---@class nylon_ring.io.Input
---@field close fun()
---@field private _read fun(resume: fun(err?: string, data?: string)): any begins to wait for more bytes
---@field private _lines nylon_ring.io.Lines
---@field private _ended? boolean
local Input = {}
Input.__index = Input

--- Pipes and terminals are waited for on the loop, so that one that stays open holds nobody up.
local function from_handle(handle)
    return {
        _lines = lines.new(),
        _read = function(resume)
            handle:read_start(function(err, data)
                handle:read_stop()
                resume(err, data)
            end)
        end,
        close = function()
            handle:close()
        end,
    }
end

local function from_file(fd)
    return {
        _lines = lines.new(),
        _read = function(resume)
            return uv.fs_read(fd, CHUNK, -1, function(err, data)
                resume(err, data ~= "" and data or nil)
            end)
        end,
        close = function()
            if fd ~= STDIN then -- libuv aborts where a descriptor of its own gets that number
                uv.fs_close(fd)
            end
        end,
    }
end

local function from(fd)
    local kind = uv.guess_handle(fd)
    if kind == "tty" then
        return from_handle(assert(uv.new_tty(fd, true)))
    elseif kind == "pipe" then
        local pipe = uv.new_pipe(false)
        assert(pipe:open(fd))
        return from_handle(pipe)
    end
    return from_file(fd)
end

--- Opens a file, or standard input where `path` is "-".
---@param path string
---@return nylon_ring.io.Input|nil input
---@return string? err
function M.open(path)
    local fd, err = STDIN, nil
    if path ~= "-" then
        fd, err = uv.fs_open(path, "r", 0)
    end
    if not fd then
        return nil, err
    end
    return setmetatable(from(fd), Input)
end

--- The next line without its end, or nil after the last.
---@async
---@return string|nil line
---@return string? err why it cannot be read
function Input:line()
    while true do
        local line = self._lines:next()
        if line then
            return line
        elseif self._ended then
            return self._lines:last()
        end
        local err, data = nr.await(self._read)
        if err then
            return nil, err
        end
        self._ended = not data
        self._lines:feed(data or "")
    end
end

--- Sends every line, then the end of the input.
---@async
---@param stream nylon_ring.Stream
---@param on_sent fun(line: string)
---@return true|nil ok
---@return any err the end of the stream itself is none
function Input:feed(stream, on_sent)
    local line, err = self:line()
    while line do
        local ok, refused = offer(stream, line)
        if not ok then
            return refused.code == "stream_ended" or nil, refused
        end
        on_sent(line)
        line, err = self:line()
    end
    if err then
        return nil, "cannot read the input: " .. err
    end
    return stream:finish()
end

return M
