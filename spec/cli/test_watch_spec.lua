local support = require "spec.support"

describe("test --watch", function()
    it("runs again when a file has changed, and is left with Ctrl-C", function()
        local path, remove = support.file("a_spec.lua", "it('is the first', function() end)")
        finally(remove)
        local run = support.start(support.program, { "test", "--watch", "-o", "TAP", path }, {
            cwd = path:match "^(.*)/",
        })
        run:wait_for("out", "ok 1 - is the first")
        run:wait_for("err", "waiting for a change")
        local file = assert(io.open(path, "w"))
        file:write "it('is the second', function() error 'on purpose' end)"
        file:close()
        run:wait_for("out", "not ok 1 - is the second")
        run:wait_for("err", "./a_spec.lua has changed")
        run:kill "sigint"
        assert.equal(130, run:wait().code)
    end)
end)

describe("test --coverage", function()
    it("says how to install LuaCov where it is missing", function()
        if pcall(require, "luacov.runner") then
            pending "LuaCov is installed"
        end
        local got = support.run { "test", "--coverage", "spec" }
        assert.equal(2, got.code)
        assert.equal("nylon-ring test: --coverage needs LuaCov, which is not installed: "
            .. "luarocks --lua-version 5.1 install luacov\n", got.err)
        assert.equal("", got.out)
    end)
end)
