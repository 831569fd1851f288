local nr = require "nylon_ring"

local words = assert(nr.load "build/plugins/words.so")
local text = "one ring to call them all"

local status, count = words:call("/count", text)
assert(status == nr.OK, count)
print(count .. " words:")

for frame_status, word in assert(words:call_stream("/words", text)):frames() do
    if frame_status == nr.OK then
        print("  " .. word)
    end
end
