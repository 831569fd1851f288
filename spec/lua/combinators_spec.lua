local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"

local it_task, gate = support.it_task, support.gate

-- A function that answers these values.
local function answers(...)
    local values, count = { ... }, select("#", ...)
    return function()
        return unpack(values, 1, count)
    end
end

describe("several tasks as one step:", function()
    local take_caught = support.watch_each()

    describe("nr.all", function()
        it("answers the first value of each under its key", it_task(function()
            assert.same({ 1, "b" }, nr.all { answers(1, "more"), answers "b" })
            assert.same({ user = "u", posts = 3 }, nr.all { user = answers "u", posts = answers(3) })
            assert.same({}, nr.all {})
        end))

        it("runs them at the same time, and waits for the last", it_task(function()
            local door = gate()
            local function wait(word)
                return function()
                    return word .. door.wait()
                end
            end
            local task = nr.spawn(nr.all, { wait "a", wait "b", wait "c" })
            assert.equal(3, door.waiting)
            door.open "!"
            assert.same({ "a!", "b!", "c!" }, task:join())
        end))

        it("answers nil, err as soon as one does, and cancels the others", it_task(function()
            local door = gate()
            local results, err = nr.all { door.wait, answers(nil, "no luck"), function()
                error "is never started"
            end }
            assert.is_nil(results)
            assert.equal("no luck", err)
            assert.equal(1, door.given_up)
        end))

        it("raises what one raises, and cancels the others", it_task(function()
            local door = gate()
            local ok, err = pcall(nr.all, { door.wait, function()
                error("a fault", 0)
            end })
            assert.same({ false, "a fault" }, { ok, err })
            assert.equal(1, door.given_up)
        end))

        it("takes a nil without an error as a value", it_task(function()
            assert.same({ nil, 2 }, nr.all { answers(nil), answers(2) })
        end))

        it("reports what fails after the first failure", it_task(function()
            local door = gate()
            local function fail_late()
                pcall(door.wait)
                error("late", 0)
            end
            local ok, err = pcall(nr.all, { fail_late, function()
                error("first", 0)
            end })
            assert.same({ false, "first" }, { ok, err })
            local caught = take_caught()
            assert.equal(1, #caught)
            assert.equal("late", caught[1].err)
        end))

        it("raises what one raises while it is taken down: a fault outweighs nil, err", it_task(function()
            local door = gate()
            assert.has_error(function()
                nr.all { function()
                    pcall(door.wait)
                    error("fault", 0)
                end, answers(nil, "no luck") }
            end, "fault")
        end))

        it("takes its functions down when its task is cancelled", it_task(function()
            local door = gate()
            local task = nr.spawn(nr.all, { door.wait, door.wait })
            task:cancel()
            assert.is_nil((task:join()))
            assert.equal(2, door.given_up)
        end))

        it("takes its functions down when another child of its task fails", it_task(function()
            local door, other = gate(), gate()
            local task = nr.spawn(function()
                nr.spawn(function()
                    other.wait()
                    error("sibling", 0)
                end)
                local ok, err = pcall(nr.all, { door.wait, door.wait })
                return ok, err, door.given_up
            end)
            other.open()
            assert.same({ false, "sibling", 2 }, { task:join() })
        end))

        it("takes only a table of functions", it_task(function()
            assert.has_error(function()
                nr.all(print)
            end, "nr.all takes a table of functions, not a function")
            assert.has_error(function()
                nr.all { print, "x" }
            end, "nr.all takes functions; [2] is a string")
        end))
    end)

    describe("nr.any", function()
        it("answers all values of the first that succeeds, and cancels the others", it_task(function()
            local door = gate()
            local result = { nr.any {
                answers(nil, "failed"),
                function()
                    error "raised"
                end,
                door.wait,
                answers(1, nil, 3),
                function()
                    error "is never started"
                end,
            } }
            assert.same({ 1, nil, 3 }, result)
            assert.equal(1, door.given_up)
            assert.same({}, take_caught())
        end))

        it("answers an error that names each failure when all fail", it_task(function()
            local result, err = nr.any { answers(nil, "one"), function()
                error("two", 0)
            end }
            assert.is_nil(result)
            assert.is_true(errors.is(err, "task_failed"))
            assert.matches("all 2 functions failed: one; two", err.message, 1, true)
            assert.equal("one", err.cause)
        end))

        it("names failures that are no text as well", it_task(function()
            local shy = setmetatable({}, { __tostring = error })
            local result, err = nr.any { function() error() end, function() error(shy) end }
            assert.is_nil(result)
            assert.matches("all 2 functions failed: nil; (table)", err.message, 1, true)
        end))

        it("takes one function at least", it_task(function()
            assert.has_error(function()
                nr.any {}
            end, "nr.any takes a list of one function at least")
        end))
    end)

    describe("nr.race", function()
        it("answers what the first that is done answers, a failure too", it_task(function()
            local door = gate()
            assert.same({ 1, 2 }, { nr.race { door.wait, answers(1, 2) } })
            assert.same({ nil, "failed" }, { nr.race { door.wait, answers(nil, "failed") } })
            assert.equal(2, door.given_up)
        end))

        it("raises what the first that is done raises", it_task(function()
            local door = gate()
            assert.has_error(function()
                nr.race { door.wait, function()
                    error("first", 0)
                end }
            end, "first")
            assert.same({}, take_caught())
        end))

        it("is over only when those that lost are down", it_task(function()
            local log = {}
            nr.race { function()
                pcall(nr.sleep, 60000)
                nr.shield(nr.sleep, 0)
                log[#log + 1] = "down"
            end, function()
                nr.sleep(0)
            end }
            log[#log + 1] = "over"
            assert.same({ "down", "over" }, log)
        end))
    end)

    describe("nr.map", function()
        it("answers the first values in the order of the items", it_task(function()
            local results = nr.map({ 3, 1, 2 }, function(item, index)
                nr.sleep(item)
                return item * 10 + index, "dropped"
            end)
            assert.same({ 31, 12, 23 }, results)
            assert.same({}, nr.map({}, error))
        end))

        it("has no more running than its limit, and that many", it_task(function()
            local running, most = 0, 0
            nr.map({ 1, 2, 3, 4, 5, 6, 7 }, function()
                running = running + 1
                most = math.max(most, running)
                nr.sleep(0)
                running = running - 1
            end, { limit = 3 })
            assert.equal(3, most)
        end))

        it("starts nothing after a failure, and answers it", it_task(function()
            local started = 0
            local results, err = nr.map({ 1, 2, 3, 4 }, function(item)
                started = started + 1
                nr.sleep(0)
                if item == 2 then
                    return nil, "item 2"
                end
            end, { limit = 2 })
            assert.is_nil(results)
            assert.equal("item 2", err)
            assert.is_true(started <= 3)
        end))

        it("takes items from an iterator that suspends, when there is room", it_task(function()
            local running, asked = 0, 0
            local function items()
                nr.sleep(0)
                asked = asked + 1
                assert.is_true(running < 2)
                return asked <= 5 and asked or nil
            end
            local results = nr.map(items, function(item)
                running = running + 1
                nr.sleep(1)
                running = running - 1
                return -item
            end, { limit = 2 })
            assert.same({ -1, -2, -3, -4, -5 }, results)
        end))

        it("does not wait for a stalled iterator when an item has failed", it_task(function()
            local door, given = gate(), false
            local function items()
                if given then
                    return door.wait()
                end
                given = true
                return 1
            end
            assert.same({ nil, "failed" }, { nr.map(items, answers(nil, "failed")) })
            door.open()
            given = false
            assert.has_error(function()
                nr.map(items, function()
                    nr.sleep(0)
                    error("raised", 0)
                end)
            end, "raised")
            assert.equal(1, door.given_up)
        end))

        it("raises what its iterator raises", it_task(function()
            assert.has_error(function()
                nr.map(function()
                    error("no more input", 0)
                end, answers(1))
            end, "no more input")
        end))

        it("bears many items", it_task(function()
            local list = {}
            for index = 1, 20000 do
                list[index] = index
            end
            for _, limit in ipairs { 1, 64, 30000 } do
                local results = nr.map(list, function(item)
                    return item
                end, { limit = limit })
                assert.equal(20000, #results)
            end
        end))

        it("takes a list, a function and a limit", it_task(function()
            assert.has_error(function()
                nr.map(1, print)
            end, "nr.map takes a list or an iterator, not a number")
            assert.has_error(function()
                nr.map({})
            end, "nr.map takes a function, not a nil")
            assert.has_error(function()
                nr.map({}, print, { limit = 0 })
            end, "nr.map's limit is a number from 1 on")
            assert.has_error(function()
                nr.map({}, print, { limit = 0 / 0 })
            end, "nr.map's limit is a number from 1 on")
            assert.matches("as a table, not number", select(2, pcall(nr.map, {}, print, 5)))
            local _, message = pcall(nr.map, {}, print, { limt = 5 })
            assert.matches("no option 'limt', perhaps 'limit'; it has: limit", message)
        end))
    end)
end)
