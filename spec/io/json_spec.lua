local cjson = require "cjson"
local json = require "nylon_ring.io.json"

local function told(value)
    return json.object({ { "v", value } }):match '^{"v":(.*)}$'
end

describe("a value as JSON", function()
    it("keeps every digit of a number that it needs, and no more", function()
        assert.equal("[1234567890123456,123456789012345,-5,1e+300,0.1,0.30000000000000004]",
            told { 1234567890123456, 123456789012345, -5, 1e300, 0.1, 0.1 + 0.2 })
    end)

    it("is a list with holes, or an object in the order of its keys", function()
        assert.equal("[1,null,3]", told { 1, nil, 3 })
        assert.equal('{"a":[],"b":[[],{"c":null}]}', told { b = { {}, { c = cjson.null } }, a = {} })
        assert.equal('{"1":1,"1000":2}', told { [1] = 1, [1000] = 2 })
        assert.equal('{"0.5":true,"x":false}', told { x = false, [0.5] = true })
    end)

    it("has no bytes that are no UTF-8", function()
        assert.equal('["a/\\\\\\"\\n\\u0000ä",{"base64":"/w=="}]', told { 'a/\\"\n\0ä', "\255" })
    end)

    it("becomes UTF-8 by each byte that is none", function()
        local function spell(byte) return ("<%02x>"):format(byte) end
        for text, expected in pairs {
            [""] = "", ["\0a"] = "\0a", ["ä\195"] = "ä<c3>", ["\255\254x"] = "<ff><fe>x",
            ["\237\160\128"] = "<ed><a0><80>", ["\240\159\152\128\128"] = "\240\159\152\128<80>",
        } do
            assert.equal(expected, json.to_utf8(text, spell))
            assert.equal(text == expected, json.is_utf8(text))
        end
    end)

    it("is refused for what JSON has not", function()
        local endless = {}
        endless[1] = endless
        local odd = { ["\255"] = 1 }
        for _, value in ipairs { 0 / 0, 1 / 0, print, 1LL, io.stdout, odd, { [true] = 1 }, endless } do
            assert.is_false(pcall(told, value))
        end
    end)
end)
