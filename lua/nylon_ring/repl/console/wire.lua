-- What console and client say to each other: one JSON object a line, whose fields are of these types.
--
--     client ──▶ hello, line, wait, complete, interrupt, background, resize
--     console ──▶ hello, out, err, ready, completion, bye

local cjson = require "cjson"
local settings = require "nylon_ring.repl.settings"

local M = {}

---By op, the types of its fields; a `?` follows where one may lack.
---@alias nylon_ring.repl.Ops table<string, table<string, string>>

---What a client says.
---@type nylon_ring.repl.Ops
M.client = {
    hello = { color = "boolean?", lines = "boolean?", json = "boolean?" },
    line = { text = "string" },
    wait = {},
    complete = { id = "integer", before = "string" },
    interrupt = {},
    background = {},
    resize = { width = "width" },
}

---What a console says.
---@type nylon_ring.repl.Ops
M.console = {
    hello = { pid = "integer", name = "string" },
    out = { text = "string" },
    err = { text = "string" },
    ready = { failed = "boolean" },
    completion = { id = "integer", found = "table?" },
    bye = { code = "integer?", text = "string?" },
}

-- Numbers that are none, such as NaN, could not be sent back.
local codec = cjson.new()
codec.decode_invalid_numbers(false)

local is = {}

function is.integer(value)
    return type(value) == "number" and value % 1 == 0
end

function is.width(value)
    return type(value) == "number" and settings.by_name.width.read(value) ~= nil
end

for _, name in ipairs { "boolean", "string", "table" } do
    is[name] = function(value)
        return type(value) == name
    end
end

-- What a message has that it should not have, or lacks.
local function misfit(message, ops)
    local fields = ops[message.op]
    if not fields then
        return "it asks for what is not known here"
    end
    for name, kind in pairs(fields) do
        local value = message[name]
        local lacks = value == nil and kind:sub(-1) == "?"
        if not lacks and not is[kind:match "%a+"](value) then
            return ("the %s of its '%s' is none"):format(name, message.op)
        end
    end
end

---@param message table
---@return string line without its end
function M.encode(message)
    return codec.encode(message)
end

---@param line string
---@param ops nylon_ring.repl.Ops what the other end may say
---@return table|nil message
---@return string|nil err what is wrong with it
function M.decode(line, ops)
    local ok, message = pcall(codec.decode, line)
    if not ok or type(message) ~= "table" then
        return nil, "it does not speak the console's language"
    end
    local err = misfit(message, ops)
    if err then
        return nil, err
    end
    return message
end

return M
