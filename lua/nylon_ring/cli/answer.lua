--- How `nylon-ring call` prints answers: raw bytes for the next program, a line of JSON, and on a
--- terminal an end of line that the body did not have.
local json = require "nylon_ring.cli.json"
local nr = require "nylon_ring"
local say = require "nylon_ring.cli.say"
local session = require "nylon_ring.cli.session"

local M = {}

--- The name of a plugin's status, or its number where it has none.
---@param status integer
---@return string
function M.status_name(status)
    local name = nr.status_name(status)
    return name == "Status" and ("status %d"):format(status) or name
end

--- Whether the work went well: a unary's Ok, a stream's StreamEnd.
---@param status integer|nil
---@param stream boolean|nil
---@return boolean
function M.is_ok(status, stream)
    return status == (stream and nr.STREAM_END or nr.OK)
end

local terminal

--- Writes at once. Where that fails the main task ends; the process says why when it leaves.
local function write(text)
    if terminal == nil then
        terminal = say.is_terminal(1)
    end
    local ending = terminal and text ~= "" and text:sub(-1) ~= "\n" and "\n" or ""
    if not (io.stdout:write(text, ending) and io.stdout:flush()) then
        session.fail()
    end
end

--- Prints a unary's body. A status that is not Ok has its text on standard error instead.
function M.raw(status, body)
    if status == nr.OK then
        write(body)
    end
end

--- Prints a frame's data, of the frames that belong to the content of the stream.
function M.frame(status, data)
    if status == nr.OK or status == nr.STREAM_END then
        write(data)
    end
end

--- Prints an answer or a frame as a JSON object; bytes that are no UTF-8 go as base64.
function M.json(status, body)
    local text = json.is_utf8(body)
    write(json.object {
        { "status", status },
        { "status_name", M.status_name(status) },
        { "body", text and body or nil },
        { "body_base64", not text and json.base64(body) or nil },
    } .. "\n")
end

--- Prints what kept an answer from coming as a JSON object, so that a reader of standard output sees it too.
---@param err any an Error, or a text
function M.json_error(err)
    local fields = type(err) == "table" and err or { code = "system", message = tostring(err) }
    write(json.object {
        { "status", fields.status },
        { "status_name", fields.status and M.status_name(fields.status) },
        { "error", fields.code },
        { "message", fields.message },
        { "plugin", fields.plugin },
        { "sid", fields.sid },
    } .. "\n")
end

return M
