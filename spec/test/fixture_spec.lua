local nr = require "nylon_ring"
local support = require "spec.support"
local test = require "spec.support.inner"

describe("nr.test.plugin", function()
    describe("in a block", function()
        local echo = nr.test.plugin(support.plugin "echo", { name = "parrot", timeout = 60000 })

        before_each(function()
            assert.equal("hi", select(2, echo:call("/echo", "hi")))
        end)

        it("is a loaded plugin", function()
            assert.equal(nr.plugin "parrot".path, echo.path)
            assert.equal("parrot", echo.name)
            assert.equal(tostring(nr.plugin "parrot"), tostring(echo))
            assert.is_true(echo:stats().calls > 0)
            local stream = echo:call_stream "/stream?frames=2"
            for _ in stream:frames() do end -- luacheck: ignore 542
            stream:close()
        end)

        it("can be reloaded", function()
            assert(echo:reload())
            assert.equal("again", select(2, echo:call("/echo", "again")))
        end)
    end)

    it("is there for the teardowns of its block", function()
        local got = test(([[
            describe("block", function()
                local echo = nr.test.plugin(%q)
                local other = nr.test.plugin(%q, { name = "other" })
                teardown(function() assert.ok(echo:call "/echo") print "one" end)
                lazy_teardown(function() assert.ok(echo:call "/echo") print "lazy" end)
                teardown(function() assert.ok(other:call "/echo") print "two" end)
                it("is", function() end)
            end)
            it("is over", function() assert.same({}, nr.plugins()) end)
        ]]):format(support.plugin "echo", support.plugin "echo"))
        assert.equal("ok 1 - block is\nlazy\none\ntwo\nok 2 - is over\n1..2\n", got.out)
    end)

    it("is unloaded after the block", function()
        assert.is_nil(nr.plugin "parrot")
    end)

    it("fails the block when the plugin still owes an answer", function()
        local specs = [[
            local never = nr.test.plugin(%q, { grace = 1 %s })
            it("gives up", function() never:call("/", "", { timeout = 1 }) end)
        ]]
        local got = test(specs:format(support.plugin "fixture_never", ""))
        assert.equal(1, got.code)
        assert.matches("not ok 2 %- teardown\n# inner_spec.lua @ 2\n# Failure message: inner_spec.lua:2: "
            .. "plugin 'fixture_never' was unloaded and still owes 1 answer, after 1 ms", got.out)
        got = test(specs:format(support.plugin "fixture_never", ", owes = true"))
        assert.equal(0, got.code)
    end)

    it("names a plugin that can not be loaded", function()
        local got = test [[nr.test.plugin "/no/such.so" it("is not reached", function() end)]]
        assert.equal(1, got.code)
        assert.matches("not ok 1 %- setup\n# inner_spec.lua @ 2\n# Failure message: inner_spec.lua:2: [^\n]*"
            .. "/no/such%.so", got.out)
        assert.is_nil(got.out:find("is not reached", 1, true))
    end)

    it("is traced as it says, or as the run does", function()
        local content = ([[
            local one, two = nr.test.plugin(%q), nr.test.plugin(%q, { name = "two", trace = %%s })
            it("is", function() print(one:info().trace, two:info().trace) end)
        ]]):format(support.plugin "echo", support.plugin "echo")
        local function traced(own, ...)
            return test(content:format(own), { ... }).out:match "^[^\n]*"
        end
        assert.equal("256\t0", traced("false"))
        assert.equal("256\t1000", traced("true", "--trace"))
        assert.equal("0\t10", traced("10", "--no-trace"))
        assert.equal("0\t0", traced("nil", "--no-trace", "--isolate"))
    end)

    it("says where it can be used", function()
        local got = test(([[
            local echo = nr.test.plugin(%q)
            echo:call "/echo"
        ]]):format(support.plugin "echo"))
        assert.equal(1, got.code)
        assert.matches("inner_spec%.lua:3: plugin '[^']*echo%.so' is loaded by the block's setup: "
            .. "use it in hooks and specs", got.out)
    end)

    it("is for blocks, with a path", function()
        local got = test [[
            it("is no block", function() nr.test.plugin "x.so" end)
            describe("neither", function()
                before_each(function() nr.test.plugin "x.so" end)
                it("is a hook", function() end)
            end)
            describe("a block", function() nr.test.plugin(nil) end)
        ]]
        for _, case in ipairs { "2: nr.test.plugin is for a describe", "4: nr.test.plugin is for a describe",
            "7: nr.test.plugin takes the path of a plugin, not nil" } do
            assert.matches("Failure message: inner_spec.lua:" .. case, got.out, 1, true)
        end
        assert.is_nil(got.out:find("\nok", 1, true))
    end)

    it("works under a stock busted as well", function()
        local busted = support.which "busted"
        if not busted then
            pending "busted is not installed"
        end
        local path, remove = support.file("inner_spec.lua", ([[
            local nr = require "nylon_ring"
            describe("stock", function()
                local echo = nr.test.plugin(%q)
                it("answers", function()
                    nr.run(function() assert.equal("hi", select(2, echo:call("/echo", "hi"))) end)
                end)
            end)
        ]]):format(support.plugin "echo"))
        finally(remove)
        local got = support.stock { busted, "--ignore-lua", "--helper=nylon_ring.busted", "-o", "TAP", path }
        assert.equal("", got.err)
        assert.matches("^ok 1 %- stock answers\n", got.out)
        assert.equal(0, got.code)
    end)
end)
