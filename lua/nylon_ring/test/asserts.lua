-- Asserts for calls and streams, in luassert's style; `nylon-ring test` has them by itself, elsewhere
-- `require "nylon_ring.test.asserts"` registers them. Each can be negated (`assert.is_not_ok`).
--
--     assert.ok(plugin:call "/x")                       the answer is Ok; returns status and body
--     assert.status("timeout", plugin:call "/slow")     a status (number or name) or an Error's code
--     assert.frames({ "1", "2" }, plugin:call_stream "/count")
--     assert.eventually(function() return plugin:stats().cancelled == 1 end, { within = 1000, every = 5 })
--     assert.no_reply(function() return plugin:call "/never" end, { within = 50 })
--     assert.json_equal({ name = "Ada" }, body)         texts of JSON or tables, on either side
--
-- Under a clock that is moved by hand (`nr.test.clock`), `eventually` and `no_reply` move it.

local assert = require "luassert"
local describe = require "nylon_ring.test.describe"
local differ = require "nylon_ring.test.diff"
local waiting = require "nylon_ring.test.waiting"

local type = type

local M = {}

-- luassert's own way: a failure's message is what the assertion leaves in its state.
local function register(name, check)
    assert:register("assertion", name, function(state, arguments, level)
        local passed, message, kept = check(level or 1, unpack(arguments, 1, arguments.n))
        state.failure_message = message
        return passed, kept
    end)
end

local function misuse(level, message)
    error(message, level + 2)
end

register("ok", function(_, status, body)
    local passed = describe.is_ok(status)
    return passed, ("Expected an answer that is %sOk.\nGot: %s"):format(passed and "not " or "",
        describe.answer(status, body))
end)

register("status", function(level, expected, status, body)
    local name = describe.expected(expected)
    if not name then
        misuse(level, "assert.status takes a status, its name or an Error's code, not " .. tostring(expected))
    end
    local passed = describe.matches(expected, status, body)
    return passed, ("Expected an answer %s %s.\nGot: %s"):format(passed and "other than" or "of", name,
        describe.answer(status, body))
end)

register("frames", function(level, expected, stream, err)
    if type(expected) ~= "table" then
        misuse(level, "assert.frames takes a list of frames first, then the stream")
    elseif stream == nil then
        return false, "Expected frames.\nGot: " .. describe.answer(nil, err)
    end
    local got = describe.frames(stream)
    local wanted = describe.wanted_frames(expected)
    local diff = differ.lists(wanted, got)
    if not diff then
        return true, "Expected other frames than these:\n" .. differ.list(got)
    end
    return false, "Expected these frames (-), got others (+):\n" .. diff
end)

register("eventually", function(level, fn, options)
    if type(fn) ~= "function" then
        misuse(level, "assert.eventually takes a function")
    end
    local passed, value, after = waiting.until_true(fn, options)
    if passed then
        return true, ("Expected that it stays false, but it was true after %d ms."):format(after), { value }
    end
    return false, ("Expected that it gets true within %d ms.\nLast it was: %s"):format(after,
        describe.value(value))
end)

register("no_reply", function(level, what, options)
    if type(what) ~= "function" and not (type(what) == "table" and type(what.join) == "function") then
        misuse(level, "assert.no_reply takes a function that calls, or a task")
    end
    local values, after = waiting.for_end(what, options)
    if not values then
        return true, ("Expected a reply within %d ms."):format(after)
    end
    local answer = describe.answer(values[1], values[2])
    return false, ("Expected no reply, but one came after %d ms.\nGot: %s"):format(after, answer)
end)

local function decoded(level, value)
    if type(value) ~= "string" then
        return value
    end
    local ok, result = pcall(require("cjson").decode, value)
    if not ok then
        misuse(level, ("assert.json_equal: no JSON: %s (%s)"):format(describe.value(value), tostring(result)))
    end
    return result
end

register("json_equal", function(level, expected, actual)
    local diff = differ.values(decoded(level, expected), decoded(level, actual))
    if not diff then
        return true, "Expected other JSON than " .. describe.value(expected)
    end
    return false, "Expected the same JSON.\n" .. diff
end)

M.asserts = assert

return M
