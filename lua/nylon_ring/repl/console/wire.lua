-- What console and client say to each other: one JSON object a line.
--
--     client ──▶ hello, line, complete, interrupt, background, resize
--     console ──▶ hello, out, ready, completion, bye

local cjson = require "cjson"

local M = {}

-- A peer that sends so much without an end of line is none of ours.
local LONGEST = 16 * 1024 * 1024

---Sends a message.
---@param pipe userdata a luv stream
---@param message table
function M.send(pipe, message)
    if not pipe:is_closing() then
        pipe:write(cjson.encode(message) .. "\n")
    end
end

---Reads messages until the peer is gone; `on_end` is called once.
---@param pipe userdata a luv stream
---@param on_message fun(message: table)
---@param on_end fun(err?: string)
function M.read(pipe, on_message, on_end)
    local rest = ""
    local function finish(err)
        local ended = on_end
        on_end = function() end
        ended(err)
    end
    pipe:read_start(function(err, data)
        if err or not data then
            return finish(err)
        end
        rest = rest .. data
        for line in rest:gmatch "([^\n]*)\n" do
            local ok, message = pcall(cjson.decode, line)
            if not ok or type(message) ~= "table" then
                return finish "it does not speak the console's language"
            end
            on_message(message)
        end
        rest = rest:match "[^\n]*$"
        if #rest > LONGEST then
            finish "a message has no end"
        end
    end)
end

return M
