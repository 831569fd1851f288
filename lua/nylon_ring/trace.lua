-- What is recorded of a plugin's ABI: switched on and off, read, and told in a line an event.

local core = require "nylon_ring.core"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"

local ipairs, setmetatable, type = ipairs, setmetatable, type

local M = {}

local EVENTS = { after = true, last = true, sid = true }
local ENOUGH = 1000

-- More than any plugin's trace keeps: the host says then how many that is.
local MOST = 2 ^ 31

---Events that are kept of a plugin whose load does not say; for who runs other people's scripts.
M.default = 0

---@class nylon_ring.AbiEvent one crossing of a plugin's ABI; `tostring` makes a line of it
---@field seq integer 1, 2, ... in the order of their beginnings
---@field time number when it began, in milliseconds, as `uv.hrtime() / 1e6`
---@field took? number milliseconds; nil while it is under way
---@field kind string "handle", "send_result", ...: the function of the ABI
---@field sid? string the call that it is about
---@field text? string path or entry, the state's key, a log line; long ones are cut
---@field bytes integer of the payload, the value, the buffer
---@field status? integer that a result came with; a log line's level
---@field answer? integer the status that the plugin's function answered
---@field outcome string "done" or "under way"; of a result "delivered", "late", "duplicate", "unknown",
--- "backpressure", "failed" or "refused"
---@field where "loop"|"inside"|"thread" on the loop, there inside the same call's `handle`, on another thread
---@field thread integer that thread: its pthread_t, as debuggers show it
---@field image integer the serial of the code, as `plugin:info().serial`
local AbiEvent = {}

local levels = { [0] = "trace", "debug", "info", "warn", "error" }
local wheres = { loop = "on the loop", inside = "inside handle", thread = "from a thread" }

-- Those that the plugin calls.
local inward = {
    send_result = true, send_result_owned = true, acquire_result_buffer = true,
    commit_result_buffer = true, set_state = true, get_state = true, log = true,
}
local without_bytes = {
    init = true, stream_close = true, cancel = true, writable = true, shutdown = true, log = true,
}

local function what_came(event)
    local words = { event.kind }
    if event.text then
        words[#words + 1] = ('"%s"'):format(event.text)
    end
    if event.status then
        words[#words + 1] = event.kind == "log" and levels[event.status] or core.status_name(event.status)
    end
    if not without_bytes[event.kind] then
        words[#words + 1] = event.bytes .. " B"
    end
    return table.concat(words, " ")
end

-- What is worth a word: neither that a function without an answer has returned, nor that it did as asked.
local function what_became(event)
    if event.answer then
        return core.status_name(event.answer)
    elseif event.outcome ~= "done" then
        return event.outcome
    end
end

function AbiEvent.__tostring(event)
    local text = what_came(event)
    if inward[event.kind] then
        text = text .. ", " .. wheres[event.where]
    end
    local became = what_became(event)
    return became and text .. ": " .. became or text
end

---How many events a trace is to keep, as scripts say it.
---@param what string the option or function, for the message
---@param value any
---@param default integer what nil stands for
---@return integer capacity 0: none is wanted
function M.capacity(what, value, default)
    if value == nil then
        return default
    elseif value == false then
        return 0
    elseif value == true then
        return ENOUGH
    elseif type(value) ~= "number" or value < 1 or value % 1 ~= 0 or value == math.huge then
        misuse("%s takes a number of events, true for %d, or false for none", what, ENOUGH)
    end
    return math.min(value, MOST)
end

---Records the last so many crossings of the plugin's ABI from now on, over reloads as well; what was recorded
---before is dropped.
---@param plugin nylon_ring.Plugin
---@param events? integer|boolean how many are kept; true, or nothing, for 1,000; false ends it
---@return true|nil ok
---@return nylon_ring.Error? err
function M.trace(plugin, events)
    return core.trace(plugin._handle, M.capacity("trace", events, ENOUGH))
end

-- The last `count` of a list, as a list.
local function tail(list, count)
    local last = {}
    for index = math.max(1, #list - count + 1), #list do
        last[#last + 1] = list[index]
    end
    return last
end

local function of_sid(list, sid)
    local found = {}
    for _, event in ipairs(list) do
        if event.sid == sid then
            found[#found + 1] = event
        end
    end
    return found
end

local function check(opts)
    options.check("events", opts, EVENTS)
    for name, wanted in pairs { after = "number", last = "number", sid = "string" } do
        if opts[name] ~= nil and type(opts[name]) ~= wanted then
            misuse("%s must be a %s, not %s", name, wanted, type(opts[name]))
        elseif wanted == "number" and opts[name] and (opts[name] < 0 or opts[name] ~= opts[name]) then
            misuse("%s must be 0 or more, not %s", name, opts[name])
        end
    end
end

---What was recorded, oldest first; good for an unloaded plugin as well. `lost` of the list tells how many of
---those after `after` were overwritten.
---@param plugin nylon_ring.Plugin
---@param opts? { after?: integer, last?: integer, sid?: string } those after this number; the last so many;
--- those of one call
---@return nylon_ring.AbiEvent[] events
function M.events(plugin, opts)
    opts = opts or {}
    check(opts)
    local list, lost = core.events(plugin._handle, opts.after or 0)
    for _, event in ipairs(list) do
        setmetatable(event, AbiEvent)
    end
    list = opts.sid and of_sid(list, opts.sid) or list
    list = opts.last and tail(list, opts.last) or list
    list.lost = lost
    return list
end

return M
