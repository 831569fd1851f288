--- Mends what busted 2.1.1 hands its own output handlers and they can not write. For helpers: to be loaded
--- once, when there is a busted.
local busted = require "busted"

-- Gives the error of a file that does not parse a place, without which the TAP output fails.
local function place_error(file, _, message)
    local line = tostring(message):match ":(%d+):"
    file.trace = file.trace or { short_src = file.name, currentline = tonumber(line) or 0 }
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

busted.subscribe({ "error", "file" }, place_error, { priority = 1 })
busted.subscribe({ "error" }, plain_message, { priority = 1 })
busted.subscribe({ "failure" }, plain_message, { priority = 1 })
busted.subscribe({ "test", "start" }, plain_attributes, { priority = 1 })
