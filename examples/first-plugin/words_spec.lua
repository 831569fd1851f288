local nr = require "nylon_ring"

describe("the words plugin", function()
    local words

    setup(function()
        words = assert(nr.load "build/plugins/words.so")
    end)

    teardown(function()
        words:unload()
    end)

    local function count(text)
        return select(2, words:call("/count", text))
    end

    it("counts words between any white space", function()
        assert.equal("3", count " two\tand  three\n")
        assert.equal("0", count "")
        assert.equal("0", count " \n ")
    end)

    it("refuses other paths", function()
        local status, err = words:call("/other", "text")
        assert.is_nil(status)
        assert.equal(nr.INVALID, err.status)
    end)
end)
