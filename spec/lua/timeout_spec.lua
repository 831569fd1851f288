local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"
local timers = require "nylon_ring.timers"

local it_task, gate = support.it_task, support.gate

describe("nr.timeout", function()
    support.watch_each()

    it("answers what its function answers in time, and leaves no timer", it_task(function()
        assert.same({ 1, nil, 3 }, { nr.timeout(60000, function(...)
            nr.sleep(0)
            return ...
        end, 1, nil, 3) })
        assert.equal(0, timers.count())
    end))

    it("raises what its function raises in time", it_task(function()
        assert.has_error(function()
            nr.timeout(60000, error, "fault", 0)
        end, "fault")
    end))

    it("answers nil, err when the time is over, and has given up the wait", it_task(function()
        local door = gate()
        local result, err = nr.timeout(1, door.wait)
        assert.is_nil(result)
        assert.is_true(errors.is(err, "timeout"))
        assert.matches("1 ms", err.message)
        assert.equal(1, door.given_up)
    end))

    it("raises at every suspension after it: a pcall can not swallow it", it_task(function()
        local door, raised = gate(), {}
        local result, err = nr.timeout(1, function()
            for index = 1, 3 do
                raised[index] = select(2, pcall(door.wait))
            end
            return "made the best of it"
        end)
        assert.is_nil(result)
        assert.same({ err, err, err }, raised)
    end))

    it("reaches the tasks that were made inside, however deep", it_task(function()
        local door = gate()
        local result, err = nr.timeout(1, function()
            nr.spawn(function()
                nr.all { door.wait, door.wait }
            end)
            return "returned long before"
        end)
        assert.is_nil(result)
        assert.is_true(errors.is(err, "timeout"))
        assert.equal(2, door.given_up)
    end))

    it("inside another answers its own, or unwinds to the outer one", it_task(function()
        local door, inner = gate(), nil
        local result, err = nr.timeout(60000, function()
            inner = { nr.timeout(1, door.wait) }
            return "outer goes on"
        end)
        assert.equal("outer goes on", result)
        assert.is_nil(err)
        assert.is_nil(inner[1])
        assert.is_true(errors.is(inner[2], "timeout"))

        local came_back = false
        result, err = nr.timeout(2, function()
            nr.timeout(60000, door.wait)
            came_back = true
        end)
        assert.is_nil(result)
        assert.matches("2 ms", err.message)
        assert.is_false(came_back)
        assert.equal(0, timers.count())
    end))

    it("keeps what was raised on the way down as the cause", it_task(function()
        local door = gate()
        local _, err = nr.timeout(1, function()
            pcall(door.wait)
            error("could not clean up", 0)
        end)
        assert.is_true(errors.is(err, "timeout"))
        assert.equal("could not clean up", err.cause)
    end))

    it("is taken down when its task is cancelled", it_task(function()
        local door = gate()
        local task = nr.spawn(nr.timeout, 60000, door.wait)
        task:cancel()
        local _, err = task:join()
        assert.is_true(errors.is(err, "cancelled"))
        assert.equal(1, door.given_up)
        assert.equal(0, timers.count())
    end))

    it("waits for work under nr.shield to finish", it_task(function()
        local finished = false
        local _, err = nr.timeout(1, function()
            pcall(nr.sleep, 60000)
            nr.shield(nr.sleep, 2)
            finished = true
        end)
        assert.is_true(errors.is(err, "timeout"))
        assert.is_true(finished)
    end))

    it("of 0 lets a function finish that does not wait", it_task(function()
        assert.equal(7, nr.timeout(0, function()
            return 7
        end))
        assert.is_nil((nr.timeout(0, nr.sleep, 60000)))
    end))

    it("takes milliseconds and a function", it_task(function()
        for _, wrong in ipairs { "1", -1, 0 / 0 } do
            assert.has_error(function()
                nr.timeout(wrong, print)
            end, "nr.timeout takes milliseconds first")
        end
        assert.has_error(function()
            nr.timeout(1)
        end, "nr.timeout takes a function, not a nil")
    end))
end)

