-- Input for a plugin that may have no room for it.

local await = require "nylon_ring.await"
local errors = require "nylon_ring.errors"

local min = math.min

-- Milliseconds until what was refused is offered again: twice as long each time, up to the last.
local FIRST_PAUSE, LAST_PAUSE = 1, 64

---Sends a frame of input. While the plugin has no room it is offered again: in the loop's own time, because
---a clock that is moved by hand may stand still.
---@async
---@param stream nylon_ring.Stream|nylon_ring.LuaStream
---@param frame string
---@return true|nil ok
---@return nylon_ring.Error? err
local function offer(stream, frame)
    local pause = FIRST_PAUSE
    local ok, err = stream:send(frame)
    while not ok and errors.is(err, "backpressure") do
        await.sleep_on_loop(pause)
        pause = min(pause * 2, LAST_PAUSE)
        ok, err = stream:send(frame)
    end
    return ok, err
end

return offer
