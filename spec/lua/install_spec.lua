local nr = require "nylon_ring"
local support = require "spec.lua.support"
local uv = require "luv"

local gate, it_task = support.gate, support.it_task

local PREFIX = "nylon_ring_spec_module_"

describe("after nr.install()", function()
    local nothing_left, caught, was_installed

    before_each(function()
        nothing_left, caught = support.watch(), support.catch_errors()
        was_installed = nr.uninstall()
        nr.install()
    end)

    after_each(function()
        nr.uninstall()
        if was_installed then
            nr.install()
        end
        caught.restore()
        assert.equal(0, #caught)
        for name in pairs(package.loaded) do
            if name:find(PREFIX, 1, true) then
                package.loaded[name] = nil
            end
        end
        nothing_left()
    end)

    describe("coroutine.wrap and coroutine.resume", function()
        it("let a task suspend inside a coroutine of the script's own", it_task(function()
            local function numbers()
                return coroutine.wrap(function()
                    for n = 1, 3 do
                        nr.sleep(0)
                        coroutine.yield(n)
                    end
                end)
            end
            local seen = {}
            for n in numbers() do
                seen[#seen + 1] = n
            end
            assert.same({ 1, 2, 3 }, seen)
        end))

        it("through any number of them", it_task(function()
            local function nest(depth)
                if depth == 0 then
                    return nr.await(function(resume)
                        nr.spawn(function()
                            nr.sleep(0)
                            resume("from", nil, "below")
                        end)
                    end)
                end
                return coroutine.wrap(nest)(depth - 1)
            end
            assert.same({ "from", nil, "below" }, { nest(20) })
        end))

        it("keep a suspension from the script, and nothing else", it_task(function()
            local co = coroutine.create(function(...)
                assert.same({ 1, nil, 3 }, { ... })
                local got = { coroutine.yield(nil, 2, nil) }
                nr.sleep(0)
                coroutine.yield(unpack(got))
                return
            end)
            local first = { n = select("#", coroutine.resume(co, 1, nil, 3)) }
            assert.equal(4, first.n)
            assert.same({ true, "a", "b" }, { coroutine.resume(co, "a", "b") })
            assert.equal(1, select("#", coroutine.resume(co)))
            assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
        end))

        it("raise a cancellation where the coroutine inside waits", it_task(function()
            local door, seen = gate(), nil
            local task = nr.spawn(function()
                coroutine.wrap(function()
                    local ok, err = pcall(door.wait)
                    seen = not ok
                    error(err, 0)
                end)()
            end)
            task:cancel()
            assert.is_nil((task:join()))
            assert.is_true(seen)
            assert.equal("cancelled", task:status())
        end))

        it("work outside of tasks as ever", function()
            local generate = coroutine.wrap(function(a)
                local b = coroutine.yield(a + 1)
                error("failed at " .. b, 0)
            end)
            assert.equal(2, generate(1))
            assert.has_error(function()
                generate(7)
            end, "failed at 7")
            local ok, err = pcall(function()
                generate()
            end)
            assert.is_false(ok)
            assert.matches("install_spec.lua:%d+: cannot resume dead coroutine", err)
            assert.has_error(function()
                coroutine.wrap(1)
            end)
            assert.has_error(function()
                coroutine.resume(1)
            end)
        end)
    end)

    describe("require", function()
        local function module(name, fn)
            package.preload[PREFIX .. name] = fn
            return PREFIX .. name
        end

        after_each(function()
            for name in pairs(package.preload) do
                if name:find(PREFIX, 1, true) then
                    package.preload[name] = nil
                end
            end
        end)

        it("lets a module suspend while it loads, and loads it once", it_task(function()
            local loads = 0
            local name = module("suspends", function(...)
                loads = loads + 1
                nr.sleep(0)
                return { name = ... }
            end)
            local first = require(name)
            assert.equal(name, first.name)
            assert.equal(first, require(name))
            assert.equal(1, loads)
        end))

        it("lets a file suspend while it loads", it_task(function()
            local folder = assert(uv.fs_mkdtemp "/tmp/nylon-ring-spec-XXXXXX")
            local path = package.path
            finally(function()
                package.path = path
                os.remove(("%s/%sfile.lua"):format(folder, PREFIX))
                uv.fs_rmdir(folder)
            end)
            local file = assert(io.open(("%s/%sfile.lua"):format(folder, PREFIX), "w"))
            file:write "require('nylon_ring').sleep(0) return ..."
            file:close()
            package.path = folder .. "/?.lua;" .. path
            assert.equal(PREFIX .. "file", require(PREFIX .. "file"))
        end))

        it("makes a second task wait for the first one's loading", it_task(function()
            local door, loads = gate(), 0
            local name = module("slow", function()
                loads = loads + 1
                return { door.wait() }
            end)
            local tasks = {}
            for index = 1, 3 do
                tasks[index] = nr.spawn(require, name)
            end
            door.open "loaded"
            local modules = { tasks[1]:join(), tasks[2]:join(), tasks[3]:join() }
            assert.same({ "loaded" }, modules[1])
            assert.is_true(modules[1] == modules[2] and modules[2] == modules[3])
            assert.equal(1, loads)
        end))

        it("raises at all that wait when the module fails, and loads it anew later", it_task(function()
            local door, loads = gate(), 0
            local name = module("fails", function()
                loads = loads + 1
                if loads == 1 then
                    door.wait()
                    error("not today", 0)
                end
                return "second try"
            end)
            local tasks = { nr.spawn(require, name), nr.spawn(require, name) }
            door.open()
            for _, task in ipairs(tasks) do
                assert.same({ false, "not today" }, { pcall(task.join, task) })
            end
            assert.equal("second try", require(name))
        end))

        it("raises the chain of a cycle", it_task(function()
            module("a", function()
                nr.sleep(0)
                return require(PREFIX .. "b")
            end)
            module("b", function()
                return require(PREFIX .. "c")
            end)
            module("c", function()
                return require(PREFIX .. "a")
            end)
            local ok, err = pcall(require, PREFIX .. "a")
            assert.is_false(ok)
            assert.matches("^[^:]*install_spec%.lua:%d+: ", err)
            assert.matches(("modules require each other: %sa -> %sb -> %sc -> %sa"):format(
                PREFIX, PREFIX, PREFIX, PREFIX), err, 1, true)
        end))

        it("raises the chain of a cycle through two tasks", it_task(function()
            local door = gate()
            module("x", function()
                door.wait()
                return require(PREFIX .. "y")
            end)
            module("y", function()
                door.wait()
                return require(PREFIX .. "x")
            end)
            local tasks = { nr.spawn(require, PREFIX .. "x"), nr.spawn(require, PREFIX .. "y") }
            door.open()
            for _, task in ipairs(tasks) do
                local ok, err = pcall(task.join, task)
                assert.is_false(ok)
                local chain = ("%sx -> %sy -> %sx"):format(PREFIX, PREFIX, PREFIX)
                assert.matches("modules require each other: " .. chain, err, 1, true)
            end
        end))

        it("blames a module that does not parse, and not itself", it_task(function()
            local path, remove = require("spec.support").file(PREFIX .. "broken.lua", "local =")
            local before = package.path
            package.path = path:match "^.*/" .. "?.lua"
            local ok, err = pcall(require, PREFIX .. "broken")
            package.path = before
            remove()
            assert.is_false(ok)
            assert.matches(("^error loading module '%sbroken' from file"):format(PREFIX), err)
        end))

        it("tells outside of tasks that a module is being loaded", function()
            local door = gate()
            local name = module("taken", function()
                return door.wait()
            end)
            support.outside(function()
                local task = nr.spawn(require, name)
                local ok, err = pcall(require, name)
                assert.is_false(ok)
                assert.matches("is being loaded by a task that is suspended", err, 1, true)
                door.open "value"
                assert.equal("done", task:status())
            end)
        end)

        it("lets a waiting task be cancelled", it_task(function()
            local door = gate()
            local name = module("kept", function()
                return door.wait()
            end)
            local first, second = nr.spawn(require, name), nr.spawn(require, name)
            second:cancel()
            assert.is_nil((second:join()))
            door.open "value"
            assert.equal("value", first:join())
        end))

        it("does the rest as the built-in one", function()
            nr.uninstall()
            local missing = { pcall(require, PREFIX .. "missing") }
            local wrong = { pcall(require, nil) }
            nr.install()
            assert.same(missing, { pcall(require, PREFIX .. "missing") })
            assert.is_false(wrong[1])
            assert.is_false((pcall(require, nil)))
            module("nothing", function() end)
            assert.is_true(require(PREFIX .. "nothing"))
            module("itself", function(name)
                package.loaded[name] = "itself"
            end)
            assert.equal("itself", require(PREFIX .. "itself"))
            assert.equal(string, require "string")
        end)
    end)

    describe("dofile", function()
        it("lets the file suspend, and gives its results", it_task(function()
            local path = os.tmpname()
            finally(function()
                os.remove(path)
            end)
            local file = assert(io.open(path, "w"))
            file:write "require('nylon_ring').sleep(0) return 1, nil, 3"
            file:close()
            assert.same({ 1, nil, 3 }, { dofile(path) })
        end))

        it("raises what is wrong with the file", function()
            local ok, err = pcall(dofile, "/no/such/file.lua")
            assert.is_false(ok)
            assert.matches("cannot open /no/such/file.lua", err, 1, true)
        end)
    end)

    it("uv.run inside a task raises and names nr.run", it_task(function()
        local ok, err = pcall(uv.run, "nowait")
        assert.is_false(ok)
        assert.matches("nr.run", err, 1, true)
    end))

    it("nr.uninstall() puts everything back, but for what others have replaced since", function()
        nr.uninstall()
        local originals = { require, dofile, coroutine.resume, coroutine.wrap, uv.run }
        nr.install()
        nr.install()
        for index, replaced in ipairs { require, dofile, coroutine.resume, coroutine.wrap, uv.run } do
            assert.is_true(replaced ~= originals[index])
        end
        local ours = dofile
        local function others(...)
            return ours(...)
        end
        _G.dofile = others
        nr.uninstall()
        assert.equal(others, dofile)
        _G.dofile = originals[2]
        assert.same(originals, { require, dofile, coroutine.resume, coroutine.wrap, uv.run })
    end)
end)

describe("without nr.install()", function()
    local was_installed

    before_each(function()
        was_installed = nr.uninstall()
    end)

    after_each(function()
        if was_installed then
            nr.install()
        end
    end)

    it("suspending in a coroutine that is not a task raises, and names the ways out", it_task(function()
        local ok, err = coroutine.resume(coroutine.create(function()
            nr.sleep(0)
        end))
        assert.is_false(ok)
        assert.matches("nr.spawn", err, 1, true)
        assert.matches("nr.install", err, 1, true)
    end))

    it("suspending in a module that loads raises, and names require", it_task(function()
        local name = PREFIX .. "stock"
        package.preload[name] = function()
            nr.sleep(0)
        end
        finally(function()
            package.preload[name] = nil
        end)
        local ok, err = pcall(require, name)
        assert.is_false(ok)
        assert.matches("inside require", err, 1, true)
    end))
end)
