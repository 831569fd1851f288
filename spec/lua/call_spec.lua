local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"

local function load(name, options)
    return assert(nr.load(support.plugin(name), options))
end

describe("a unary call", function()
    local echo, hold

    setup(function()
        echo, hold = load "echo", load "fixture_hold"
    end)

    teardown(function()
        echo:unload()
        hold:unload()
    end)

    local function echo_headers(request)
        local status, text = echo:call(request)
        assert.equal(nr.OK, status)
        return text
    end

    it("answers with a number and a string", function()
        assert.same({ 0, "hello" }, { echo:call("/echo", "hello") })
        assert.same({ 0, "" }, { echo:call "/echo" })
    end)

    it("answers from a thread while other tasks go on", function()
        local answers = nr.all {
            function() return select(2, echo:call("/thread", "one")) end,
            function() return select(2, echo:call("/thread", "two")) end,
            function() return select(2, echo:call("/echo", "three")) end,
        }
        assert.same({ "one", "two", "three" }, answers)
    end)

    it("carries any bytes, empty and large", function()
        local all = {}
        for i = 0, 255 do all[#all + 1] = string.char(i) end
        for _, body in ipairs { "", "\0", table.concat(all), ("x"):rep(41), ("y"):rep(3e6) } do
            for _, path in ipairs { "/echo", "/thread" } do
                local status, answer = echo:call(path, body)
                assert.equal(nr.OK, status)
                assert.is_true(answer == body)
            end
        end
    end)

    it("takes a table with method, query and headers", function()
        local text = echo_headers {
            path = "/headers",
            method = "PUT",
            query = "a=1",
            headers = { Accept = "x/y" },
        }
        assert.matches("PUT /headers", text, 1, true)
        assert.matches("a=1", text, 1, true)
        assert.matches("Accept: x/y", text, 1, true)
    end)

    it("takes headers as a list, in order and repeated", function()
        local headers = { { "b", "1" }, { "a", "2" }, { "b", "3" } }
        local text = echo_headers { path = "/headers", headers = headers }
        assert.matches("b: 1.*a: 2.*b: 3", text)
    end)

    it("takes more headers than fit the array that is kept", function()
        local headers = {}
        for i = 1, 100 do headers[i] = { "h" .. i, tostring(i) } end
        local text = echo_headers { path = "/headers", headers = headers }
        assert.matches("h100: 100", text, 1, true)
        assert.not_matches("h100", echo_headers { path = "/headers" }, 1, true)
    end)

    it("encodes a query that is a table", function()
        assert.matches("q=a%20b", echo_headers { path = "/headers", query = { q = "a b" } }, 1, true)
    end)

    it("splits the short form at its question mark, for v1", function()
        assert.matches("x=1&y=2", echo_headers "/headers?x=1&y=2", 1, true)
    end)

    it("learns to suspend and to answer at once again", function()
        for _ = 1, 3 do
            assert.equal("t", select(2, echo:call({ path = "/thread", body = "t" })))
            assert.equal("t", select(2, echo:call("/thread", "t")))
        end
        for _ = 1, 100 do
            assert.equal("e", select(2, echo:call({ path = "/echo", body = "e" })))
        end
        assert.equal(32, echo._targets["/thread"]._slow)
        assert.is_nil(echo._targets["/echo"]._slow)
        local mixed = assert(nr.request { path = "/echo" })
        mixed._slow = 2
        for _ = 1, 2 do
            assert.equal("e", select(2, echo:call(mixed, "e")))
        end
        assert.is_false(mixed._slow)
    end)

    it("forgets targets when there are too many", function()
        for i = 1, 1200 do
            echo:call("/echo?" .. i, "")
        end
        local count = 0
        for _ in pairs(echo._targets) do count = count + 1 end
        assert.is_true(count <= 512)
        assert.same({ 0, "still" }, { echo:call("/echo?1", "still") })
    end)

    it("answers nil and an Error when the plugin refuses", function()
        local status, err = echo:call "/nowhere"
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "plugin_handle_failed"))
        assert.equal(nr.INVALID, err.status)
        assert.equal("echo", err.plugin)
    end)

    it("passes unknown statuses through, inside handle and from a C function that yields", function()
        local plugin = load "fixture_status"
        assert.same({ 99, "?" }, { plugin:call("/answer?status=99", "?") })
        assert.same({ 4294967295, "?" }, { plugin:call("/answer?status=4294967295", "?", { state = {} }) })
        plugin:unload()
    end)

    it("names the plugin, the target and the time when it times out", function()
        local status, err = hold:call("/hold", "", { timeout = 5 })
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "timeout"))
        assert.matches("fixture_hold.*'/hold' within 5 ms", err.message)
        assert.matches("^%d+$", err.sid)
        assert.equal(1, hold:stats().timeouts)
        hold:call "/release"
        assert.equal(1, hold:stats().late)
    end)

    it("takes its timeout from the plugin's options", function()
        local impatient = load("fixture_hold", { name = "impatient", timeout = 5 })
        assert.is_true(nr.is_error(select(2, impatient:call "/hold"), "timeout"))
        assert.is_true(nr.is_error(select(2, impatient:call { path = "/hold" }), "timeout"))
        impatient:call "/release"
        impatient:unload()
    end)

    it("raises at its suspension when its task is cancelled, and drops the answer", function()
        local caught
        local task = nr.spawn(function()
            caught = select(2, pcall(hold.call, hold, "/hold"))
        end)
        assert.equal("1", select(2, hold:call "/count"))
        local late = hold:stats().late
        task:cancel()
        pcall(task.join, task)
        assert.is_true(nr.is_error(caught, "cancelled"))
        assert.equal(0, hold:stats().in_flight)
        hold:call("/release", "late")
        assert.equal(late + 1, hold:stats().late)
    end)

    it("says what a task waits for", function()
        local task = nr.spawn(function() hold:call "/hold" end)
        local awaits
        for _, info in ipairs(nr.tasks()) do
            awaits = info.task == task and info.awaits or awaits
        end
        assert.equal("fixture_hold /hold", awaits)
        hold:call "/release"
        task:join()
    end)

    it("gives the state its first values", function()
        local plugin = load "fixture_state"
        assert.same({ 0, "value" }, { plugin:call("/get?key=first", "", { state = { first = "value" } }) })
        assert.equal(nr.INVALID, (plugin:call("/get?key=other", "", { state = { first = "value" } })))
        assert.equal(nr.INVALID, (plugin:call "/get?key=first"))
        plugin:unload()
    end)

    it("answers from many threads to many tasks", function()
        local plugin = load "fixture_threads"
        local seen = nr.map({ ("abcdefghij"):byte(1, -1) }, function(byte)
            local sum = 0
            for i = 1, 50 do
                local status, answer = plugin:call("/answer", byte .. ":" .. i)
                assert(status == 0 and answer == byte .. ":" .. i)
                sum = sum + 1
            end
            return sum
        end)
        assert.same({ 50, 50, 50, 50, 50, 50, 50, 50, 50, 50 }, seen)
        plugin:unload()
    end)

    it("refuses a text that is not UTF-8", function()
        for _, request in ipairs { "/\255", { path = "/echo", headers = { a = "\255" } } } do
            local status, err = echo:call(request)
            assert.is_nil(status)
            assert.is_true(nr.is_error(err, "invalid_request"))
        end
    end)
