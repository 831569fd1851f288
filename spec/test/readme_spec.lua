-- The blocks of lua/nylon_ring/test/README.md are specs: they run as they stand there.

local support = require "spec.support"

local function blocks(path)
    local list, block = {}, nil
    for line in io.lines(path) do
        if line == "```lua" then
            block = {}
        elseif line == "```" and block then
            list[#list + 1] = table.concat(block, "\n")
            block = nil
        elseif block then
            block[#block + 1] = line
        end
    end
    return list
end

describe("the README of nr.test", function()
    local all = blocks "lua/nylon_ring/test/README.md"

    it("has specs", function()
        assert.is_true(#all >= 6)
    end)

    for _, block in ipairs(all) do
        it("shows a spec that passes: " .. block:match '"(.-)"', function()
            local path, remove = support.file("block_spec.lua", "local nr = require 'nylon_ring'\n" .. block)
            local got = support.run { "test", "-o", "TAP", path }
            remove()
            assert.equal(0, got.code, got.out .. got.err)
            assert.matches("^ok 1 .*\n1%.%.1\n$", got.out)
        end)
    end
end)
