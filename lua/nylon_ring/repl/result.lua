-- How results are told to people: what came, and a last line with how much it was and how long it took.
-- `=> OK 5 B 41 µs`. repl/json_result.lua tells the same to programs.

local errors = require "nylon_ring.errors"
local layout = require "nylon_ring.io.layout"
local nr = require "nylon_ring"
local printer = require "nylon_ring.repl.printer"
local text = require "nylon_ring.io.text"
local uv = require "luv"

local M = {}

local names = { [0] = "OK", "ERR", "INVALID", "UNSUPPORTED", "STREAM_END", "PANIC", "BACKPRESSURE" }

---@param status integer
---@return string
function M.status(status)
    return names[status] or ("STATUS %d"):format(status)
end

local function took(session, nanoseconds)
    return session.paint("dim", text.time(nanoseconds))
end

---Shows the answer of a call.
---@param session nylon_ring.repl.Session
function M.show_answer(session, status, body, nanoseconds)
    if body ~= "" then
        session:write(printer.body(body, session.settings) .. "\n")
    end
    local style = (status == nr.OK or status == nr.STREAM_END) and "ok" or "bad"
    session:write(("=> %s %s %s\n"):format(session.paint(style, M.status(status)), text.size(#body),
        took(session, nanoseconds)))
end

---Shows an error that came as a value, `nil, err`.
function M.show_failure(session, err, nanoseconds)
    local shown = errors.is(err) and ("%s: %s"):format(err.code, err.message) or tostring(err)
    if errors.is(err) and err.plugin and not err.message:find(err.plugin, 1, true) then
        shown = ("%s (%s)"):format(shown, err.plugin)
    end
    session:write(("=> %s %s\n"):format(session.paint("bad", text.plain(shown)), took(session, nanoseconds)))
end

---Shows the values of a line.
---@param session nylon_ring.repl.Session
---@param values { n: integer }
---@param nanoseconds number
---@param background boolean it was not waited for
function M.show_values(session, values, nanoseconds, background)
    for index = 1, values.n do
        session:write(printer.value(values[index], session.settings) .. "\n")
    end
    if background and values.n == 0 then
        session:write(("=> done %s\n"):format(took(session, nanoseconds)))
    elseif session.settings.timing then
        session:write(("=> %s\n"):format(took(session, nanoseconds)))
    end
end

-- The beginning of a frame, on the rest of the line.
local function preview(data, width)
    if data == "" or width < 8 then
        return ""
    elseif not text.is_text(data) then
        local shown = data:sub(1, math.floor(width / 3)):gsub(".", function(byte)
            return ("%02x "):format(byte:byte())
        end)
        return shown:sub(1, -2) .. (#data > math.floor(width / 3) and "…" or "")
    end
    return layout.cut(text.plain((data:gsub("\n$", ""):gsub("[%c]", " "))), width)
end

---Says which line in the background what follows belongs to.
function M.show_job(session, job)
    session:write(("%s %s\n"):format(session.paint("name", ("[%d]"):format(job.id)), job.text))
end

---Says that a line goes on in the background.
function M.show_running(session, job)
    session:write(("=> %s running\n"):format(session.paint("name", ("task %d"):format(job.id))))
end

---Shows a frame of a stream.
---@param session nylon_ring.repl.Session
---@param id integer
---@param view nylon_ring.repl.View
function M.show_frame(session, id, view, _, data, now)
    local head = ("[%d #%d +%s %s] "):format(id, view.frames, text.time(now - view.last), text.size(#data))
    local shown = preview(data, session.settings.width - layout.cells(head))
    session:write(session.paint("dim", head) .. shown .. "\n")
end

---Says how many frames of a stream were not shown.
---@param session nylon_ring.repl.Session
function M.show_skipped(session, id, frames, bytes)
    session:write(session.paint("dim", ("[%d] … %s %s"):format(id, text.plural(frames, "frame"),
        text.size(bytes))) .. "\n")
end

---Shows how a stream ended, and its totals.
function M.show_end(session, id, view, word, ok, note)
    local nanoseconds = uv.hrtime() - view.start
    local rate = view.frames / math.max(nanoseconds, 1) * 1e9
    session:write(("[%d] %s %s %s %s %s/s%s\n"):format(id, session.paint(ok and "ok" or "bad", word),
        text.plural(view.frames, "frame"), text.size(view.bytes), text.time(nanoseconds), text.count(rate),
        note and "; " .. note or ""))
end

-- A table that cannot say itself what it is: what it holds.
local function message_of(err, limits)
    local meta = debug.getmetatable(err)
    local says = type(err) ~= "table" or type(meta) == "table" and rawget(meta, "__tostring")
    return says and tostring(err) or printer.value(err, limits)
end

---What an error says, whatever it is: also one whose `__tostring` fails.
---@param err any
---@param limits nylon_ring.repl.Limits
---@return string
function M.message(err, limits)
    local ok, message = pcall(message_of, err, limits)
    return ok and type(message) == "string" and message or ("an error that is a %s"):format(type(err))
end

---Shows an error that was raised: its text, the stacks of the tasks that it went through, and what
---caused it.
---@param session nylon_ring.repl.Session
---@param err any
---@param traceback? string
function M.show_error(session, err, traceback)
    local message = text.plain(M.message(err, session.settings))
    session:write(("%s %s\n"):format(session.paint("bad", "error:"), message))
    local cause = errors.is(err) and err.cause
    if cause then
        session:write(("  because: %s\n"):format(text.plain(M.message(cause, session.settings))))
    end
    local frames = M.own_frames(traceback)
    if #frames > 0 then
        session:write(session.paint("dim", text.plain("  " .. table.concat(frames, "\n  "))) .. "\n")
    end
end

---The lines of a traceback that belong to what people wrote: without its first line, which is the
---message, without our own files and the ends of the stack.
---@param traceback? string
---@return string[]
function M.own_frames(traceback)
    local kept = {}
    for line in ((traceback or "") .. "\n"):gmatch "(.-)\n" do
        local ours = line:find("/nylon_ring/", 1, true) or line:match "^\tnylon_ring:"
            or line:match "^\t%[C%]:"
        if line:match "^awaited by" then
            table.insert(kept, line)
        elseif line:match "^\t" and not ours then
            table.insert(kept, (line:gsub("^%s+", ""):gsub(" in function 'fn'$", " in the line")))
        end
    end
    return kept
end

return M
