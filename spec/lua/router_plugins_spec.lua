local nr = require "nylon_ring"
local files = require "spec.support"
local support = require "spec.lua.support"

local it_task = support.it_task

describe("a router in front of plugins", function()
    local r, echo

    before_each(function()
        r, echo = nr.router(), assert(nr.load(files.plugin "echo"))
    end)

    after_each(support.it_task(function()
        assert(echo:unload())
    end))

    it("passes the request on as it is, and makes a response of the answer", it_task(function()
        r:any("/*path", echo)
        assert.same({ code = 200, headers = {}, body = "GET /headers?a=1&b=%zz\nk: v\nk: w" }, r:handle {
            path = "/headers",
            query = "a=1&b=%zz",
            headers = { { "k", "v" }, { "k", "w" } },
            ext = { never = "sent" },
        })
        assert.same({ code = 200, headers = {}, body = "any \0 bytes" },
            r:handle { method = "POST", path = "/thread", body = "any \0 bytes" })
    end))

    it("takes prepared requests", it_task(function()
        r:post("/echo", echo)
        local request = assert(nr.request { method = "POST", path = "/echo", body = "prepared" })
        for _ = 1, 2 do
            assert.equal("prepared", r:handle(request).body)
        end
    end))

    it("passes what middleware has changed on with the rest", it_task(function()
        r:use(function(request, next)
            request.query.b = "2"
            request.headers = { added = "yes" }
            return next()
        end)
        r:get("/headers", echo)
        local request = { path = "/headers", query = "a=1", headers = { gone = "yes" } }
        assert.equal("GET /headers?a=1&b=2\nadded: yes", r:handle(request).body)
        assert.equal("a=1", request.query)
    end))

    it("lets a handler hand its request to a plugin", it_task(function()
        r:get("/headers", function(request)
            assert.equal("1", request.query.a)
            return echo:call(request)
        end)
        assert.equal("GET /headers?a=1&a=2", r:handle({ path = "/headers", query = "a=1&a=2" }).body)
    end))

    it("answers with a plugin's stream, in order", it_task(function()
        r:get("/stream", echo, { stream = true })
        r:get("/other", function()
            return { code = 206, body = echo:call_stream "/stream?frames=2&interval=1" }
        end)
        for path, code in pairs { ["/stream"] = 200, ["/other"] = 206 } do
            local response = r:handle { path = path, query = "frames=2" }
            assert.equal(code, response.code)
            local seen = {}
            for _, data in response.stream:frames() do
                seen[#seen + 1] = data
            end
            assert.same({ "frame 1", "frame 2", "" }, seen)
        end
    end))

    it("refuses options that there are not, or that nothing heeds, where they are given", function()
        local function refused(message, ...)
            local ok, err = pcall(r.get, r, ...)
            assert.is_false(ok)
            assert.matches("^[^\n]*router_plugins_spec.lua:%d+: " .. message, err)
        end
        refused("a route has no option 'timout', perhaps 'timeout'; it has: state, stream, timeout",
            "/", echo, { timout = 5 })
        refused("a route has no option 'deadline'", "/", echo, { deadline = 5 })
        refused("a route has no option 'overflows'", "/", echo, { stream = true, overflows = "end" })
        refused("a route takes its options as a table", "/", echo, 5)
        refused("a route's options are for the calls of a plugin", "/", function() end, { timeout = 5 })
        r:get("/", echo, { stream = true, deadline = 5, max_frames = 100, timeout = false })
    end)

    it("maps what a plugin answers, and what becomes of its calls", it_task(function()
        r:any("/*path", echo, { timeout = 60000 })
        assert.equal(400, r:handle({ path = "/stream", query = "frames=x" }).code)

        local status = assert(nr.load(files.plugin "fixture_status"))
        local never = assert(nr.load(files.plugin "fixture_never"))
        r = nr.router()
        r:any("/never", never, { timeout = 1 })
        r:any("/*path", status)
        for answered, code in pairs { [0] = 200, 500, 400, 404, 200, 500, 503, [77] = 500 } do
            local query = "status=" .. answered
            assert.equal(code, r:handle({ path = "/answer", query = query }).code)
            if answered > 0 then
                local response = r:handle { path = "/return", query = query }
                assert.equal(answered, response.cause.status)
                assert.equal(code, response.code)
            end
        end
        assert.equal(504, r:handle({ path = "/never" }).code)
        assert(never:unload { grace = 0 })
        assert(status:unload())
        assert.equal(503, r:handle({ path = "/never" }).code)
    end))
end)
