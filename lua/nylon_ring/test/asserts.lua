-- Asserts for calls and streams, in luassert's style; `nylon-ring test` has them by itself, elsewhere
-- `require "nylon_ring.test.asserts"` registers them. Each can be negated (`assert.is_not_ok`).
--
--     assert.ok(plugin:call "/x")                       the answer is Ok; returns status and body
--     assert.status("timeout", plugin:call "/slow")     a status (number or name) or an Error's code
--     assert.frames({ "1", "2" }, plugin:call_stream "/count")
--     assert.eventually(function() return plugin:stats().cancelled == 1 end, { within = 1000, every = 5 })
--     assert.no_reply(function() return plugin:call "/never" end, { within = 50 })
--     assert.json_equal({ name = "Ada" }, body)         texts of JSON or tables, on either side
--     assert.throws_status("timeout", function() ... end)    raises an Error with this code or status
--     assert.called_with(plugin, "/x", "body")          a call that a plugin written in Lua has got
--     assert.spy(fn).was.called_with(...)               stays luassert's own
--
-- Under a clock that is moved by hand (`nr.test.clock`), `eventually` and `no_reply` move it.

local assert = require "luassert"
local called = require "nylon_ring.test.called"
local describe = require "nylon_ring.test.describe"
local differ = require "nylon_ring.test.diff"
local json_diff = require "nylon_ring.test.json_diff"
local misuse = require "nylon_ring.misuse"
local report = require "nylon_ring.report"
local say = require "say" -- luassert's texts
local stage = require "nylon_ring.test.stage"
local task = require "nylon_ring.task"
local waiting = require "nylon_ring.test.waiting"

local type = type

-- luassert's own way: a failure's message is what the assertion leaves in its state, after the message that
-- `assert.message` has left there.
local function conclude(state, passed, message, kept)
    local own = rawget(state, "failure_message")
    state.failure_message = own and ("%s\n%s"):format(tostring(own), message) or message
    return passed, kept
end

local function register(name, check)
    assert:register("assertion", name, function(state, arguments)
        return conclude(state, check(unpack(arguments, 1, arguments.n)))
    end)
end

local function outcome(ok, ...)
    if ok then
        return { raised = false, ... }
    end
    local err = (...)
    local kind = stage.raised_kind(err)
    task.rethrow_cancellation(err)
    if kind == "pending" then
        error(err, 0)
    end
    return { raised = true, err = kind == "failure" and err.message or err }
end

-- What a function comes to: its values, or what it raises (of `assert(nil, err)` the Error, which is the
-- message there). The end of the spec itself is passed on.
local function outcome_of(fn)
    return function(...)
        return outcome(pcall(fn, ...))
    end
end

register("ok", function(status, body)
    local passed = describe.is_ok(status)
    return passed, ("Expected an answer that is %sOk.\nGot: %s"):format(passed and "not " or "",
        describe.answer(status, body))
end)

register("status", function(expected, status, body)
    local name = describe.expected(expected)
    if not name then
        misuse("assert.status takes a status, its name or an Error's code, not %s", tostring(expected))
    end
    local passed = describe.matches(expected, status, body)
    return passed, ("Expected an answer %s %s.\nGot: %s"):format(passed and "other than" or "of", name,
        describe.answer(status, body))
end)

register("frames", function(expected, stream, err)
    if type(expected) ~= "table" then
        misuse "assert.frames takes a list of frames first, then the stream"
    elseif stream == nil then
        return false, "Expected frames.\nGot: " .. describe.answer(nil, err)
    elseif type(stream) ~= "table" or type(stream.recv) ~= "function" then
        misuse("assert.frames takes a stream after the frames, not %s", describe.value(stream))
    end
    local got = describe.frames(stream)
    local wanted = describe.wanted_frames(expected)
    local diff = differ.lists(wanted, got)
    if not diff then
        return true, "Expected other frames than these:\n" .. differ.list(got)
    end
    return false, "Expected these frames (-), got others (+):\n" .. diff
end)

register("eventually", function(fn, options)
    if type(fn) ~= "function" then
        misuse "assert.eventually takes a function"
    end
    local last, after = waiting.until_true(outcome_of(fn), options)
    if not last.raised and last[1] then
        return true, ("Expected that it stays false, but it was true after %d ms."):format(after), { last[1] }
    end
    local what = last.raised and "Last it raised: " .. report.text_of(last.err)
        or "Last it was: " .. describe.value(last[1])
    return false, ("Expected that it gets true within %d ms.\n%s"):format(after, what)
end)

register("no_reply", function(what, options)
    if type(what) ~= "function" and not (type(what) == "table" and type(what.join) == "function") then
        misuse "assert.no_reply takes a function that calls, or a task"
    end
    local values, after = waiting.for_end(what, options)
    if not values then
        return true, ("Expected a reply within %d ms."):format(after)
    end
    local answer = describe.answer(values[1], values[2])
    return false, ("Expected no reply, but one came after %d ms.\nGot: %s"):format(after, answer)
end)

local function decoded(value)
    local ok, result = json_diff.decode(value)
    if not ok then
        misuse("assert.json_equal: no JSON: %s (%s)", describe.value(value), tostring(result))
    end
    return result
end

register("json_equal", function(expected, actual)
    expected, actual = decoded(expected), decoded(actual)
    local diff = json_diff.values(expected, actual)
    if not diff then
        return true, "Expected other JSON than " .. json_diff.shown(expected)
    end
    return false, "Expected the same JSON.\n" .. diff
end)

register("throws_status", function(expected, fn, ...)
    local name = describe.expected(expected)
    if not name or type(fn) ~= "function" then
        misuse "assert.throws_status takes a status, its name or an Error's code, and a function"
    end
    local got = outcome_of(fn)(...)
    if not got.raised then
        return false, ("Expected an Error of %s, but nothing was raised.\nAnswered: %s"):format(name,
            describe.answer(got[1], got[2]))
    elseif describe.matches_error(expected, got.err) then
        local message = ("Expected no Error of %s.\nRaised: %s"):format(name, report.text_of(got.err))
        return true, message, { got.err }
    end
    return false, ("Expected an Error of %s.\nRaised: %s"):format(name, report.text_of(got.err))
end)

-- What luassert's assert of this name does, after `assert.spy` or `assert.stub`.
local function spy_called_with(spy, arguments)
    if type(spy) ~= "table" or not spy.called_with then
        misuse "assert.spy(...).was.called_with takes a spy, and not the function that it stands for"
    end
    local passed, call = spy:called_with(arguments)
    local text = passed and "assertion.called_with.negative" or "assertion.called_with.positive"
    return passed, say(text, assert:format { call, arguments, n = 2 })
end

local function plugin_called_with(plugin, target, body)
    local seen = called.of(plugin)
    if not seen then
        misuse("assert.called_with takes a plugin written in Lua, or one that is wrapped; not %s",
            tostring(plugin))
    end
    local request = called.request(target, body)
    if not request then
        misuse "assert.called_with takes a target or a request after the plugin, and a body"
    elseif called.find(seen, request) then
        return true, ("Expected no call of '%s'.\n%s"):format(request.call, called.describe(seen))
    end
    return false, called.explain(seen, request)
end

assert:register("assertion", "called_with", function(state, arguments)
    local spy = rawget(state, "payload")
    if spy ~= nil then
        return conclude(state, spy_called_with(spy, arguments))
    end
    return conclude(state, plugin_called_with(unpack(arguments, 1, arguments.n)))
end)
