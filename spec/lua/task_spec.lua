local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"

local it_task, gate = support.it_task, support.gate

describe("a task", function()
    local take_caught = support.watch_each()

    describe("that is spawned", function()
        it("runs at once, up to its first suspension", it_task(function()
            local steps, door = {}, gate()
            local task = nr.spawn(function(a, b)
                steps[#steps + 1] = a .. b
                steps[#steps + 1] = door.wait()
            end, "x", "y")
            assert.same({ "xy" }, steps)
            door.open("opened")
            assert.same({ "xy" }, steps)
            task:join()
            assert.same({ "xy", "opened" }, steps)
        end))

        it("gives its results, nils included, to everyone who joins, each time", it_task(function()
            local task = nr.spawn(function()
                return 1, nil, 3, nil
            end)
            for _ = 1, 2 do
                assert.equal(4, select("#", task:join()))
                assert.same({ 1, nil, 3 }, { task:join() })
            end
        end))

        it("gives its results to those that wait when it ends", it_task(function()
            local door = gate()
            local task = nr.spawn(function()
                return door.wait()
            end)
            local seen = {}
            for index = 1, 3 do
                nr.spawn(function()
                    seen[index] = task:join()
                end)
            end
            door.open("value")
            task:join()
            nr.sleep(0)
            assert.same({ "value", "value", "value" }, seen)
        end))

        it("can be nested as deep as a script likes", it_task(function()
            local depth = 0
            local function nest(left)
                depth = depth + 1
                if left > 0 then
                    nr.spawn(nest, left - 1):join()
                end
            end
            nest(5000)
            assert.equal(5001, depth)
        end))

        it("can end as deep as a script likes, from the inside out", it_task(function()
            local door = gate()
            local function nest(left)
                if left > 0 then
                    nr.spawn(nest, left - 1)
                else
                    door.wait()
                end
            end
            local outermost = nr.spawn(nest, 20000)
            while door.waiting == 0 do
                nr.sleep(0)
            end
            assert.equal("closing", outermost:status())
            door.open()
            outermost:join()
        end))

        it("can be joined in a chain of any length", it_task(function()
            local door = gate()
            local task = nr.spawn(door.wait)
            for _ = 1, 10000 do
                local before = task
                task = nr.spawn(function()
                    return before:join() + 1
                end)
            end
            door.open(0)
            assert.equal(10000, task:join())
        end))

        it("belongs to nobody outside a task, and is kept from collection while it waits", function()
            local door, result = gate(), nil
            support.outside(function()
                nr.spawn(function()
                    result = door.wait()
                end)
            end)
            collectgarbage()
            collectgarbage()
            door.open("still there")
            support.task(nr.sleep, 0)
            assert.equal("still there", result)
        end)

        it("takes only a function", it_task(function()
            assert.has_error(function()
                nr.spawn("x")
            end, "nr.spawn takes a function, not a string")
        end))
    end)

    describe("that made tasks", function()
        it("waits for them when it returns", it_task(function()
            local door, order = gate(), {}
            local parent = nr.spawn(function()
                nr.spawn(function()
                    door.wait()
                    order[#order + 1] = "child"
                end)
                order[#order + 1] = "parent"
                return "result"
            end)
            assert.equal("closing", parent:status())
            door.open()
            assert.equal("result", parent:join())
            assert.same({ "parent", "child" }, order)
        end))

        it("takes them down when it fails, before it is done", it_task(function()
            local door, seen = gate(), nil
            local parent = nr.spawn(function()
                nr.spawn(function()
                    local ok, err = pcall(door.wait)
                    seen = not ok and err
                    error(err, 0)
                end)
                error("parent failed", 0)
            end)
            local ok, err = pcall(parent.join, parent)
            assert.is_false(ok)
            assert.equal("parent failed", err)
            assert.is_true(errors.is(seen, "cancelled"))
        end))

        it("fails where it waits when one fails that nobody joins", it_task(function()
            local door, other = gate(), gate()
            local parent = nr.spawn(function()
                nr.spawn(function()
                    door.wait()
                    error("child failed", 0)
                end)
                other.wait()
            end)
            door.open()
            assert.has_error(function()
                parent:join()
            end, "child failed")
            assert.equal(1, other.given_up)
        end))

        it("can catch that failure, and goes on", it_task(function()
            local door, other = gate(), gate()
            local parent = nr.spawn(function()
                nr.spawn(function()
                    door.wait()
                    error("child failed", 0)
                end)
                local ok, err = pcall(other.wait)
                return ok, err, other.wait()
            end)
            door.open()
            nr.sleep(0)
            other.open("went on")
            assert.same({ false, "child failed", "went on" }, { parent:join() })
        end))

        it("fails at its next suspension when one fails at once", it_task(function()
            local other = gate()
            local parent = nr.spawn(function()
                nr.spawn(error, "at once", 0)
                other.wait()
            end)
            assert.has_error(function()
                parent:join()
            end, "at once")
        end))

        it("hears of every one that fails, one at a time", it_task(function()
            local door, other = gate(), gate()
            local parent = nr.spawn(function()
                for index = 1, 3 do
                    nr.spawn(function()
                        door.wait()
                        error("child " .. index, 0)
                    end)
                end
                local seen = {}
                for index = 1, 3 do
                    seen[index] = select(2, pcall(other.wait))
                end
                return seen
            end)
            door.open()
            assert.same({ "child 1", "child 2", "child 3" }, parent:join())
        end))

        it("does not fail when it joins the one that has failed", it_task(function()
            local task = nr.spawn(error, "joined", 0)
            assert.same({ false, "joined" }, { pcall(task.join, task) })
            nr.sleep(0)
        end))

        it("fails at its end when one failed and it never waited", it_task(function()
            local parent = nr.spawn(function()
                nr.spawn(error, "unseen", 0)
                return "result"
            end)
            assert.has_error(function()
                parent:join()
            end, "unseen")
        end))

        it("fails with the first that fails after its end, and reports what the others raise then",
            it_task(function()
                local first, second, others = gate(), gate(), {}
                local parent = nr.spawn(function()
                    nr.spawn(function()
                        first.wait()
                        error("first", 0)
                    end)
                    nr.spawn(function()
                        local _, err = pcall(second.wait)
                        others[1] = err
                        error("cleaning up failed", 0)
                    end)
                end)
                first.open()
                assert.has_error(function()
                    parent:join()
                end, "first")
                assert.is_true(errors.is(others[1], "cancelled"))
                local reported = take_caught()
                assert.equal(1, #reported)
                assert.equal("cleaning up failed", reported[1].err)
            end))
    end)

    describe("that fails", function()
        it("raises its error, as it is, at whoever joins, and nowhere else", it_task(function()
            local value = { "any value" }
            local task = nr.spawn(function()
                nr.sleep(0)
                error(value)
            end)
            local ok, err = pcall(task.join, task)
            assert.is_false(ok)
            assert.equal(value, err)
            assert.equal("failed", task:status())
        end))

        it("outside a task and without a joiner goes to nr.on_error, once", function()
            support.outside(function()
                nr.spawn(function()
                    error("nobody joins", 0)
                end)
            end)
            local reported = take_caught()
            assert.equal(1, #reported)
            assert.equal("nobody joins", reported[1].err)
            assert.matches("in function <.*task_spec.lua:%d+>", reported[1].traceback)
            assert.equal("failed", reported[1].task:status())
        end)

        it("has the stack from where it was raised, also when something caught it and raised it again",
            it_task(function()
                local function faulty()
                    error(errors.new { code = "task_failed", message = "faulty" })
                end
                local place = ("task_spec.lua:%d: in function"):format(debug.getinfo(faulty).linedefined + 1)
                package.preload.nylon_ring_spec_faulty = faulty
                finally(function()
                    package.preload.nylon_ring_spec_faulty = nil
                end)
                for _, again in ipairs {
                    function()
                        nr.shield(faulty)
                    end,
                    function()
                        nr.retry(1, faulty)
                    end,
                    function()
                        require("nylon_ring.loader").require "nylon_ring_spec_faulty"
                    end,
                } do
                    local task = nr.spawn(again)
                    local _, err = pcall(task.join, task)
                    assert.matches(place, err.traceback, 1, true)
                end
            end))

        it("has the stacks of all tasks that the error went through", it_task(function()
            local err = errors.new { code = "task_failed", message = "deep down" }
            local function innermost()
                nr.sleep(0)
                error(err)
            end
            local function middle()
                nr.spawn(innermost):join()
                return nil
            end
            local task = nr.spawn(function()
                middle()
            end)
            assert.is_false((pcall(task.join, task)))
            local stack = err.traceback
            local one = stack:find("'innermost'", 1, true) or stack:find("<.*task_spec.lua:%d+>")
            local two = stack:find("awaited by task %d+ %(.*task_spec.lua:%d+%)")
            local three = stack:find("'middle'", 1, true)
            assert.is_true(one < two and two < three, stack)
        end))
    end)

    describe("that joins", function()
        it("can not join itself, nor one that waits for it", it_task(function()
            local me = nr.current()
            local ok, err = pcall(me.join, me)
            assert.is_false(ok)
            assert.matches("can not join itself", err)
            local child = nr.spawn(function()
                return pcall(me.join, me)
            end)
            ok, err = child:join()
            assert.is_false(ok)
            assert.matches("can not join a task that waits for it", err)
        end))

        it("can not be one of a ring of joins", it_task(function()
            local tasks, results = {}, {}
            local door = gate()
            for index = 1, 2 do
                tasks[index] = nr.spawn(function()
                    door.wait()
                    results[index] = { pcall(tasks[3 - index].join, tasks[3 - index]) }
                end)
            end
            door.open()
            tasks[1]:join()
            tasks[2]:join()
            assert.is_true(results[1][1])
            assert.is_false(results[2][1])
            assert.matches("can not join each other", results[2][2])
        end))

        it("leaves the joined one alone when it is cancelled", it_task(function()
            local door = gate()
            local target = nr.spawn(door.wait)
            local joiner = nr.spawn(target.join, target)
            joiner:cancel()
            joiner:join()
            assert.equal("suspended", target:status())
            door.open("fine")
            assert.equal("fine", target:join())
        end))

        it("raises outside a task, and names the ways in", function()
            local door, task = gate(), nil
            support.outside(function()
                task = nr.spawn(door.wait)
                local ok, err = pcall(task.join, task)
                assert.is_false(ok)
                assert.matches("nr.run", err, 1, true)
                assert.matches("nr.spawn", err, 1, true)
            end)
            door.open()
            support.task(task.join, task)
        end)
    end)

    describe("that owns a resource", function()
        local task = require "nylon_ring.task"

        local function resource(name, log)
            local made = {}
            function made.close()
                log[#log + 1] = name
            end
            made.owner = task.adopt(made)
            return made
        end

        it("closes it at its end, after its children, however it ends", it_task(function()
            for _, ending in ipairs { "return", "fail", "cancel" } do
                local log, door = {}, gate()
                local each = nr.spawn(function()
                    local kept = resource("resource", log)
                    nr.spawn(function()
                        pcall(door.wait)
                        log[#log + 1] = "child"
                    end)
                    if ending == "fail" then
                        error(kept)
                    elseif ending == "cancel" then
                        door.wait()
                    end
                    return kept
                end)
                if ending == "cancel" then
                    each:cancel()
                end
                door.open()
                pcall(each.join, each)
                assert.same({ "child", "resource" }, log)
            end
        end))

        it("does not close what was released, nor keep what was collected", it_task(function()
            local log = {}
            local each = nr.spawn(function()
                local released = resource("released", log)
                task.release(released.owner, released)
                resource("collected", log)
                released = nil -- luacheck: ignore 311
                collectgarbage()
                collectgarbage()
            end)
            each:join()
            assert.same({}, log)
        end))
    end)

    describe("in nr.tasks()", function()
        it("is listed with what it awaits, for how long, and its parent", it_task(function()
            local door = gate()
            local waiting = nr.spawn(door.wait)
            local sleeping = nr.spawn(nr.sleep, 60000)
            local joining = nr.spawn(waiting.join, waiting)
            local by_id = {}
            for _, info in ipairs(nr.tasks()) do
                by_id[info.id] = info
            end
            assert.equal("nr.sleep(60000)", by_id[sleeping.id].awaits)
            assert.matches("^nr.await at .*support.lua:%d+$", by_id[waiting.id].awaits)
            assert.equal("the end of " .. tostring(waiting), by_id[joining.id].awaits)
            assert.equal(nr.current().id, by_id[joining.id].parent)
            assert.equal("suspended", by_id[joining.id].status)
            assert.is_true(by_id[sleeping.id].since >= 0)
            assert.equal("running", by_id[nr.current().id].status)
            assert.matches("stack traceback", sleeping:traceback())
            sleeping:cancel()
            door.open()
            joining:join()
            sleeping:join()
            for _, info in ipairs(nr.tasks()) do
                assert.is_true(info.task ~= sleeping and info.task ~= joining)
            end
        end))
    end)
end)
