--- How `nylon-ring call` prints answers: raw bytes for the next program, a line of JSON, and on a
--- terminal an end of line that the body did not have.
local json = require "nylon_ring.io.json"
local nr = require "nylon_ring"
local say = require "nylon_ring.io.say"
local session = require "nylon_ring.cli.session"

local M = {}

M.status_name = require("nylon_ring.io.text").status_name

--- Whether the work went well: a unary's Ok, a stream's StreamEnd.
---@param status integer|nil
---@param stream boolean|nil
---@return boolean
function M.is_ok(status, stream)
    return status == (stream and nr.STREAM_END or nr.OK)
end

local file, path -- where answers go instead of standard output
local terminal

--- Has answers written into a file, and not to standard output.
---@param name string
---@return true|nil ok
---@return string? err
function M.open(name)
    local err
    file, err = io.open(name, "wb")
    path = name
    return file and true, err
end

--- Writes at once into the file. Where that fails the main task ends.
local function write_file(text)
    local ok, err = file:write(text)
    if ok then
        ok, err = file:flush()
    end
    if not ok then
        session.fail(("cannot write %s: %s"):format(path, err))
    end
end

--- As `write_file`, to standard output; the process says why that failed when it leaves.
local function write_output(text)
    if terminal == nil then
        terminal = say.is_terminal(1)
    end
    if terminal and text:find("%z") then
        session.fail "the answer is binary, which may upset a terminal: -o FILE writes it into a file"
    end
    local ending = terminal and text ~= "" and text:sub(-1) ~= "\n" and "\n" or ""
    if not (io.stdout:write(text, ending) and io.stdout:flush()) then
        session.fail()
    end
end

local function write(text)
    if file then
        write_file(text)
    else
        write_output(text)
    end
end

--- Prints a unary's body. A status that is not Ok has its text on standard error instead; a file gets it all.
function M.raw(status, body)
    if status == nr.OK or file then
        write(body)
    end
end

--- Prints a frame's data, of the frames that belong to the content of the stream.
function M.frame(status, data)
    if status == nr.OK or status == nr.STREAM_END or file then
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
