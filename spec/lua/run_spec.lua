local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local files = require "spec.support"
local run = require "nylon_ring.run"
local support = require "spec.lua.support"
local uv = require "luv"

local outside = support.outside

describe("nr.run", function()
    support.watch_each()

    -- Specs of what happens outside of tasks.
    local function it_outside(fn)
        return function()
            outside(fn)
        end
    end

    it("runs a function as a task, and the loop until it is done", it_outside(function()
        assert.same({ 1, nil, 3 }, { nr.run(function(...)
            nr.sleep(1)
            return ...
        end, 1, nil, 3) })
        assert.equal(3, select("#", nr.run(function()
            return nil, nil, nil
        end)))
    end))

    it("waits for what the task made", it_outside(function()
        local done = false
        nr.run(function()
            nr.spawn(function()
                nr.sleep(1)
                done = true
            end)
        end)
        assert.is_true(done)
    end))

    it("raises the task's error as it is", it_outside(function()
        local value = {}
        local ok, err = pcall(nr.run, function()
            nr.sleep(0)
            error(value)
        end)
        assert.is_false(ok)
        assert.equal(value, err)
    end))

    it("raises when the task is cancelled", it_outside(function()
        local ok, err = pcall(nr.run, function()
            nr.current():cancel "by itself"
            nr.sleep(0)
        end)
        assert.is_false(ok)
        assert.is_true(errors.is(err, "cancelled"))
    end))

    it("leaves tasks of others alone, and goes on with them the next time", it_outside(function()
        local steps = 0
        local other = nr.spawn(function()
            for _ = 1, 3 do
                nr.sleep(1)
                steps = steps + 1
            end
        end)
        nr.run(function() end)
        assert.equal("suspended", other:status())
        nr.run(other.join, other)
        assert.equal(3, steps)
    end))

    it("says what every task awaits when nothing could wake them any more", it_outside(function()
        local ok, err = pcall(nr.run, function()
            nr.spawn(nr.await, function() end):join()
        end)
        assert.is_false(ok)
        assert.is_true(errors.is(err, "deadlock"))
        assert.matches("awaits the end of task %d+", err.message)
        assert.matches("awaits nr.await at .*run_spec.lua:%d+", err.message)
    end))

    it("goes on when a script stops the loop", it_outside(function()
        assert.equal("done", nr.run(function()
            for _ = 1, 3 do
                uv.stop()
                nr.sleep(1)
            end
            return "done"
        end))
    end))

    it("goes on when a script has closed the handles", it_outside(function()
        assert.equal("done", nr.run(function()
            nr.spawn(function()
                uv.walk(function(handle)
                    if uv.handle_get_type(handle) == "timer" and not handle:is_closing() then
                        handle:close()
                    end
                end)
            end)
            nr.sleep(5)
            return "done"
        end))
    end))

    it("raises inside a task, and names nr.spawn", function()
        support.task(function()
            local ok, err = pcall(nr.run, function() end)
            assert.is_false(ok)
            assert.matches("nr.spawn", err, 1, true)
        end)
    end)

    it("takes only a function", it_outside(function()
        assert.has_error(function()
            nr.run {}
        end, "nr.run takes a function, not a table")
    end))

    it("has a protected form that answers the stacks as well", it_outside(function()
        assert.same({ true, 1, nil, 3 }, { run.prun(function()
            return 1, nil, 3
        end) })
        local function failing()
            nr.sleep(0)
            error("deep", 0)
        end
        local ok, err, traceback = run.prun(function()
            nr.spawn(failing):join()
        end)
        assert.is_false(ok)
        assert.equal("deep", err)
        assert.matches("in function <.*run_spec.lua:%d+>.*awaited by task.*run_spec.lua:%d+", traceback)
    end))
end)

describe("an error of a luv callback", function()
    it("goes to nr.on_error with its stack, and the loop goes on", function()
        local caught = support.catch_errors()
        finally(caught.restore)
        support.task(function()
            local timer = uv.new_timer()
            timer:start(0, 0, function()
                timer:close()
                error("in a callback", 0)
            end)
            while #caught == 0 do
                nr.sleep(0)
            end
        end)
        assert.equal(1, #caught)
        assert.equal("in a callback", caught[1].err)
        assert.matches("run_spec.lua", caught[1].traceback)
    end)
end)

describe("nr.on_error", function()
    it("answers the handler that was there before", function()
        local first = function() end
        local outer = nr.on_error(first)
        finally(function()
            nr.on_error(outer)
        end)
        assert.equal(first, nr.on_error(nil))
        assert.is_nil(nr.on_error(first))
    end)

    it("takes a function or nil", function()
        assert.has_error(function()
            nr.on_error "x"
        end, "nr.on_error takes a function, not a string")
    end)

    it("leaves errors to standard error, and to the exit code, without one", support.it_task(function()
        local outcome = files.run { "-e", [[
            local nr = require "nylon_ring"
            local timer = require("luv").new_timer()
            timer:start(0, 0, function()
                timer:close()
                nr.spawn(function()
                    nr.sleep(0)
                    error("unheard", 0)
                end)
            end)
        ]] }
        assert.equal(1, outcome.code)
        assert.matches("nylon%-ring: error in task %d+ %(.-%): unheard\n.*stack traceback:", outcome.err)
        assert.equal("", outcome.out)
    end))
end)
