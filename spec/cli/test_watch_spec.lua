local sleep = require("nylon_ring").sleep
local support = require "spec.support"
local uv = require "luv"
local test_words = require "nylon_ring.cli.test.words"

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

    it("sees files in folders that are made while it waits, also again", function()
        local path, remove = support.file("a_spec.lua", "it('is the first', function() end)")
        local folder = path:match "^(.*)/"
        finally(remove)
        local run = support.start(support.program, { "test", "--watch", "-o", "TAP", "." }, { cwd = folder })
        run:wait_for("out", "ok 1 - is the first")
        for round = 1, 2 do
            run:wait_for("err", "waiting for a change")
            assert(uv.fs_mkdir(folder .. "/sub", 448))
            assert(uv.fs_mkdir(folder .. "/sub/deeper", 448))
            local name = ("%s/sub/deeper/b%d_spec.lua"):format(folder, round)
            local file = assert(io.open(name, "w"))
            file:write(("it('is in round %d', function() end)"):format(round))
            file:close()
            run:wait_for("out", ("ok 2 - is in round %d"):format(round))
            os.remove(name)
            uv.fs_rmdir(folder .. "/sub/deeper")
            uv.fs_rmdir(folder .. "/sub")
        end
        run:kill "sigint"
        assert.equal(130, run:wait().code)
    end)

    it("takes a run with it that does not suspend", function()
        local path, remove = support.file("a_spec.lua", [[
            it("spins", function()
                io.write("pid ", require "luv".os_getpid(), "\n")
                io.flush()
                while true do end
            end)
        ]])
        finally(remove)
        for _, signal in ipairs { "sigterm", "sigkill" } do
            local run = support.start(support.program, { "test", "--watch", "--timeout=0", path }, {
                cwd = path:match "^(.*)/",
            })
            run:wait_for("out", "\n")
            local pid = tonumber(run.out:match "pid (%d+)")
            run:kill(signal)
            run:wait()
            while support.is_alive(pid) do
                sleep(5)
            end
        end
    end)

    -- Not through the program: where this does not hold it starts itself without end.
    it("has runs that cannot watch, and takes no value", function()
        local own, rest = test_words.take { "--jobs", "2", "--watch", "-o", "TAP", "--isolate", "a_spec.lua" }
        local run = test_words.for_watched(own, rest)
        assert.same({ "--isolate", "--jobs=2", "--no-watch", "-o", "TAP", "a_spec.lua" }, run)
        assert.is_false(test_words.take(run).watch)
        local none, err = test_words.take { "--watch=1", "a_spec.lua" }
        assert.is_nil(none)
        assert.equal("option '--watch' takes no value", err)
    end)
end)
