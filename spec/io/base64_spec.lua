local json = require "nylon_ring.io.json"

describe("base64", function()
    it("encodes any bytes, padded", function()
        local known = {
            [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", ["\0\255\254"] = "AP/+",
        }
        for bytes, encoded in pairs(known) do
            assert.equal(encoded, json.base64(bytes))
        end
    end)

    it("takes little more memory than its result", function()
        local bytes = ("\0\1\2\253\254\255"):rep(500000)
        json.base64(bytes)
        collectgarbage()
        collectgarbage "stop"
        finally(function() collectgarbage "restart" end)
        local before = collectgarbage "count"
        local encoded = json.base64(bytes)
        local taken = (collectgarbage "count" - before) * 1024
        assert.equal(("AAEC/f7/"):rep(500000), encoded)
        assert.is_true(taken < 3 * #encoded, taken)
    end)
end)
