local query = require "nylon_ring.query"

describe("query", function()
    it("parses pairs, names without a value, and skips empty pairs", function()
        assert.same({ a = "1", b = "", c = "x=y" }, query.parse("a=1&&b&c=x=y&"))
    end)

    it("is empty for an empty and for a missing text", function()
        assert.same({}, query.parse(""))
        assert.same({}, query.parse(nil))
    end)

    it("decodes %XX and plus, in names too, after it has split", function()
        assert.same({ ["a b"] = "1&2=3 +" }, query.parse("a+b=1%262%3D3%20%2B"))
    end)

    it("leaves a percent sign without two hex digits as it is", function()
        assert.same({ a = "100%", b = "%zz", c = "%4" }, query.parse("a=100%&b=%zz&c=%4"))
    end)

    it("decodes any byte, zero bytes too", function()
        assert.same({ a = "\0\255" }, query.parse("a=%00%ff"))
    end)

    it("has the first value of a repeated name, and all of them on demand", function()
        local parsed = query.parse("a=1&b=2&a=3")
        assert.equal("1", parsed.a)
        assert.same({ "1", "3" }, query.values(parsed, "a"))
        assert.same({ "1", "3" }, query.values("a=1&b=2&a=3", "a"))
        assert.same({}, query.values(parsed, "c"))
        assert.same({ "x" }, query.values({ a = "x" }, "a"))
    end)

    it("lets no name of a query hide anything", function()
        assert.same({ __index = "1", raw = "2", ["1"] = "3" }, query.parse("__index=1&raw=2&1=3"))
    end)

    it("encodes sorted, escaped, with lists for repetition", function()
        assert.equal("a=1&b=x%20%26%2B&b=%C3%BC&c=", query.encode { b = { "x &+", "ü" }, a = 1, c = true })
    end)

    it("gives back the very text of an unchanged parsed query", function()
        local raw = "b=2&a=1+x&&a=%zz"
        assert.equal(raw, query.encode(query.parse(raw)))
    end)

    it("encodes a parsed query anew once it was changed", function()
        for _, change in ipairs {
            { { a = "9" }, "a=9&b=2" },
            { { c = "3" }, "a=1&b=2&c=3" },
        } do
            local parsed = query.parse("b=2&a=1")
            for name, value in pairs(change[1]) do
                parsed[name] = value
            end
            assert.equal(change[2], query.encode(parsed))
        end
        local parsed = query.parse("b=2&a=1")
        parsed.b = nil
        assert.equal("a=1", query.encode(parsed))
    end)

    it("escapes what unescape gives back", function()
        local all = {}
        for code = 0, 255 do
            all[#all + 1] = string.char(code)
        end
        all = table.concat(all)
        assert.equal(all, query.unescape(query.escape(all)))
        assert.equal("a+b", query.unescape("a+b"))
    end)
end)
