-- Streams as they come: a line a frame with its number, the time since the last one, its size and its
-- beginning; at the end the totals. Of a stream that goes on faster than anybody reads, some frames are left
-- out; how many is told in their place, and the totals count all.

local nr = require "nylon_ring"
local result = require "nylon_ring.repl.result"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

local KEPT = 1000
local GAP = 100 -- milliseconds for which frames are left out
local TURN = 10 -- milliseconds after which the loop turns, also while frames are waiting

---Whether a value is a stream that can be read.
---@param value any
---@return boolean
function M.is_stream(value)
    local kind = type(value)
    if kind ~= "table" and kind ~= "userdata" then
        return false
    end
    local meta = debug.getmetatable(value)
    local methods = type(meta) == "table" and rawget(meta, "__index")
    return type(methods) == "table" and type(rawget(methods, "recv")) == "function"
        and type(rawget(methods, "frames")) == "function"
end

---@class nylon_ring.repl.View
---@field frames integer
---@field bytes integer
---@field private start number nanoseconds, as the next two
---@field private last number when the last frame came
---@field private turned number when the loop turned
---@field private room number frames that may be shown now; it grows with time
---@field private skipped integer frames that were left out
---@field private skipped_bytes integer
---@field private timer? nylon_ring.Timer

local function new_view(room)
    local now = uv.hrtime()
    return {
        frames = 0, bytes = 0, start = now, last = now, kept = {},
        turned = now, room = room, skipped = 0, skipped_bytes = 0,
    }
end

local function tell_skipped(session, id, view)
    if view.skipped > 0 then
        timers.cancel(view.timer)
        session.out.show_skipped(session, id, view.skipped, view.skipped_bytes)
        view.skipped, view.skipped_bytes = 0, 0
    end
end

-- Counts a frame that is left out. No other may follow it for long.
local function skip(session, id, view, data)
    if view.skipped == 0 then
        view.timer = timers.after(GAP, function()
            tell_skipped(session, id, view)
        end)
    end
    view.skipped, view.skipped_bytes = view.skipped + 1, view.skipped_bytes + #data
end

-- Programs that read what is shown get every frame.
local function is_too_many(session, view, now)
    local a_second = session.settings.frames
    if a_second == math.huge or not session.out.show_skipped then
        return false
    end
    view.room = math.min(a_second, view.room + (now - view.last) * 1e-9 * a_second)
    return view.skipped > 0 or view.room < 1
end

local function show(session, id, view, status, data, now)
    if is_too_many(session, view, now) and status == 0 then
        return skip(session, id, view, data)
    end
    tell_skipped(session, id, view)
    view.room = view.room - 1
    session.out.show_frame(session, id, view, status, data, now)
end

local function take(session, id, view, status, data)
    local now = uv.hrtime()
    view.frames, view.bytes = view.frames + 1, view.bytes + #data
    if status == 0 or data ~= "" then
        show(session, id, view, status, data, now)
    else
        view.frames = view.frames - 1
    end
    view.last, view.status, view.data = now, status, data
    if view.kept then
        table.insert(view.kept, { status, data })
        view.kept = #view.kept < KEPT and view.bytes <= session.notes.room and view.kept or nil
    end
end

-- Frames that are there already come without a suspension.
local function let_the_loop_turn(view)
    if uv.hrtime() - view.turned > TURN * 1e6 then
        nr.sleep(0)
        view.turned = uv.hrtime()
    end
end

-- What becomes of a stream that was given up.
local function aftermath(stream)
    local info = stream.plugin and stream.plugin:info()
    if info and info.has_cancel then
        return "the plugin was told"
    end
    return "the plugin takes no cancel; what it still sends is dropped"
end

---Shows a stream to its end. Answers the ending status, its data and all frames (where the session has room
---for them), or nil, err.
---@async
---@param session nylon_ring.repl.Session
---@param id integer
---@param stream nylon_ring.Stream
---@return integer|nil status
---@return any data
---@return { [1]: integer, [2]: string }[]|nil frames
function M.view(session, id, stream)
    local view = new_view(session.settings.frames)
    local ok, err = pcall(function()
        while true do
            local status, data = stream:recv()
            if status == nil then
                view.err = data
                return
            end
            take(session, id, view, status, data)
            let_the_loop_turn(view)
        end
    end)
    tell_skipped(session, id, view)
    if not ok then
        stream:close()
        session.out.show_end(session, id, view, "CANCELLED", false, aftermath(stream))
        error(err, 0)
    elseif view.err ~= nil then
        session.out.show_end(session, id, view, "BROKEN", false)
        return nil, view.err
    end
    local ended = view.status == 4
    session.out.show_end(session, id, view, ended and "END" or result.status(view.status or 0), ended)
    return view.status, view.data, view.kept and session.notes:fits(view.bytes) and view.kept or nil
end

return M
