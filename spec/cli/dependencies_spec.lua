local support = require "spec.support"
local uv = require "luv"

-- A folder in which the program finds, of the Lua modules of others, all that it needs but one.
local function modules_without(missing)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-modules-XXXXXX"))
    local links = {}
    for _, name in ipairs { "luv", "cjson", "argparse", "inspect", "busted" } do
        if name ~= missing then
            local file = package.searchpath(name, package.path) or package.searchpath(name, package.cpath)
            links[#links + 1] = folder .. "/" .. name .. file:match "%.%a+$"
            assert(uv.fs_symlink(file, links[#links]))
        end
    end
    return folder, function()
        for _, link in ipairs(links) do
            uv.fs_unlink(link)
        end
        uv.fs_rmdir(folder)
    end
end

describe("a Lua module that is not installed", function()
    local cases = {
        { "luv", { "--version" }, "nylon%-ring" },
        { "cjson", { "call", "x.so", "/" }, "nylon%-ring" },
        { "argparse", { "--help" }, "nylon%-ring" },
        { "inspect", { "repl" }, "nylon%-ring repl" },
        { "inspect", { "-i", "-e", "" }, "nylon%-ring run" },
        { "inspect", { "-e", "", "--console", "/no/such/socket" }, "nylon%-ring run" },
        { "busted", { "test" }, "nylon%-ring test" },
    }
    for _, case in ipairs(cases) do
        local name, words, who = unpack(case)
        it(("is named in one line, with 2: %s for `%s`"):format(name, table.concat(words, " ")), function()
            local folder, remove = modules_without(name)
            finally(remove)
            local got = support.run(words, { env = {
                LUA_PATH = folder .. "/?.lua",
                LUA_CPATH = folder .. "/?.so",
            } })
            assert.equal(2, got.code)
            assert.equal("", got.out)
            assert.matches(("^%s: the Lua module '%s' is not installed: apt%%-get install lua%%-%s, "
                .. "or luarocks [^\n]+\n$"):format(who, name, name), got.err)
        end)
    end

    it("is told as Lua tells it where a script asks for it", function()
        local got = support.run { "-e", "require 'no_such_module'" }
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: [^\n]*module 'no_such_module' not found:\n", got.err)
    end)
end)
