--- Mends what busted 2.1.1 hands its own output handlers and they can not write. For helpers: to be loaded
--- once, when there is a busted.
local busted = require "busted"

-- Gives an error that is no hook's or spec's (of a file that does not parse, of the whole run) a place,
-- without which the TAP output fails.
local function place_error(element, _, message)
    local line = tostring(message):match ":(%d+):"
    local place = element.name or element.descriptor or "the run"
    element.trace = element.trace or { short_src = place, currentline = tonumber(line) or 0 }
    return nil, true
end

-- Makes a text of what an assertion raised, without which the JSON output writes nothing.
local function plain_message(_, _, message, trace)
    if type(trace) == "table" and type(trace.message) == "table" then
        trace.message = tostring(message)
    end
    return nil, true
end

-- Takes the function out of a pending spec's attributes, for the same reason.
local function plain_attributes(element)
    if element.descriptor == "pending" then
        element.attributes = {}
    end
    return nil, true
end

busted.subscribe({ "error" }, place_error, { priority = 1 })
busted.subscribe({ "error" }, plain_message, { priority = 1 })
busted.subscribe({ "failure" }, plain_message, { priority = 1 })
busted.subscribe({ "test", "start" }, plain_attributes, { priority = 1 })
