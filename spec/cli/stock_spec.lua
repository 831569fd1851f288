local support = require "spec.support"

local busted = support.which "busted"

--- Runs a stock busted under a stock LuaJIT over spec files of these contents.
local function run(contents, ...)
    local files, args = {}, { busted, "-o", "TAP", ... }
    for i, content in ipairs(contents) do
        local path, remove = support.file(("s%d_spec.lua"):format(i), content)
        files[i] = remove
        table.insert(args, path)
    end
    local got = support.stock(args)
    for _, remove in ipairs(files) do
        remove()
    end
    return got
end

local calls = ([[
    it("calls", function()
        local nr = require "nylon_ring"
        local echo = nr.plugin "echo" or assert(nr.load %q)
        assert.same({ nr.OK, "hi" }, nr.run(function() return { echo:call("/thread", "hi") } end))
    end)
]]):format(support.plugin "echo")

describe("a stock busted", function()
    it("runs specs that use nr.run, in several files", function()
        local got = run { calls, calls }
        assert.equal("", got.err)
        assert.equal(0, got.code)
        assert.matches("ok 1 .*ok 2 .*1%.%.2", got.out)
    end)

    it("finds what a spec leaves, with our helper", function()
        local got = run({ [[
            it("leaves", function() require "luv".new_timer() end)
            it("is clean", function() require "nylon_ring".run(function() end) end)
        ]] }, "--helper=nylon_ring.busted")
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- leaves", got.out)
        assert.matches("left behind: a timer handle made at [^\n]*s1_spec%.lua:1", got.out)
        assert.matches("ok 2 %- is clean", got.out)
    end)

    it("finds a task that a spec leaves, with our helper", function()
        local got = run({ [[
            it("leaves", function()
                local nr = require "nylon_ring"
                nr.spawn(function() nr.sleep(100000) end)
            end)
        ]] }, "--helper=nylon_ring.busted")
        assert.equal(1, got.code)
        assert.matches("left behind: task %d+ %([^\n]*s1_spec%.lua:3%)", got.out)
    end)
end)
