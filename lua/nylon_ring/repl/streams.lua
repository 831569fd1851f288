-- Streams as they come: a line a frame with its number, the time since the last one, its size and its
-- beginning; at the end the totals.

local result = require "nylon_ring.repl.result"
local uv = require "luv"

local M = {}

local KEPT = 1000

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

local function take(session, id, view, status, data)
    local now = uv.hrtime()
    view.frames, view.bytes = view.frames + 1, view.bytes + #data
    if status == 0 or data ~= "" then
        session.out.show_frame(session, id, view, status, data, now)
    else
        view.frames = view.frames - 1
    end
    view.last, view.status, view.data = now, status, data
    if view.kept then
        table.insert(view.kept, { status, data })
        view.kept = #view.kept < KEPT and view.kept or nil
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

---Shows a stream to its end. Answers the ending status, its data and all frames (where they are not too
---many), or nil, err.
---@async
---@param session nylon_ring.repl.Session
---@param id integer
---@param stream nylon_ring.Stream
---@return integer|nil status
---@return any data
---@return { [1]: integer, [2]: string }[]|nil frames
function M.view(session, id, stream)
    local start = uv.hrtime()
    local view = { frames = 0, bytes = 0, start = start, last = start, kept = {} }
    local ok, err = pcall(function()
        while true do
            local status, data = stream:recv()
            if status == nil then
                view.err = data
                return
            end
            take(session, id, view, status, data)
        end
    end)
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
    return view.status, view.data, view.kept
end

return M
