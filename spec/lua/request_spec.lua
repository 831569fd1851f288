local nr = require "nylon_ring"
local support = require "spec.support"

describe("a prepared request", function()
    local echo

    setup(function() echo = assert(nr.load(support.plugin "echo")) end)
    teardown(function() echo:unload() end)

    it("is called as often as one likes, with its own body or another", function()
        local request = assert(nr.request { path = "/upper", body = "own" })
        for _ = 1, 3 do
            assert.same({ 0, "OWN" }, { echo:call(request) })
            assert.same({ 0, "OTHER" }, { echo:call(request, "other") })
            assert.same({ 0, "OWN" }, { echo:call(request, { timeout = 1000 }) })
            assert.same({ 0, "OTHER" }, { echo:call(request, "other", { timeout = 1000 }) })
        end
    end)

    it("is a copy: changing either of the two is not sent", function()
        local headers = { { "A", "1" } }
        local fields = { path = "/headers", headers = headers, query = { a = "b" } }
        local request = assert(nr.request(fields))
        local _, first = echo:call(request)
        headers[1][2], fields.path, request.path, request.query = "2", "/nowhere", "/nowhere", "c=d"
        local status, second = echo:call(request)
        assert.equal(nr.OK, status)
        assert.equal(first, second)
        assert.matches("A: 1", first, 1, true)
        assert.matches("a=b", first, 1, true)
    end)

    it("keeps its strings while nobody else does", function()
        local request = (function()
            local unique = tostring({})
            return assert(nr.request {
                path = "/" .. "headers",
                query = "q=" .. unique,
                headers = { [unique .. "key"] = unique .. "value" },
            })
        end)()
        local _, before = echo:call(request)
        for i = 1, 10 do
            collectgarbage()
            for j = 1, 1000 do
                assert(("%d %d"):format(i, j)) -- garbage in the place of strings that nobody kept
            end
        end
        assert.equal(before, select(2, echo:call(request)))
    end)

    it("is for scripts only in its ext", function()
        local ext = {}
        assert.equal(ext, nr.request({ path = "/", ext = ext }).ext)
    end)

    it("answers nil and an Error for text that is not UTF-8", function()
        local request, err = nr.request { path = "/\255" }
        assert.is_nil(request)
        assert.is_true(nr.is_error(err, "invalid_request"))
        assert.matches("path", err.message)
    end)

    it("raises for fields of the wrong kind", function()
        for _, fields in ipairs {
            {},
            { path = 1 },
            { path = "/", method = 1 },
            { path = "/", body = {} },
            { path = "/", headers = "x" },
            { path = "/", state = "x" },
            { path = "/", state = { key = 1 } },
            { path = "/", boody = "x" },
        } do
            local ok, message = pcall(function() nr.request(fields) end)
            assert.is_false(ok)
            assert.matches("request_spec%.lua:%d+:", message)
        end
    end)
end)

describe("a request's state", function()
    local plugin

    setup(function() plugin = assert(nr.load(support.plugin "fixture_state")) end)
    teardown(function() plugin:unload() end)

    local request = { path = "/get", query = "key=first", state = { first = "value" } }

    local function first_frame(...)
        local stream = plugin:call_stream(...)
        local frame = { stream:recv() }
        stream:close()
        return frame
    end

    it("is the call's first values, whatever calls", function()
        assert.same({ nr.OK, "value" }, { plugin:call(request) })
        assert.same({ nr.OK, "value" }, { plugin:call(request, { timeout = 1000 }) })
        assert.same({ nr.OK, "value" }, { plugin:call(assert(nr.request(request))) })
        assert.same({ nr.OK, "value" }, first_frame(request))
        assert.same({ nr.OK, "value" }, first_frame(assert(nr.request(request))))
        assert.equal("value", nr.router():any("/get", plugin):handle(request).body)
    end)

    it("goes into a notification as well", function()
        plugin:trace(10)
        local by_options = { state = { first = "other value" } }
        for bytes, options in pairs { [5] = {}, [11] = by_options } do
            assert.is_true(plugin:notify(request, options))
            local event = plugin:events()
            assert.same({ "get_state", "first", bytes }, { event[2].kind, event[2].text, event[2].bytes })
            plugin:trace(10) -- anew
        end
        plugin:trace(false)
    end)

    it("gives way to that of the options", function()
        local options = { state = { first = "other" } }
        assert.same({ nr.OK, "other" }, { plugin:call(request, options) })
        assert.same({ nr.OK, "other" }, first_frame(request, options))
    end)

    it("is copied by nr.request", function()
        local state = { first = "value" }
        local prepared = assert(nr.request { path = "/get", query = "key=first", state = state })
        state.first = "changed"
        assert.same({ nr.OK, "value" }, { plugin:call(prepared) })
    end)

    it("is handed on by middleware, chaos and a plugin written in Lua", function()
        local front = nr.plugin_from_lua {
            ["/get"] = function(call) return plugin:call(call:request()) end,
        }
        assert.same({ nr.OK, "value" }, { nr.chaos(front, { delay = 0 }):call(request) })
        local r = nr.router()
        r:use(function(asked, next)
            asked.state = { first = asked.headers.user }
            return next()
        end)
        r:get("/get", front)
        local asked = { path = "/get", query = "key=first", headers = { user = "Ada" } }
        assert.equal("Ada", r:handle(asked).body)
    end)

    it("is refused by a plugin that is gone, as everything is", function()
        local gone = assert(nr.load(support.plugin "fixture_state", { name = "gone" }))
        gone:unload()
        assert.is_true(nr.is_error(select(2, gone:notify(request)), "plugin_unloaded"))
    end)
end)

describe("a field that no request has", function()
    local function raises(fn, ...)
        local ok, message = pcall(fn, ...)
        assert.is_false(ok)
        assert.matches("request_spec%.lua:%d+: a request has no field 'boody', perhaps 'body'; it has: body,",
            message)
    end

    it("raises in calls, streams and notifications", function()
        local echo = assert(nr.load(support.plugin "echo"))
        local lua = nr.plugin_from_lua { ["*"] = function() return "" end }
        for _, plugin in ipairs { echo, lua } do
            for _, name in ipairs { "call", "call_stream", "notify" } do
                raises(function() plugin[name](plugin, { path = "/echo", boody = "x" }) end)
                raises(function()
                    plugin[name](plugin, {
                        path = "/echo", method = "GET", query = "", headers = {}, body = "", state = {},
                        ext = {}, boody = "x",
                    })
                end)
            end
        end
        assert.equal(0, echo:stats().calls)
        echo:unload()
    end)

    it("raises before long in a plugin that has had many requests", function()
        local echo = assert(nr.load(support.plugin "echo"))
        for _ = 1, 5000 do echo:call { path = "/echo", body = "x" } end
        raises(function()
            for _ = 1, 1000 do echo:call { path = "/echo", boody = "x" } end
        end)
        echo:unload()
    end)

    it("raises in a router, where a handler may set what it likes", function()
        local echo = assert(nr.load(support.plugin "echo"))
        local r = nr.router()
        r:use(function(request, next)
            request.user = "Ada"
            return next()
        end)
        r:any("/echo", echo)
        r:any("/again", function(request)
            request.path = "/echo"
            return echo:call(request)
        end)
        assert.equal("hi", r:handle({ path = "/echo", body = "hi" }).body)
        assert.equal("hi", r:handle({ path = "/again", body = "hi" }).body)
        raises(function() r:handle { path = "/echo", boody = "x" } end)
        echo:unload()
    end)
end)
