local pages = require "spec.support.pages"
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

    it("runs the specs of the page, in tasks by nr.test.async_it", function()
        local block
        for _, each in ipairs(pages.blocks "lua/nylon_ring/test/README.md") do
            local text = table.concat(each.lines, "\n")
            block = text:find("async_it", 1, true) and text or block
        end
        local got = run({ 'local nr = require "nylon_ring"\n' .. block }, "--helper=nylon_ring.busted")
        assert.equal("ok 1 - a spec for both suspends in hooks and specs\n1..1\n", got.out)
        assert.equal(0, got.code)
    end)

    local async = [[
        local nr = require "nylon_ring"
        local it, setup = nr.test.async_it(it), nr.test.async_it(setup)
        setup(function() nr.sleep(1) end)
        it "is curried" (function() nr.sleep(1) end)
        it("fails", function() nr.sleep(1) assert.equal(1, 2) end)
        it("raises a table", function() nr.sleep(1) error { code = 1 } end)
        it("is pending", function() nr.sleep(1) pending "later" end)
        it("takes long", function() nr.test.limit(100) nr.sleep(60000) end)
        it("has a child that does", function() nr.test.limit(100) nr.spawn(nr.sleep, 60000) end)
        it("catches", function() nr.test.limit(100) pcall(nr.sleep, 60000) end)
        it("blocks", function() nr.test.limit(1) os.execute "sleep 0.1" end)
        describe("block", function()
            nr.test.limit(110)
            it("takes long as well", function() nr.sleep(60000) end)
        end)
        it("is fine", function() nr.sleep(1) end)
    ]]

    for what, words in pairs { ["without"] = {}, ["with"] = { "--helper=nylon_ring.busted" } } do
        it("tells what becomes of async specs, " .. what .. " our helper", function()
            local got = run({ async }, unpack(words))
            local out = got.out:gsub("[^ \n(]*/s1_spec%.lua", "s1_spec.lua")
            assert.equal(1, got.code)
            assert.equal("", got.err)
            assert.matches("^ok 1 %- is curried\nnot ok 2 %- fails\n# s1_spec.lua @ 5\n"
                .. "# Failure message: s1_spec.lua:5: Expected objects to be equal", out)
            local message = "\n# s1_spec.lua @ %d\n# Failure message: s1_spec.lua:%d: "
            assert.matches("not ok 3 - raises a table" .. message:format(6, 6) .. "{ code", out, 1, true)
            assert.matches("ok 4 %- # SKIP s1_spec.lua:7: later\n", out)
            local late = message .. "the spec did not end within %d ms\n"
            assert.matches("not ok 5 - takes long" .. late:format(8, 8, 100), out, 1, true)
            local left = what == "with" and "\n# s1_spec.lua @ 9\n# Failure message: left behind: task "
                or late:format(9, 9, 100)
            assert.matches("not ok 6 - has a child that does" .. left, out, 1, true)
            assert.matches("not ok 7 - catches" .. late:format(10, 10, 100), out, 1, true)
            assert.matches("not ok 8 - blocks" .. message:format(11, 11) .. "the spec took ", out, 1, true)
            assert.matches("not ok 9 - block takes long as well" .. late:format(14, 14, 110), out, 1, true)
            assert.matches("\nok 10 %- is fine\n1%.%.10\n$", out)
        end)
    end
end)

describe("any other runner", function()
    it("is served by nr.test.async_it as well", function()
        local got = support.stock { "-e", [[
            local nr = require "nylon_ring"
            local function it(name, fn) print(name, pcall(fn)) end
            it = nr.test.async_it(it)
            it("suspends", function() nr.sleep(1) return "done" end)
            it("fails", function() nr.test.limit(100) nr.sleep(60000) end)
        ]] }
        assert.equal("", got.err)
        assert.matches("^suspends\ttrue\tdone\nfails\tfalse\t[^\n]*:5: the spec did not end within 100 ms",
            got.out)
    end)

    it("is told what nr.test.async_it takes", function()
        assert.matches("nr.test.async_it takes `it`, or another function that takes a body; not nil",
            select(2, pcall(require("nylon_ring").test.async_it)))
    end)
end)
