--- Errors that busted can not put in words, because that raised another one: after a stack overflow there is
--- no room for it, and a `__tostring` may fail. Busted announces them without a message; here they get one.
local report = require "nylon_ring.report"

local M = {}

local UNKNOWN = "a stack overflow, or another error that can not be put in words"
local UNSAYABLE = "an error that can not be put in words: its __tostring failed"

local raised -- what busted was last asked to say, in a table; also what it was able to

local function at_element(text, element)
    local trace = element and element.trace
    return trace and ("%s:%d: %s"):format(trace.short_src, trace.currentline, text) or text
end

-- LuaJIT has a function that finds no room to begin at line 0.
local function without_line_0(text)
    return type(text) == "string" and text:match "^[^\n]-:0: (stack overflow.*)"
end

local function words()
    if not raised then
        return UNKNOWN
    end
    local ok, text = pcall(tostring, raised.err)
    if ok and type(text) == "string" then
        return text
    end
    return ("%s with %s"):format(UNSAYABLE, report.text_of(text))
end

--- A message for what has none.
---@param element table|nil busted's, in which it was raised
---@return string
function M.message(element)
    local text = words()
    raised = nil
    text = without_line_0(text) or text
    return text:find "^%S-:%d+: " and text or at_element(text, element) -- as busted has its own messages
end

local function completed(element, parent, message, ...)
    if message == nil then
        message = M.message(element)
    elseif without_line_0(message) then
        message = at_element(without_line_0(message), element)
    end
    return element, parent, message, ...
end

--- From now on all that is announced has a message, and the one that was raised where that is known.
---@param core table busted's
function M.watch(core)
    local get_trace, publish = core.getTrace, core.publish

    -- Called first of all with what was raised. There may be little room: a tail call leaves levels alone.
    function core.getTrace(element, level, message)
        raised = { err = message }
        return get_trace(element, level or 3, message)
    end

    function core.publish(channel, ...)
        if channel[1] == "error" or channel[1] == "failure" then
            return publish(channel, completed(...))
        end
        raised = nil -- a trace was taken for another reason
        return publish(channel, ...)
    end
end

return M
