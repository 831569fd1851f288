local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local it_task = support.it_task

describe("nr.await", function()
    local nothing_left

    before_each(function()
        nothing_left = support.watch()
    end)

    after_each(function()
        nothing_left()
    end)

    it("returns what resume was called with, nils included", it_task(function()
        local function after_a_turn(resume)
            local timer = uv.new_timer()
            timer:start(0, 0, function()
                timer:close()
                resume(nil, 2, nil)
            end)
        end
        assert.equal(3, select("#", nr.await(after_a_turn)))
        assert.same({ nil, 2 }, { nr.await(after_a_turn) })
    end))

    it("does not suspend when resume is called at once", it_task(function()
        local other_ran = false
        local task = nr.spawn(function()
            nr.sleep(0)
            other_ran = true
        end)
        assert.same({ "now", nil, 3 }, { nr.await(function(resume)
            resume("now", nil, 3)
        end) })
        assert.is_false(other_ran)
        task:join()
    end))

    it("counts the first call only", it_task(function()
        local resume_again
        local first = nr.await(function(resume)
            resume_again = resume
            resume(1)
            resume(2)
        end)
        resume_again(3)
        local later = nr.await(function(resume)
            resume_again(4)
            nr.spawn(function()
                nr.sleep(0)
                resume_again(5)
                resume("right")
                resume("wrong")
            end)
        end)
        assert.same({ 1, "right" }, { first, later })
    end))

    it("raises what its function raises, and ignores a late resume", it_task(function()
        local late
        assert.has_error(function()
            nr.await(function(resume)
                late = resume
                error("could not begin", 0)
            end)
        end, "could not begin")
        late("ignored")
        assert.equal("next", nr.await(function(resume)
            resume("next")
        end))
    end))

    it("answers at once what its function answers as nil, err", it_task(function()
        local process, err, name = nr.await(function(resume)
            return uv.spawn("/no/such/program", {}, resume)
        end)
        assert.is_nil(process)
        assert.matches("no such file", err)
        assert.equal("ENOENT", name)
        assert.same({ nil, "not begun", 7 }, { nr.await(function()
            return nil, "not begun", 7
        end) })
    end))

    it("takes luv's requests as they are", it_task(function()
        local err, stat = nr.await(function(resume)
            return uv.fs_stat("/", resume)
        end)
        assert.is_nil(err)
        assert.equal("directory", stat.type)
    end))

    it("closes the luv handle that was returned when it is cancelled", it_task(function()
        local timer = uv.new_timer()
        local task = nr.spawn(nr.await, function(resume)
            timer:start(60000, 0, resume)
            return timer
        end)
        task:cancel()
        task:join()
        assert.is_true(timer:is_closing())
    end))

    it("cancels the luv request that was returned when it is cancelled", it_task(function()
        local answered
        local threads = tonumber(os.getenv "UV_THREADPOOL_SIZE") or 4
        local reader, writer = uv.pipe()
        local task = nr.spawn(function()
            for _ = 1, threads do
                nr.spawn(nr.await, function(resume)
                    uv.fs_read(reader.read or reader, 1, -1, resume)
                end)
            end
        end)
        local victim = nr.spawn(nr.await, function(resume)
            return uv.fs_stat("/", function(err)
                answered = err
                resume(err)
            end)
        end)
        victim:cancel()
        victim:join()
        local write_end = writer or reader.write
        uv.fs_write(write_end, ("x"):rep(threads), -1)
        task:join()
        while not answered do
            nr.sleep(0)
        end
        assert.matches("ECANCELED", answered)
        uv.fs_close(reader.read or reader)
        uv.fs_close(write_end)
    end))

    it("takes only a function", it_task(function()
        assert.has_error(function()
            nr.await(nil)
        end, "nr.await takes a function, not a nil")
    end))

    it("raises outside a task before its function runs", function()
        local ran = false
        support.outside(function()
            local ok, err = pcall(nr.await, function()
                ran = true
            end)
            assert.is_false(ok)
            assert.matches("nr.spawn", err, 1, true)
        end)
        assert.is_false(ran)
    end)

    for _, builtin in ipairs {
        { "table.sort", function(body)
            table.sort({ 1, 2, 3 }, function(a, b)
                body()
                return a < b
            end)
        end },
        { "string.gsub", function(body)
            return (string.gsub("abc", "b", body))
        end },
    } do
        it("names " .. builtin[1] .. " where it can not suspend, and begins nothing", it_task(function()
            local begun = false
            local ok, err = pcall(builtin[2], function()
                nr.await(function()
                    begun = true
                end)
            end)
            assert.is_false(ok)
            assert.matches(builtin[1], err, 1, true)
            assert.is_false(begun)
        end))
    end

    it("works inside pcall, xpcall, metamethods, iterators and tostring", it_task(function()
        local function turn(value)
            nr.sleep(0)
            return value
        end
        local object = setmetatable({}, {
            __index = function(_, key)
                return turn(key)
            end,
            __add = function()
                return turn "sum"
            end,
            __tostring = function()
                return turn "text"
            end,
        })
        local seen = {}
        for value in function(_, last)
            return turn((last or 0) < 2 and (last or 0) + 1 or nil)
        end do
            seen[#seen + 1] = value
        end
        assert.same({ 1, 2 }, seen)
        assert.equal("field", object.field)
        assert.equal("sum", object + 1)
        assert.equal("text", tostring(object))
        assert.same({ true, 1 }, { pcall(turn, 1) })
        local _, handled = xpcall(function()
            nr.sleep(0)
            error("x", 0)
        end, function(err)
            return err .. "!"
        end)
        assert.equal("x!", handled)
    end))
end)

describe("nr.sleep", function()
    local nothing_left

    before_each(function()
        nothing_left = support.watch()
    end)

    after_each(function()
        nothing_left()
    end)

    it("wakes in the order of what is due, and of the start where that is equal", it_task(function()
        local order, tasks, expected, due = {}, {}, {}, {}
        for index, ms in ipairs { 6, 2, 4, 2, 0, 6 } do
            tasks[index] = nr.spawn(function()
                nr.sleep(ms)
                order[#order + 1] = index
            end)
            expected[index], due[index] = index, uv.now() + ms -- by the clock that it has just looked at
        end
        table.sort(expected, function(a, b)
            return due[a] < due[b] or due[a] == due[b] and a < b
        end)
        for _, task in ipairs(tasks) do
            task:join()
        end
        assert.same(expected, order)
    end))

    it("is never shorter than asked, after work that held the loop up too", it_task(function()
        local busy_until = uv.hrtime() + 20e6
        repeat
        until uv.hrtime() > busy_until
        local started = uv.hrtime()
        nr.sleep(15)
        assert.is_true((uv.hrtime() - started) / 1e6 >= 13.9)
    end))

    it("lets the loop turn when it is 0", it_task(function()
        local fired = false
        local idle = uv.new_idle()
        idle:start(function()
            fired = true
            idle:close()
        end)
        while not fired do
            nr.sleep(0)
        end
    end))

    it("sets nothing that outlives it when it is cancelled", it_task(function()
        local before = timers.count()
        local tasks = {}
        for index = 1, 500 do
            tasks[index] = nr.spawn(nr.sleep, 60000 + index)
        end
        assert.equal(before + 500, timers.count())
        for index = 1, 500 do
            tasks[index]:cancel()
            tasks[index]:join()
        end
        assert.equal(before, timers.count())
    end))

    it("works again after a script has closed every handle", it_task(function()
        local sleeping = nr.spawn(function()
            nr.sleep(1)
            return "woken"
        end)
        uv.walk(function(handle)
            if tostring(handle):find "^uv_timer_t" and not handle:is_closing() then
                handle:close()
            end
        end)
        nr.sleep(1)
        assert.equal("woken", sleeping:join())
    end))

    it("goes on when a luv callback closes every other handle, and keeps the loop alive", it_task(function()
        local ticking, ticks = uv.new_timer(), 0
        local outcome = nr.await(function(resume)
            nr.spawn(function()
                nr.sleep(2)
                resume "woken"
            end)
            ticking:start(0, 1, function()
                ticks = ticks + 1
                uv.walk(function(handle)
                    if ticks == 1 and handle ~= ticking and tostring(handle):find "^uv_timer_t" then
                        handle:close()
                    end
                end)
                if ticks == 3000 then
                    resume "never woken"
                end
            end)
        end)
        ticking:close()
        assert.equal("woken", outcome)
    end))

    it("takes only a number", it_task(function()
        for _, wrong in ipairs { "1", 0 / 0 } do
            assert.has_error(function()
                nr.sleep(wrong)
            end, "nr.sleep takes milliseconds")
        end
    end))

    it("raises outside a task", function()
        support.outside(function()
            local ok, err = pcall(nr.sleep, 1)
            assert.is_false(ok)
            assert.is_false(errors.is(err))
            assert.matches("nr.run", err, 1, true)
        end)
    end)
end)
