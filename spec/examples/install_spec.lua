-- What `cmake --install` leaves: the program runs from there, and a program in C builds against the core.
local support = require "spec.support"
local uv = require "luv"

describe("an installation", function()
    local prefix

    local function sh(command)
        local outcome = support.start("/bin/sh", { "-c", command .. " 2>&1" }, {
            cwd = prefix,
            env = { PKG_CONFIG_PATH = prefix .. "/lib/pkgconfig" },
        }):wait()
        assert(outcome.code == 0, ("`%s` failed (exit %d):\n%s"):format(command, outcome.code, outcome.out))
        return outcome.out
    end

    setup(function()
        prefix = assert(uv.fs_mkdtemp(uv.os_tmpdir() .. "/nylon-ring-install-XXXXXX"))
        sh(("cmake --install '%s' --prefix '%s'"):format(uv.fs_realpath(support.build), prefix))
    end)

    teardown(function()
        support.start("/bin/rm", { "-rf", prefix }):wait()
    end)

    it("has a program that finds its Lua half", function()
        assert.equal("hi", sh "bin/nylon-ring call lib/nylon_ring/plugins/echo.so /thread -d hi")
    end)

    it("has the core, for a C program that pkg-config builds", function()
        if support.sanitized then
            return pending "the library needs the sanitizer's flags"
        end
        local source = uv.cwd() .. "/examples/embed/embed.c"
        sh(("cc -o embed '%s' $(pkg-config --cflags --libs nylon_ring)"):format(source))
        assert.equal("Ok: HELLO\n", sh "./embed lib/nylon_ring/plugins/echo.so /upper hello")
        assert.equal("Ok: later\n", sh "./embed lib/nylon_ring/plugins/echo.so /thread later")
    end)
end)
