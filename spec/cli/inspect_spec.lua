local cjson = require "cjson"
local support = require "spec.support"

describe("inspect", function()
    it("shows what a plugin file says about itself", function()
        local got = support.run { "inspect", support.plugin "echo" }
        assert.equal(0, got.code)
        assert.equal("", got.err)
        assert.matches("\nABI +v1", "\n" .. got.out)
        assert.matches("\nname +echo\n", "\n" .. got.out)
        assert.matches("\npinned +no\n", got.out)
        assert.matches("\nsymbols +[^\n]*nylon_ring_get_plugin_v1", got.out)
    end)

    it("prints the same as JSON", function()
        local got = support.run { "inspect", support.plugin "echo_v2", "--json" }
        assert.equal(0, got.code)
        local found = cjson.decode(got.out)
        assert.equal(2, found.abi)
        assert.is_false(found.has_v1)
        assert.equal("echo_v2", found.name)
    end)

    it("says in one line what is wrong with a file", function()
        local path, remove = support.file("not-a-plugin.so", "text")
        finally(remove)
        local got = support.run { "inspect", path }
        assert.equal(1, got.code)
        assert.equal("", got.out)
        assert.matches("^nylon%-ring inspect: [^\n]*not%-a%-plugin%.so[^\n]*\n$", got.err)
    end)
end)
