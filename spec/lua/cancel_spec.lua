local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"

local it_task, gate = support.it_task, support.gate

describe("a task", function()
    local take_caught = support.watch_each()

    describe("that is cancelled", function()
        it("raises where it waits, gives the wait up once, and ends as cancelled", it_task(function()
            local door = gate()
            local task = nr.spawn(door.wait)
            assert.is_true(task:cancel("no longer wanted"))
            local result, err = task:join()
            assert.is_nil(result)
            assert.is_true(errors.is(err, "cancelled"))
            assert.equal("no longer wanted", err.message)
            assert.equal(1, door.given_up)
            assert.equal("cancelled", task:status())
            assert.is_false(task:cancel())
        end))

        it("raises at every later suspension: a pcall can not swallow it", it_task(function()
            local door, raised = gate(), 0
            local task = nr.spawn(function()
                for _ = 1, 5 do
                    local ok, err = pcall(door.wait)
                    raised = raised + (not ok and errors.is(err, "cancelled") and 1 or 0)
                end
                nr.sleep(0)
            end)
            task:cancel()
            assert.is_nil((task:join()))
            assert.equal(5, raised)
            assert.equal("cancelled", task:status())
        end))

        it("is never resumed by what is answered late", it_task(function()
            local door, after = gate(), 0
            local late
            local task = nr.spawn(function()
                pcall(nr.await, function(resume)
                    late = resume
                end)
                after = after + 1
            end)
            task:cancel()
            task:join()
            late("too late")
            nr.sleep(0)
            assert.equal(1, after)
            assert.equal(0, door.waiting)
        end))

        it("keeps its results when it does not suspend any more", it_task(function()
            local task = nr.spawn(function()
                pcall(nr.sleep, 60000)
                return "finished all the same"
            end)
            task:cancel()
            assert.equal("finished all the same", task:join())
        end))

        it("takes all that it made with it", it_task(function()
            local door, count = gate(), 0
            local task = nr.spawn(function()
                for _ = 1, 3 do
                    nr.spawn(function()
                        nr.spawn(function()
                            local ok = pcall(door.wait)
                            count = count + (ok and 0 or 1)
                        end)
                    end)
                end
                door.wait()
            end)
            task:cancel()
            task:join()
            assert.equal(3, count)
            assert.equal(4, door.given_up)
        end))

        it("takes what is deep below it, the innermost first", it_task(function()
            local door, order = gate(), {}
            local function nest(left)
                if left > 0 then
                    nr.spawn(nest, left - 1)
                end
                pcall(door.wait)
                order[#order + 1] = left
            end
            local outermost = nr.spawn(nest, 20000)
            while door.waiting <= 20000 do
                nr.sleep(0)
            end
            outermost:cancel()
            outermost:join()
            assert.equal(20001, #order)
            for index = 1, #order do
                assert.is_true(order[index] == index - 1)
            end
        end))

        it("gives a wait up that was begun while it was cancelled", it_task(function()
            local given_up = false
            local task = nr.spawn(nr.await, function()
                nr.current():cancel()
                return function()
                    given_up = true
                end
            end)
            assert.is_nil((task:join()))
            assert.is_true(given_up)
        end))

        it("makes no task that could wait", it_task(function()
            local seen
            local task = nr.spawn(function()
                pcall(nr.sleep, 60000)
                seen = { nr.spawn(nr.sleep, 60000):status() }
            end)
            task:cancel()
            task:join()
            assert.same({ "cancelled" }, seen)
        end))

        it("does not fail its parent", it_task(function()
            local door = gate()
            local parent = nr.spawn(function()
                nr.spawn(door.wait):cancel()
                nr.sleep(0)
                return "unharmed"
            end)
            assert.equal("unharmed", parent:join())
        end))

        it("can be cancelled by itself: its next suspension raises", it_task(function()
            local went_on
            local task = nr.spawn(function()
                nr.current():cancel()
                went_on = true
                nr.sleep(0)
            end)
            assert.is_true(went_on)
            assert.is_nil((task:join()))
        end))

        it("keeps a value that had arrived before, and raises after that", it_task(function()
            local door, seen = gate(), {}
            local task = nr.spawn(function()
                seen[1] = door.wait()
                seen[2] = { pcall(door.wait) }
            end)
            door.open("arrived")
            task:cancel()
            task:join()
            assert.equal("arrived", seen[1])
            assert.is_false(seen[2][1])
        end))

        it("reports a canceller that fails, and ends all the same", it_task(function()
            local task = nr.spawn(nr.await, function()
                return function()
                    error("bad canceller", 0)
                end
            end)
            task:cancel()
            assert.is_nil((task:join()))
            assert.matches("bad canceller", take_caught()[1].err)
        end))
    end)

    describe("under nr.shield", function()
        it("finishes its last work, with tasks of its own, and is cancelled after it", it_task(function()
            local door, done, after = gate(), nil, nil
            local task = nr.spawn(function()
                local ok = pcall(door.wait)
                assert(not ok)
                done = nr.shield(function(word)
                    nr.sleep(0)
                    return word .. nr.spawn(door.wait):join()
                end, "closed ")
                after = pcall(nr.sleep, 0)
            end)
            task:cancel()
            while door.waiting == 0 do
                nr.sleep(0)
            end
            door.open("in order")
            task:join()
            assert.equal("closed in order", done)
            assert.is_false(after)
        end))

        it("puts a cancellation off that comes meanwhile", it_task(function()
            local door, inside = gate(), nil
            local task = nr.spawn(function()
                inside = nr.shield(door.wait)
                nr.sleep(60000)
            end)
            task:cancel()
            assert.equal("suspended", task:status())
            door.open("not interrupted")
            assert.is_nil((task:join()))
            assert.equal("not interrupted", inside)
        end))

        it("passes an error on", it_task(function()
            assert.has_error(function()
                nr.shield(error, "through", 0)
            end, "through")
        end))

        it("takes a function", it_task(function()
            assert.has_error(function()
                nr.shield()
            end, "nr.shield takes a function, not a nil")
        end))
    end)
end)
