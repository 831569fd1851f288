local folders = require "spec.support.folder"
local nr = require "nylon_ring"
local uv = require "luv"

describe("the file of a recording", function()
    local folder = folders.each()
    local inner = nr.plugin_from_lua { ["/echo"] = function(call) return call.body end }

    local function names()
        local list, scan = {}, uv.fs_scandir(folder.path)
        local name = uv.fs_scandir_next(scan)
        while name do
            table.insert(list, name)
            name = uv.fs_scandir_next(scan)
        end
        return list
    end

    before_each(function() folder:write("calls.tape", "old") end)

    it("stays as it was until the recorder is unloaded, and then is whole", function()
        local recorded = nr.test.record(inner, folder:file "calls.tape")
        assert.ok(recorded:call("/echo", "x"))
        assert.equal("old", folder:read "calls.tape")
        assert(recorded:unload())
        assert.matches('^{"nylon_ring_tape":2,[^\n]*\n{"call":"/echo",[^\n]*\n$', folder:read "calls.tape")
        assert.same({ "calls.tape" }, names())
    end)

    it("stays as it was where a spec fails before, and where it forgets the unload, which is told", function()
        folder:write_spec("a_spec.lua", ([[
            local plugin = nr.plugin_from_lua { ["/echo"] = function(call) return call.body end }
            it("fails", function()
                nr.test.record(plugin, %q):call "/echo"
                error "on purpose"
            end)
            it("forgets", function() nr.test.record(plugin, %q):call "/echo" end)
        ]]):format(folder:file "calls.tape", folder:file "calls.tape"))
        local got = folder:test("-o", "TAP")
        assert.matches("\n# Failure message: a_spec.lua:5: on purpose\nnot ok 2", got.out)
        assert.matches("left behind: the recording of '[^\n]*calls.tape' made at a_spec.lua:7: not unloaded, "
            .. "and so not written", got.out)
        assert.equal("old", folder:read "calls.tape")
        assert.equal(2, #names())
    end)

    it("stays as it was where there is no room for another, which the unload tells", function()
        local recorded = nr.test.record(inner, folder:file "calls.tape")
        assert(uv.fs_mkdir(folder:file(("calls.tape.%d.new"):format(uv.os_getpid())), 448))
        assert.error_matches(function() recorded:unload() end,
            "nr.test.record: '[^\n]*calls.tape' stays as it was: [^\n]*Is a directory")
        assert.equal("old", folder:read "calls.tape")
    end)

    it("is the one that a link leads to", function()
        assert(uv.fs_symlink("calls.tape", folder:file "link.tape"))
        local recorded = nr.test.record(inner, folder:file "link.tape")
        recorded:unload()
        assert.equal("link", uv.fs_lstat(folder:file "link.tape").type)
        assert.matches("^{", folder:read "calls.tape")
    end)

    it("is to be one, in a folder that there is", function()
        for path, message in pairs {
            ["/no/such.tape"] = "'/no/' is no folder to write to",
            [folder.path] = "' is no file",
            ["/dev/null"] = "'/dev/null' is no file",
            [5] = "takes the path of a file, not number",
        } do
            local _, err = pcall(function() nr.test.record(inner, path) end)
            assert.matches("record_file_spec.lua:%d+: nr.test.record.*" .. message, err)
        end
    end)
end)
