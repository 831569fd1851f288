-- How results are told to programs: one JSON object a line. Bytes that are no UTF-8 go as base64.

local cjson = require "cjson"
local errors = require "nylon_ring.errors"
local json = require "nylon_ring.io.json"
local printer = require "nylon_ring.repl.printer"
local result = require "nylon_ring.repl.result"
local text = require "nylon_ring.io.text"

local M = {}

local function put(session, fields)
    session.write_to(json.object(fields) .. "\n")
end

local function bytes(name, value)
    if json.is_utf8(value) then
        return { name, value }
    end
    return { name .. "_base64", json.base64(value) }
end

function M.show_answer(session, status, body, nanoseconds)
    put(session, { { "status", status }, { "status_name", text.status_name(status) }, bytes("body", body),
        { "us", nanoseconds / 1e3 } })
end

function M.show_failure(session, err, nanoseconds)
    put(session, { { "error", errors.is(err) and err.code or "error" },
        bytes("message", result.message(err, session.settings)), { "us", nanoseconds / 1e3 } })
end

function M.show_values(session, values)
    for index = 1, values.n do
        local value = values[index]
        if value == nil then
            value = cjson.null
        end
        local field = type(value) == "string" and bytes("value", value) or { "value", value }
        local ok, line = pcall(json.object, { field })
        if ok then
            session.write_to(line .. "\n")
        else
            put(session, { bytes("text", printer.value(value, session.settings)) })
        end
    end
end

function M.show_error(session, err, traceback)
    local frames = result.own_frames(traceback)
    put(session, { { "error", errors.is(err) and err.code or "error" },
        bytes("message", result.message(err, session.settings)),
        { "traceback", #frames > 0 and table.concat(frames, "\n") or nil } })
end

function M.show_job(session, job)
    put(session, { { "task", job.id }, { "line", job.text } })
end

function M.show_running(session, job)
    put(session, { { "task", job.id }, { "running", true } })
end

function M.show_frame(session, id, view, status, data)
    put(session, { { "stream", id }, { "frame", view.frames }, { "status", status }, bytes("body", data) })
end

function M.show_end(session, id, view, word)
    put(session, { { "stream", id }, { "end", word }, { "frames", view.frames }, { "bytes", view.bytes } })
end

---What a line or a command writes by itself.
function M.show_output(session, output)
    put(session, { bytes("output", output) })
end

return M