describe("nr.retry", function()
    local nothing_left

    before_each(function()
        nothing_left = support.watch()
    end)

    after_each(function()
        nothing_left()
    end)

    -- Fails so many times with what `fail` answers or raises, then answers the number of the attempt.
    local function flaky(failures, fail)
        return function(attempt)
            if attempt <= failures then
                return fail(attempt)
            end
            return attempt, "value"
        end
    end

    local function answer_failure()
        return nil, "failed"
    end

    local function raise_ours()
        error(errors.new { code = "timeout", message = "late" })
    end

    it("answers the first success", it_task(function()
        assert.same({ 1, "value" }, { nr.retry(3, flaky(0)) })
        assert.same({ 3, "value" }, { nr.retry(3, flaky(2, answer_failure), { delay = 0 }) })
        assert.same({ 2, "value" }, { nr.retry(3, flaky(1, raise_ours), { delay = 0 }) })
    end))

    it("answers or raises the last failure", it_task(function()
        assert.same({ nil, "failed" }, { nr.retry(2, flaky(9, answer_failure), { delay = 0 }) })
        local ok, err = pcall(nr.retry, 2, flaky(9, raise_ours), { delay = 0 })
        assert.is_false(ok)
        assert.is_true(errors.is(err, "timeout"))
    end))

    it("raises a fault in the script at once", it_task(function()
        local attempts = 0
        assert.has_error(function()
            nr.retry(5, function()
                attempts = attempts + 1
                error("fault", 0)
            end)
        end, "fault")
        assert.equal(1, attempts)
    end))

    it("asks `when` whether an error is worth another attempt", it_task(function()
        local asked = {}
        local result, err = nr.retry(5, function(attempt)
            return nil, "failure " .. attempt
        end, {
            delay = 0,
            when = function(failure, attempt)
                asked[attempt] = failure
                return attempt < 2
            end,
        })
        assert.is_nil(result)
        assert.equal("failure 2", err)
        assert.same({ "failure 1", "failure 2" }, asked)
    end))

    for _, case in ipairs {
        { "100 ms at first", 1, {}, "nr.sleep(100)" },
        { "as long as it is told", 1, { delay = 7000 }, "nr.sleep(7000)" },
        { "longer each time", 2, { delay = 1, factor = 9000 }, "nr.sleep(9000)" },
        { "no longer than 10 s", 2, { delay = 1, factor = 90000 }, "nr.sleep(10000)" },
        { "no longer than told", 2, { delay = 1, factor = 90000, max_delay = 50 }, "nr.sleep(50)" },
    } do
        it("sleeps between attempts " .. case[1], it_task(function()
            local door = gate()
            local task = nr.spawn(nr.retry, 9, function(attempt)
                if attempt == case[2] then
                    door.wait()
                end
                return nil, "failed"
            end, case[3])
            while door.waiting == 0 do
                nr.sleep(0)
            end
            door.open()
            nr.sleep(0)
            local awaits
            for _, info in ipairs(nr.tasks()) do
                awaits = info.task == task and info.awaits or awaits
            end
            assert.equal(case[4], awaits)
            task:cancel()
        end))
    end

    it("leaves a part of each pause to chance where it is told", it_task(function()
        local task = nr.spawn(nr.retry, 3, answer_failure, { delay = 60000, max_delay = 60000, jitter = 0.5 })
        local ms
        for _, info in ipairs(nr.tasks()) do
            ms = info.task == task and tonumber(info.awaits:match "nr.sleep%((.*)%)") or ms
        end
        assert.is_true(ms >= 30000 and ms < 60000)
        task:cancel()
    end))

    it("stops when its task is cancelled, though the function catches everything", it_task(function()
        local attempts = 0
        local task = nr.spawn(nr.retry, 1000, function()
            attempts = attempts + 1
            nr.sleep(60000)
        end)
        task:cancel()
        local _, err = task:join()
        assert.is_true(errors.is(err, "cancelled"))
        assert.equal(1, attempts)
    end))

    it("takes the number of attempts and a function", it_task(function()
        assert.has_error(function()
            nr.retry(0, print)
        end, "nr.retry takes the number of attempts first, 1 at least")
        assert.has_error(function()
            nr.retry(1)
        end, "nr.retry takes a function, not a nil")
        assert.has_error(function()
            nr.retry(0 / 0, print)
        end, "nr.retry takes the number of attempts first, 1 at least")
    end))

    it("takes options that it knows, and that make sense", it_task(function()
        local function raises(pattern, options)
            local ok, message = pcall(nr.retry, 2, print, options)
            assert.is_false(ok)
            assert.matches(pattern, message)
        end
        raises("timeout_spec.*as a table, not number", 5)
        raises("no option 'dealy', perhaps 'delay'; it has: delay, factor", { dealy = 1 })
        raises("delay must be a number, 0 or more", { delay = "1" })
        raises("factor must be a number, 0 or more", { factor = 0 / 0 })
        raises("when is a function%(err, attempt%), not a boolean", { when = true })
    end))
end)
