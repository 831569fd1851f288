-- A streaming call: one request, any number of frames, and an end.
--
--     nylon-ring examples/stream.lua

local nr = require "nylon_ring"
local uv = require "luv"

local host = assert(nr.load(uv.exepath():match "^.*/" .. "plugins/echo.so"))

-- Ask for five frames, twenty milliseconds apart.
local stream = assert(host:call_stream { path = "/stream", query = "frames=5&interval=20" })

-- Take the frames as they come. The last one has a status that ends the stream: StreamEnd, or an error.
for status, data in stream:frames() do
    if status == nr.OK then
        print("Frame: " .. data)
    elseif status == nr.STREAM_END then
        print "Stream ended"
    else
        print("Stream failed: " .. status .. " " .. data)
    end
end

-- A loop that is left early closes its stream itself; `each` does that in any case.
stream = assert(host:call_stream { path = "/stream", query = "frames=1000&interval=20" })
print("First only: " .. select(2, stream:recv()))
stream:close()
