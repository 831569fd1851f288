local support = require "spec.support"
local uv = require "luv"

describe("an installed program", function()
    local prefix

    setup(function()
        prefix = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-prefix-XXXXXX"))
        local got = support.start("cmake", { "--install", support.build, "--prefix", prefix }):wait()
        assert.equal(0, got.code, got.err)
    end)

    teardown(function()
        support.start("rm", { "-rf", prefix }):wait()
    end)

    it("finds its Lua half beside it, without environment variables, from anywhere", function()
        local code = "require 'nylon_ring' print(package.searchpath('nylon_ring', package.path))"
        local got = support.start(prefix .. "/bin/nylon-ring", { "-e", code },
            { cwd = "/", env = { LUA_PATH = false, LUA_CPATH = false } }):wait()
        assert.equal("", got.err)
        assert.equal(prefix .. "/share/lua/5.1/nylon_ring/init.lua\n", got.out)
    end)

    it("says so where Lua cannot find modules because of the folder's name", function()
        assert(uv.fs_mkdir(prefix .. "/odd;folder", 448))
        assert(uv.fs_symlink(prefix .. "/share", prefix .. "/odd;folder/share"))
        assert(uv.fs_copyfile(prefix .. "/bin/nylon-ring", prefix .. "/odd;folder/nylon-ring"))
        local got = support.start(prefix .. "/odd;folder/nylon-ring", { "--version" }):wait()
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: Lua finds no module below [^\n]*: install [^\n]*\n$", got.err)
    end)

    it("calls a plugin", function()
        local got = support.start(prefix .. "/bin/nylon-ring",
            { "call", support.plugin "echo", "/thread", "-d", "hi" }):wait()
        assert.same({ code = 0, signal = 0, out = "hi", err = "" }, got)
    end)

    it("brings its manual page and completions, where man and the shells look", function()
        for _, file in ipairs { "share/man/man1/nylon-ring.1", "share/bash-completion/completions/nylon-ring",
            "share/zsh/site-functions/_nylon-ring" } do
            assert.is_true(uv.fs_stat(prefix .. "/" .. file).size > 0, file)
        end
    end)
end)
