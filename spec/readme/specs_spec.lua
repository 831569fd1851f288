-- The Lua blocks of these pages are specs: they run as they stand there.

local support = require "spec.support"

local pages = { "lua/nylon_ring/README.md", "lua/nylon_ring/test/README.md" }

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

for _, page in ipairs(pages) do
    describe("the page " .. page, function()
        local all = blocks(page)

        it("has specs", function()
            assert.is_true(#all >= 4)
        end)

        for _, block in ipairs(all) do
            it("shows specs that pass: " .. block:match '"(.-)"', function()
                local source = block:gsub("build/release", (support.build:gsub("%%", "%%%%")))
                source = "local nr = require 'nylon_ring'\n" .. source
                local path, remove = support.file("block_spec.lua", source)
                local got = support.run { "test", "-o", "TAP", path }
                remove()
                local _, count = block:gsub("it%(\"", "")
                assert.equal(0, got.code, got.out .. got.err)
                assert.matches("^ok 1 .*\n1%.%." .. count .. "\n$", got.out)
            end)
        end
    end)
end