end)

describe("a v2 plugin", function()
    local v2

    setup(function() v2 = load "echo_v2" end)
    teardown(function() v2:unload() end)

    it("is called by entry names, which keep their question marks", function()
        assert.equal(2, v2.abi)
        assert.same({ 0, "payload" }, { v2:call("echo", "payload") })
        assert.same({ 0, "payload" }, { v2:call { path = "echo", body = "payload" } })
        assert.is_true(nr.is_error(select(2, v2:call("echo?x", "payload")), "plugin_handle_failed"))
    end)
end)

describe("a finalizer that calls a plugin", function()
    it("does not disturb the answer that was being taken", function()
        local v2 = load "echo_v2"
        local finalized, wrong, i = 0, false, 0
        local pause, speed = collectgarbage("setpause", 0), collectgarbage("setstepmul", 400)
        while i < 3000 or finalized == 0 and i < 300000 do -- a large heap takes longer to collect
            i = i + 1
            local garbage = newproxy(true)
            getmetatable(garbage).__gc = function()
                local ok, status, body = pcall(v2.call, v2, "upper", ("f"):rep(3000))
                local refused = not ok or status == nil and nr.is_error(body, "misuse")
                finalized = finalized + 1
                wrong = wrong or not refused and body ~= ("F"):rep(3000)
            end
            local payload = ("%d"):format(i):rep(500)
            local options = i % 2 == 0 and { state = {} } or nil
            local status, body = v2:call("upper", payload, options)
            assert(status == nr.OK and body == payload, "wrong answer")
        end
        collectgarbage("setpause", pause)
        collectgarbage("setstepmul", speed)
        assert.is_true(finalized > 0)
        assert.is_false(wrong)
        v2:unload()
    end)
end)

