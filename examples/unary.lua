-- A unary call: one request, one answer. It reads as if the call blocked; only this task waits, the loop
-- goes on.
--
--     nylon-ring examples/unary.lua

local nr = require "nylon_ring"
local uv = require "luv"

-- Load a plugin; here one that was built together with the program.
local host = assert(nr.load(uv.exepath():match "^.*/" .. "plugins/echo.so"))

-- Say what is asked. Every field may be left out.
local request = {
    method = "GET",
    path = "/thread",
    query = "",
    headers = { ["User-Agent"] = "NylonRing/1.0" },
    body = "Hello from the host!",
}

-- Ask. The plugin answers from a thread of its own; the task goes on here when the answer has come.
local status, payload = host:call(request)

-- `nil, err` is for what happened on this side: a timeout, a plugin that was unloaded.
if not status then
    error(payload)
end
print("Status: " .. status .. (status == nr.OK and " (Ok)" or ""))
print("Response: " .. payload)
