-- Where a console listens: it takes nobody's place, and leaves nothing behind.

local ffi = require "ffi"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

pcall(ffi.cdef, [[
    struct nylon_ring_spec_address { unsigned short family; char path[108]; };
    int socket(int domain, int type, int protocol);
    int bind(int fd, const struct nylon_ring_spec_address *address, unsigned length);
    int close(int fd);
]])

local AF_UNIX, SOCK_DGRAM = 1, 2
local LIVES = "print 'running' io.stdout:flush() require 'nylon_ring'.sleep(60000)"

describe("the socket of a console", function()
    local folder, path, children

    before_each(function()
        folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-socket-XXXXXX"))
        path, children = folder .. "/console", {}
    end)

    after_each(function()
        for _, child in ipairs(children) do
            if not child.code then
                child:kill "sigterm"
            end
            child:wait()
        end
        assert(uv.fs_rmdir(folder)) -- fails if something was left in it
    end)

    local function start(at)
        local child = support.start(support.program, { "run", "--console", at or path, "-e", LIVES })
        table.insert(children, child)
        return child
    end

    local function refusal()
        local outcome = support.run { "run", "--console", path, "-e", "print 'ran'" }
        assert.same({ 1, "", "socket" }, { outcome.code, outcome.out, (uv.fs_lstat(path) or {}).type })
        return outcome.err:gsub("^nylon%-ring run: ", "")
    end

    it("is not taken from a listener that is too busy to accept", function()
        local listener, callers, err = uv.new_pipe(false), {}
        assert(listener:bind(path))
        listener:listen(1, function() end)
        repeat
            local caller = uv.new_pipe(false)
            table.insert(callers, caller)
            err = nr.await(function(resume)
                return caller:connect(path, resume)
            end)
        until err or #callers == 100
        assert.matches("^EAGAIN", err)
        assert.equal(path .. " is a socket that is in use (EAGAIN)\n", refusal())
        for _, caller in ipairs(callers) do
            caller:close()
        end
        listener:close()
    end)

    it("is not taken from a socket of another kind", function()
        local address = ffi.new("struct nylon_ring_spec_address", AF_UNIX, path)
        local fd = ffi.C.socket(AF_UNIX, SOCK_DGRAM, 0)
        assert.equal(0, ffi.C.bind(fd, address, ffi.sizeof(address)))
        assert.equal(path .. " is a socket that is in use (EPROTOTYPE)\n", refusal())
        ffi.C.close(fd)
        uv.fs_unlink(path)
    end)

    it("is left to the program that has its path by now", function()
        local first = start()
        first:wait_for("out", "running")
        uv.fs_unlink(path)
        local second = start()
        second:wait_for("out", "running")
        first:kill "sigterm"
        assert.equal("", first:wait().err)
        assert.equal("42\n", support.run({ "repl", "--connect", path, "-e", "6 * 7" }).out)
    end)

    it("belongs to one of several programs that start at once, also where a dead one is", function()
        local dead = start()
        dead:wait_for("out", "running")
        dead:kill "sigkill"
        dead:wait()
        local runs = nr.map({ 1, 2, 3, 4, 5, 6 }, function()
            local child = start()
            nr.race { function() child:wait_for("out", "running") end, function() child:wait() end }
            if not child.code then
                return 1
            end
            assert.equal(("nylon-ring run: %s is the console of a running program\n"):format(path), child.err)
            return 0
        end)
        local running = 0
        for _, each in ipairs(runs) do
            running = running + each
        end
        assert.equal(1, running)
        assert.equal("42\n", support.run({ "repl", "--connect", path, "-e", "6 * 7" }).out)
    end)

    it("has a path that is not too long for a socket", function()
        local longest = folder .. "/" .. ("d"):rep(103 - #folder - 1)
        local outcome = support.run { "run", "--console", longest .. "d", "-e", "print 'ran'" }
        assert.same({ 1, "" }, { outcome.code, outcome.out })
        local told = "nylon-ring run: the console's path has 104 bytes, and may have 103: %sd\n"
        assert.equal(told:format(longest), outcome.err)
        start(longest):wait_for("out", "running")
        assert.equal("socket", uv.fs_lstat(longest).type)
    end)

    it("is removed by a program that is in another folder by then", function()
        local child = support.start(support.program,
            { "run", "--console", "console", "-e", "require('luv').chdir '/'" }, { cwd = folder })
        assert.same({ code = 0, signal = 0, out = "", err = "" }, child:wait())
    end)

    it("says why it can not be made", function()
        local outcome = support.run { "run", "--console", folder .. "/none/console", "-e", "print 'ran'" }
        assert.same({ 1, "" }, { outcome.code, outcome.out })
        local told = "^nylon%-ring run: the console can not be opened at [^\n]*/none/console: ENOENT[^\n]*\n$"
        assert.matches(told, outcome.err)
    end)
end)
