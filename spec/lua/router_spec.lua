local nr = require "nylon_ring"
local errors = require "nylon_ring.errors"
local support = require "spec.lua.support"

local gate, it_task = support.gate, support.it_task

local function answers(...)
    local values, count = { ... }, select("#", ...)
    return function()
        return unpack(values, 1, count)
    end
end

local function get(router, path, method)
    return router:handle { method = method or "GET", path = path }
end

describe("a router", function()
    local r, caught

    before_each(function()
        r, caught = nr.router(), support.catch_errors()
    end)

    after_each(function()
        caught.restore()
    end)

    describe("matches paths:", function()
        local function body_of(path, method)
            return get(r, path, method).body
        end

        it("literally, by method", function()
            r:get("/", answers "root"):get("/a/b", answers "get"):post("/a/b", answers "post")
            assert.equal("root", body_of "/")
            assert.equal("get", body_of "/a/b")
            assert.equal("post", body_of("/a/b", "POST"))
            assert.equal("post", body_of("/a/b", "post"))
            assert.equal("get", r:handle({ path = "/a/b" }).body)
        end)

        it("has a function for each method", function()
            for _, method in ipairs { "get", "head", "post", "put", "patch", "delete", "options" } do
                r[method](r, "/" .. method, answers(method))
                assert.equal(method, body_of("/" .. method, method:upper()))
                assert.equal(405, get(r, "/" .. method, "OTHER").code)
            end
            r:route("purge", "/purge", answers "purged")
            assert.equal("purged", body_of("/purge", "PURGE"))
        end)

        it("with parameters, decoded, of one segment that is not empty", function()
            r:get("/users/:id/posts/:post_id", function(request)
                return 200, request.params.id .. "|" .. request.params.post_id
            end)
            assert.equal("7|a b", body_of "/users/7/posts/a%20b")
            assert.equal("a/b|+%zz", body_of "/users/a%2Fb/posts/+%zz")
            assert.equal(404, get(r, "/users//posts/1").code)
            assert.equal(404, get(r, "/users/1/posts").code)
            assert.equal(404, get(r, "/users/1/posts/2/").code)
        end)

        it("with a rest, that may be empty, and in which an encoded slash stays encoded", function()
            r:any("/files/*path", function(request)
                return 200, "<" .. request.params.path .. ">"
            end)
            assert.equal("<a/b c/d>", body_of "/files/a/b%20c/d")
            assert.equal("<..%2F../x%2F%>", body_of "/files/..%2f../x%2F%25")
            assert.equal("<>", body_of "/files/")
            assert.equal(404, get(r, "/files").code)
        end)

        it("by literals that are compared decoded", function()
            r:get("/a b/ü", answers "decoded")
            assert.equal("decoded", body_of "/a%20b/%C3%BC")
        end)

        it("so that the longest literal prefix wins, in any order of adding", function()
            local patterns = {
                "/*rest", "/:a/list", "/users/*rest", "/users/:id", "/users/me", "/users/:id/posts",
            }
            local expected = {
                ["/users/me"] = "/users/me",
                ["/users/7"] = "/users/:id",
                ["/users/7/posts"] = "/users/:id/posts",
                ["/users/me/posts"] = "/users/:id/posts",
                ["/users/list"] = "/users/:id",
                ["/users/7/other"] = "/users/*rest",
                ["/things/list"] = "/:a/list",
                ["/things"] = "/*rest",
                ["/"] = "/*rest",
            }
            for _, order in ipairs { { 1, 2, 3, 4, 5, 6 }, { 6, 5, 4, 3, 2, 1 }, { 3, 6, 1, 5, 2, 4 } } do
                r = nr.router()
                for _, index in ipairs(order) do
                    r:get(patterns[index], answers(200, patterns[index]))
                end
                for path, pattern in pairs(expected) do
                    assert.equal(pattern, body_of(path), path)
                end
            end
        end)

        it("and takes a less literal route when the more literal one has another method", function()
            r:post("/users/me", answers "post me"):get("/users/:id", answers "get id")
            assert.equal("get id", body_of "/users/me")
        end)

        it("with names of parameters that differ between routes", function()
            r:get("/x/:id", function(request)
                return 200, request.params.id
            end)
            r:get("/x/:name/y", function(request)
                return 200, request.params.name, request.params.id
            end)
            assert.equal("1", body_of "/x/1")
            assert.equal("2", body_of "/x/2/y")
        end)

        it("with any method, unless a route for that one is there", function()
            r:any("/a", answers "any"):get("/a", answers "get")
            assert.equal("get", body_of "/a")
            assert.equal("any", body_of("/a", "DELETE"))
        end)

        it("up to the question mark", function()
            r:get("/a", function(request)
                return 200, request.query.x
            end)
            assert.equal("1", body_of "/a?x=1")
        end)
    end)

    it("answers 404 to a path without a route, also to one without a slash", function()
        r:get("/a", answers "a")
        assert.same({ code = 404, headers = {}, body = "Not Found" }, get(r, "/b"))
        assert.equal(404, get(r, "a").code)
        assert.equal(404, get(r, "").code)
    end)

    it("answers 405 to a path with other methods, and says which", function()
        r:post("/users/me", answers "x"):get("/users/me", answers "x"):put("/users/:id", answers "x")
        assert.same({ code = 405, headers = { allow = "GET, POST, PUT" }, body = "Method Not Allowed" },
            get(r, "/users/me", "DELETE"))
    end)

    it("refuses routes that can not be meant", function()
        for pattern, complaint in pairs {
            ["users"] = "begins with a slash",
            ["/:"] = "is no name for a parameter",
            ["/*"] = "is no name for a parameter",
            ["/:a/:a"] = 'names "a" twice',
            ["/*a/b"] = "can only end a route",
        } do
            local ok, err = pcall(r.get, r, pattern, print)
            assert.is_false(ok)
            assert.matches(complaint, err, 1, true)
        end
        r:get("/x/:id", print)
        local ok, err = pcall(function()
            r:get("/x/:name", print)
        end)
        assert.is_false(ok)
        assert.matches("router_spec.lua:%d+: GET /x/:name is already routed by /x/:id", err)
        for _, wrong in ipairs { 1, {} } do
            assert.has_error(function()
                r:get("/y", wrong)
            end, ("a handler is a function or a plugin, not a %s"):format(type(wrong)))
        end
        assert.has_error(function()
            r:handle "x"
        end, "a request is a table with a path")
        assert.has_error(function()
            r:handle { path = "/", method = 5 }
        end, "a request's method is a string, not a number")
    end)

    describe("makes a response of", function()
        local function response_to(...)
            r = nr.router()
            r:any("/", answers(...))
            return get(r, "/")
        end

        it("a plugin's status", function()
            for status, code in pairs { [0] = 200, 500, 400, 404, 200, 500, 503, 500 } do
                assert.same({ code = code, headers = {}, body = "text" }, response_to(status, "text"))
            end
        end)

        it("a code of HTTP", function()
            assert.same({ code = 201, headers = {}, body = "made" }, response_to(201, "made"))
            assert.same({ code = 418, headers = {}, body = "" }, response_to(418))
        end)

        it("a failure where the code is none", function()
            assert.equal(500, response_to({ code = "404" }).code)
            assert.equal("a response's code is a number, not a string", caught[1].err)
        end)

        it("a body alone, and of nothing", function()
            assert.same({ code = 200, headers = {}, body = "text" }, response_to "text")
            assert.same({ code = 204, headers = {}, body = "" }, response_to())
            assert.same({ code = 204, headers = {}, body = "" }, response_to(nil))
        end)

        it("a table", function()
            local headers = { ["content-type"] = "text/plain" }
            assert.same({ code = 404, headers = headers, body = "x" },
                response_to { code = 404, headers = headers, body = "x" })
            assert.same({ code = 200, headers = {}, body = "7" }, response_to { body = 7 })
            assert.same({ code = 304, headers = {}, body = "" }, response_to { code = 304 })
        end)

        it("a stream, alone or in a table", function()
            local stream = { recv = function() end }
            local response = response_to(stream)
            assert.same({ 200, "" }, { response.code, response.body })
            assert.equal(stream, response.stream)
            for _, field in ipairs { "body", "stream" } do
                response = response_to { code = 206, headers = { a = "b" }, [field] = stream }
                assert.same({ 206, "", { a = "b" } }, { response.code, response.body, response.headers })
                assert.equal(stream, response.stream)
            end
        end)

        it("nil, err, with the error as the cause and its text kept out", function()
            for code, expected in pairs {
                timeout = 504,
                plugin_unloaded = 503,
                plugin_busy = 503,
                backpressure = 503,
                entry_not_found = 404,
                invalid_request = 400,
                too_large = 413,
                unsupported = 501,
                malformed_result = 500,
            } do
                local err = errors.new { code = code, message = "secret" }
                local response = response_to(nil, err)
                assert.equal(expected, response.code, code)
                assert.equal(err, response.cause)
                assert.is_nil(response.body:find "secret")
            end
            assert.equal(500, response_to(nil, "ENOENT: no such file").code)
            assert.equal(0, #caught)
        end)

        it("plugin_handle_failed, by the plugin's status", function()
            for status, code in pairs { 500, 400, 404, [7] = 500 } do
                local err = errors.new { code = "plugin_handle_failed", message = "x", status = status }
                assert.equal(code, response_to(nil, err).code)
            end
        end)

        it("what makes no sense: 500, reported", function()
            for _, wrong in ipairs { { {} }, { true }, { 200, {} }, { { code = 200, body = print } } } do
                local count = #caught
                local response = response_to(unpack(wrong))
                assert.equal(500, response.code)
                assert.is_string(response.cause)
                assert.equal(count + 1, #caught)
            end
        end)
    end)

    describe("when a handler raises", function()
        it("answers 500 with the cause, and reports it once with its stack", function()
            r:use(function(_, next)
                return next()
            end)
            local function faulty()
                error("a fault", 0)
            end
            r:get("/", function()
                faulty()
                return 200
            end)
            local response = get(r, "/")
            assert.same({ 500, "Internal Server Error" }, { response.code, response.body })
            assert.equal("a fault", response.cause)
            assert.equal(1, #caught)
            assert.equal("a fault", caught[1].err)
            assert.matches("faulty", caught[1].traceback)
        end)

        it("answers what an Error stands for, which is no fault of the script", function()
            local err = errors.new { code = "timeout", message = "late" }
            r:get("/", function()
                error(err)
            end)
            local response = get(r, "/")
            assert.same({ 504, err }, { response.code, response.cause })
            assert.equal(0, #caught)
        end)

        it("lets the cancellation of its task through", it_task(function()
            local door, after = gate(), false
            r:use(function(_, next)
                local response = next()
                after = true
                return response
            end)
            r:get("/", door.wait)
            local task = nr.spawn(get, r, "/")
            task:cancel()
            local _, err = task:join()
            assert.is_true(errors.is(err, "cancelled"))
            assert.is_false(after)
            local _, expired = nr.timeout(1, get, r, "/")
            assert.is_true(errors.is(expired, "timeout"))
            assert.equal(0, #caught)
        end))

        it("answers 504 for a deadline of its own", it_task(function()
            r:get("/slow", function()
                return nr.timeout(1, nr.sleep, 60000)
            end)
            assert.equal(504, get(r, "/slow").code)
        end))
    end)

    describe("hands a handler", function()
        it("the request, with its query parsed when it is read", function()
            local seen
            r:post("/x", function(request)
                seen = request
                return 200
            end)
            local headers = { a = "b" }
            local function new_request()
                return {
                    method = "POST", path = "/x", query = "a=1&b=x+y&a=2", headers = headers, body = "body",
                }
            end
            local request = new_request()
            r:handle(request)
            assert.same({ "POST", "/x", "body" }, { seen.method, seen.path, seen.body })
            assert.equal(headers, seen.headers)
            assert.is_nil(rawget(seen, "query"))
            assert.same({ a = "1", b = "x y" }, seen.query)
            assert.equal(seen.query, seen.query)
            assert.equal("a=1&b=x+y&a=2", seen.query_string)
            assert.same({ "1", "2" }, nr.query.values(seen.query, "a"))
            assert.same(new_request(), request)
        end)

        it("ext, the caller's where there is one", function()
            r:use(function(request, next)
                request.ext.seen = (request.ext.seen or 0) + 1
                return next()
            end)
            r:get("/", function(request)
                return 200, tostring(request.ext.seen)
            end)
            local ext = { seen = 4 }
            assert.equal("1", r:handle({ path = "/" }).body)
            assert.equal("5", r:handle({ path = "/", ext = ext }).body)
            assert.equal(5, ext.seen)
        end)
    end)

    describe("runs middleware", function()
        local function tag(word)
            return function(request, next)
                request.ext.log = (request.ext.log or "") .. word
                local response = next()
                response.body = response.body .. word
                return response
            end
        end

        local function log(request)
            return 200, (request.ext.log or "") .. "|"
        end

        it("around the handler, in the order of adding, whenever it was added", function()
            r:use(tag "a")
            r:get("/", log)
            r:use(tag "b")
            assert.equal("ab|ba", get(r, "/").body)
        end)

        it("of groups inside that of the router, for their routes only", function()
            r:use(tag "r")
            local api = r:group "/api"
            local v1 = api:group "/v1"
            api:use(tag "a")
            v1:use(tag "1")
            v1:get("/x", log)
            api:get("/y", log)
            r:get("/z", log)
            assert.equal("ra1|1ar", get(r, "/api/v1/x").body)
            assert.equal("ra|ar", get(v1, "/api/y").body)
            assert.equal("r|r", get(r, "/z").body)
        end)

        it("for requests without a route too", function()
            local codes = {}
            r:use(function(_, next)
                local response = next()
                codes[#codes + 1] = response.code
                return response
            end)
            r:get("/", answers "x")
            get(r, "/nowhere")
            get(r, "/", "PUT")
            assert.same({ 404, 405 }, codes)
        end)

        it("that answers by itself, in any form a handler may", function()
            local reached = false
            r:use(function()
                return 401, "who are you?"
            end)
            r:get("/", function()
                reached = true
            end)
            assert.same({ code = 401, headers = {}, body = "who are you?" }, get(r, "/"))
            assert.is_false(reached)
        end)

        it("that answers nothing after next: what next answered", function()
            r:use(function(_, next)
                next()
            end)
            r:get("/", answers "from the handler")
            assert.equal("from the handler", get(r, "/").body)
        end)

        it("that answers nothing and does not call next: 500, reported", function()
            r:use(function() end)
            r:get("/", answers "x")
            assert.equal(500, get(r, "/").code)
            assert.matches("did not call next", caught[1].err)
        end)

        it("that sees a fault of the handler as a response, and whose own is one", function()
            local seen
            r:use(function()
                error("middleware fails", 0)
            end)
            r:get("/", answers "x")
            assert.equal("middleware fails", get(r, "/").cause)
            r = nr.router()
            r:use(function(_, next)
                seen = next().cause
            end)
            r:get("/", function()
                error("handler fails", 0)
            end)
            get(r, "/")
            assert.equal("handler fails", seen)
            assert.equal(2, #caught)
        end)

        it("that sends another request on", function()
            r:use(function(_, next)
                return next { method = "GET", path = "/inside" }
            end)
            r:get("/inside", answers "rewritten")
            assert.equal("rewritten", get(r, "/outside").body)
        end)

        it("that may suspend, and call next again", it_task(function()
            local attempts = 0
            r:use(function(_, next)
                local response
                repeat
                    response = next()
                    nr.sleep(0)
                until response.code ~= 503
                return response
            end)
            r:get("/", function()
                attempts = attempts + 1
                return attempts < 3 and 503 or 200
            end)
            assert.equal(200, get(r, "/").code)
            assert.equal(3, attempts)
        end))

        it("takes only a function, and groups only a prefix", function()
            assert.has_error(function()
                r:use {}
            end, "middleware is a function, not a table")
            for _, wrong in ipairs { "api", "/api/", "/", 1 } do
                assert.has_error(function()
                    r:group(wrong)
                end, "a group's prefix begins with a slash and does not end with one")
            end
        end)
    end)
end)
