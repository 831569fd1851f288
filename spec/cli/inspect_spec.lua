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

    it("shows several files one after the other, and goes on after a bad one", function()
        local got = support.run { "inspect", support.plugin "echo", "/no/such.so", support.plugin "echo_v2" }
        assert.equal(1, got.code)
        assert.matches("^name +echo\n.*\n\nname +echo_v2\n", got.out)
        assert.matches("^nylon%-ring inspect: [^\n]*/no/such%.so[^\n]*\n$", got.err)
    end)

    it("prints a JSON object a line for several files, the bad ones too", function()
        local got = support.run { "inspect", "--json", support.plugin "echo", "/no/such.so" }
        assert.equal(1, got.code)
        local objects = {}
        for line in got.out:gmatch "[^\n]+" do
            table.insert(objects, cjson.decode(line))
        end
        assert.equal(2, #objects)
        assert.equal("echo", objects[1].name)
        assert.equal("/no/such.so", objects[2].path)
        assert.equal("invalid_path", objects[2].error)
        assert.is_truthy(got.err:find(objects[2].message, 1, true))
    end)

    it("gives every JSON object the same keys, whatever the plugin has", function()
        local function keys(plugin)
            local found = cjson.decode(support.run({ "inspect", "--json", support.plugin(plugin) }).out)
            local names = {}
            for name in pairs(found) do
                table.insert(names, name)
            end
            table.sort(names)
            return names
        end
        assert.same(keys "fixture_pinned", keys "echo")
    end)
end)
