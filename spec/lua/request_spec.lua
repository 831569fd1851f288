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
        } do
            local ok, message = pcall(function() nr.request(fields) end)
            assert.is_false(ok)
            assert.matches("request_spec%.lua:%d+:", message)
        end
    end)
end)
