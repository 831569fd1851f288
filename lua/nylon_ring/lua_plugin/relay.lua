-- Hands a stream on: what another plugin sends becomes the frames of a call, what its caller sends becomes
-- that stream's input.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local offer = require "nylon_ring.offer"
local task = require "nylon_ring.task"

local M = {}

-- What is not taken is dropped.
local function pump_input(call, stream, on_input)
    local taken = true
    for data in call.recv, call do
        on_input(data)
        taken = taken and offer(stream, data)
    end
    if not call.cancelled then
        on_input(nil)
        stream:finish()
    end
end

---Sends a frame on; the ending one ends the call.
---@async
---@param call nylon_ring.LuaCall
---@param status integer
---@param data string
---@return boolean taken
function M.send(call, status, data)
    if status == core.statuses.OK then
        return call:frame(data)
    end
    return call:finish(status, data)
end

local function pump_frames(call, stream, send)
    for status, data in stream:frames() do
        if not send(call, status, data) then
            return
        end
    end
end

---Sends what the stream gives, with its end, and closes it. An Error that ends it ends the call.
---@async
---@param call nylon_ring.LuaCall
---@param stream nylon_ring.Stream
---@param send? fun(call: nylon_ring.LuaCall, status: integer, data: string): boolean in place of `M.send`
---@param on_input? fun(data: string|nil) hears of each piece that the caller sends; nil is the end of them
---@return nylon_ring.Error|nil err what ended it
function M.frames(call, stream, send, on_input)
    local input = task.spawn(pump_input, call, stream, on_input or function() end)
    local ok, err = pcall(pump_frames, call, stream, send or M.send)
    stream:close()
    input:cancel()
    if ok then
        return nil
    end
    task.rethrow_cancellation(err)
    if not errors.is(err) then
        error(err, 0)
    end
    call:stop(err)
    return err
end

return M