describe("a notification", function()
    it("is done when handle returns, in a task and outside", function()
        local hold = load "fixture_hold"
        assert.is_true(hold:notify("/hold", "x"))
        assert.is_true(tasks.outside(function() return hold:notify("/hold", "x") end))
        assert.equal("2", select(2, hold:call "/count"))
        assert.equal(0, hold:stats().in_flight)
        hold:call "/release"
        assert.is_true(nr.is_error(select(2, hold:notify "/nowhere"), "plugin_handle_failed"))
        hold:unload()
    end)
end)

describe("misuse raises where the script called", function()
    local echo

    setup(function() echo = load "echo" end)
    teardown(function() echo:unload() end)

    local function raises(pattern, fn, ...)
        local ok, message = pcall(fn, ...)
        assert.is_false(ok)
        assert.matches("call_spec%.lua:%d+: ", message)
        assert.matches(pattern, message)
    end

    it("for bodies, requests and options of the wrong kind", function()
        raises("with a colon", function() echo.call("/echo", "x") end)
        raises("body must be a string", function() echo:call("/echo", 5) end)
        raises("body must be a string", function() echo:call { path = "/echo", body = 5 } end)
        raises("request is a string", function() echo:call(5) end)
        raises("path must be a string", function() echo:call { method = "GET" } end)
        raises("headers", function() echo:call { path = "/", headers = { a = 5 } } end)
        raises("headers", function() echo:call { path = "/", headers = { { "a", "b" }, "c" } } end)
        raises("not both", function() echo:call { path = "/", headers = { { "a", "b" }, c = "d" } } end)
        raises("notify has no option 'timeout'; it has: state", function()
            echo:notify("/", "", { timeout = 1 })
        end)
        raises("no option 'timout', perhaps 'timeout'; it has: state, timeout", function()
            echo:call("/", "", { timout = 1 })
        end)
        raises("timeout must be", function() echo:call("/", "", { timeout = 0 }) end)
        raises("timeout must be", function() echo:call("/", "", { timeout = "1" }) end)
        raises("state must be a table", function() echo:call("/", "", { state = "a" }) end)
        raises("state takes strings", function() echo:call("/", "", { state = { a = 1 } }) end)
    end)

    it("outside of a task, before the plugin hears of it", function()
        local calls = echo:stats().calls
        tasks.outside(function()
            raises("nr.spawn.*nr.run", function() echo:call "/echo" end)
            raises("nr.spawn.*nr.run", function() echo:call_stream "/stream" end)
            raises("nr.spawn.*nr.run", function() echo:unload() end)
        end)
        assert.equal(calls, echo:stats().calls)
    end)

    it("inside a builtin, when the answer is not there at once", function()
        raises("inside table.sort", function()
            table.sort({ 1, 2, 3 }, function() echo:call "/thread" end)
        end)
        assert.equal(0, echo:stats().in_flight)
        local calls = 0
        table.sort({ 2, 1 }, function(a, b)
            calls = calls + 1 + echo:call "/echo"
            return a < b
        end)
        assert.is_true(calls > 0)
    end)
end)
