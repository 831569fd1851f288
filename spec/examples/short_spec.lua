local support = require "spec.support"

--- Runs an example and answers its output; it must end well and say nothing on standard error.
local function output_of(example, ...)
    local outcome = support.run { "examples/" .. example, ... }
    assert.equal("", outcome.err)
    assert.equal(0, outcome.code)
    return outcome.out
end

describe("the example", function()
    it("unary.lua asks once and shows the answer", function()
        assert.equal("Status: 0 (Ok)\nResponse: Hello from the host!\n", output_of "unary.lua")
    end)

    it("stream.lua shows every frame, then the end", function()
        assert.equal([[
Frame: frame 1
Frame: frame 2
Frame: frame 3
Frame: frame 4
Frame: frame 5
Stream ended
First only: frame 1
]], output_of "stream.lua")
    end)

    it("fanout.lua asks all, takes the first, tries again", function()
        assert.equal([[
all:   SHOUT [{"answer":42}]
race:  the quick one
any:   the one that works
retry: [{"text":"here at last"}] after more than one try
]], output_of "fanout.lua")
    end)

    it("transform.lua filters and translates rows on their way", function()
        assert.equal([[
2 TIMES 2 = 4
4 TIMES 4 = 16
6 TIMES 6 = 36
8 TIMES 8 = 64
10 TIMES 10 = 100
]], output_of "transform.lua")
    end)

    it("together.lua reads a file, a socket and a plugin at the same time", function()
        local path, remove = support.file("three.txt", ("x"):rep(10000))
        local out = output_of("together.lua", path)
        remove()
        local begun = { out:match "^(%a+) +%a+ing\n(%a+) +%a+ing\n(%a+) +%a+ing\n" }
        table.sort(begun) -- which of them is first is left open
        assert.same({ "file", "plugin", "socket" }, begun)
        assert.equal([[
file    10000 bytes
socket  good morning
plugin  frame 1, frame 2, frame 3
]], out:match "(file    %d.*)$")
    end)
end)
