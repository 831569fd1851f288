local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local function load(name, options)
    return assert(nr.load(support.plugin(name), options))
end

local function copy(from, to)
    local source = assert(io.open(from, "rb"))
    local target = assert(io.open(to, "wb"))
    target:write(source:read "*a")
    source:close()
    target:close()
end

describe("loading", function()
    it("gives a plugin with its name, version, generation and path", function()
        local plugin = load "echo"
        assert.equal("echo", plugin.name)
        assert.matches("^%d+%.%d+%.%d+$", plugin.version)
        assert.equal(1, plugin.abi)
        assert.equal(uv.fs_realpath(support.plugin "echo"), uv.fs_realpath(plugin.path))
        assert.equal(plugin, nr.plugin "echo")
        assert.matches("plugin 'echo'", tostring(plugin))
        plugin:unload()
        assert.is_nil(nr.plugin "echo")
    end)

    it("keeps images of one file apart, in the order of loading", function()
        local before = #nr.plugins()
        local a = load("fixture_hold", { name = "a" })
        local b = load("fixture_hold", { name = "b" })
        a:notify "/hold"
        assert.equal("1", select(2, a:call "/count"))
        assert.equal("0", select(2, b:call "/count"))
        local names = {}
        for i, plugin in ipairs(nr.plugins()) do names[i] = plugin.name end
        assert.same({ "a", "b" }, { unpack(names, before + 1) })
        a:call "/release"
        a:unload()
        b:unload()
        assert.equal(before, #nr.plugins())
    end)

    it("takes the generation that was asked for", function()
        for abi = 1, 2 do
            local plugin = load("fixture_both", { abi = abi })
            assert.same({ 0, "v" .. abi }, { plugin:call "x" })
            plugin:unload()
        end
    end)

    it("answers nil and an Error that names cause and cure", function()
        local plugin, err = nr.load "/no/such/plugin.so"
        assert.is_nil(plugin)
        assert.is_true(nr.is_error(err, "invalid_path"))
        assert.matches("/no/such/plugin.so", err.message, 1, true)
        local cases = {
            fixture_load_no_export = "missing_symbol",
            fixture_load_wrong_version = "incompatible_abi_version",
            fixture_load_small_info = "incompatible_info_size",
            fixture_load_null_info = "null_plugin_info",
            fixture_load_null_table = "null_plugin_vtable",
            fixture_load_no_handle = "missing_required_functions",
            fixture_load_init_refuses = "plugin_init_failed",
            fixture_load_undefined_symbol = "load_failed",
        }
        for name, code in pairs(cases) do
            err = select(2, nr.load(support.plugin(name)))
            assert.equal(code, err.code)
        end
        local echo = load "echo"
        assert.is_true(nr.is_error(select(2, nr.load(support.plugin "echo")), "name_taken"))
        echo:unload()
    end)

    it("raises for misuse", function()
        assert.has_error(function() nr.load() end)
        assert.has_error(function() nr.load("x", { nam = "x" }) end)
        assert.has_error(function() nr.load("x", { timeout = -1 }) end)
        assert.has_error(function() nr.load("x", "name") end)
        local function raises(pattern, ...)
            local _, message = pcall(function(...) nr.load(...) end, ...)
            assert.matches("plugin_spec%.lua:%d+: .*" .. pattern, message)
        end
        raises("name must be a string, not table", "x", { name = {} })
        raises("NUL bytes", "x", { name = "a\0b" })
        raises("NUL bytes", "x\0y")
        raises("abi must be 1, 2, or left out; not 1.5", "x", { abi = 1.5 })
        raises("abi must be 1, 2, or left out; not 4294967298", "x", { abi = 2 ^ 32 + 2 })
    end)
end)

describe("an unload", function()
    it("waits for open calls, and reports", function()
        local hold = load "fixture_hold"
        local order = {}
        local call = nr.spawn(function()
            order[#order + 1] = hold:call("/hold") == nr.OK and "answered"
        end)
        hold:call "/release"
        local report = assert(hold:unload())
        order[#order + 1] = "unloaded"
        call:join()
        assert.same({ "answered", "unloaded" }, order)
        assert.equal(0, report.completed)
        assert.equal(0, report.owed)
        assert.equal(not support.sanitized, report.unmapped)
        assert.is_nil(report.error)
    end)

    it("ends what is left at the grace's end and says so", function()
        local never = load "fixture_never"
        local status, err
        local call = nr.spawn(function() status, err = never:call "/x" end)
        local report = assert(never:unload { grace = 1 })
        call:join()
        assert.is_nil(status)
        assert.is_true(nr.is_error(err, "plugin_unloaded"))
        assert.matches("'fixture_never' was unloaded before it answered '/x'", err.message)
        assert.equal(1, report.completed)
        assert.equal(1, report.owed)
        assert.equal("drain_timeout", report.error)
        assert.is_false(report.unmapped)
        assert.is_string(report.reason)
    end)

    it("is refused without grace while calls are open", function()
        local hold = load "fixture_hold"
        local call = nr.spawn(function() hold:call "/hold" end)
        local report, err = hold:unload { grace = 0 }
        assert.is_nil(report)
        assert.is_true(nr.is_error(err, "plugin_busy"))
        hold:call "/release"
        call:join()
        assert.is_table(hold:unload { grace = 0 })
    end)

    it("is final", function()
        local echo = load "echo"
        echo:unload()
        for _, outcome in ipairs {
            { echo:call "/echo" },
            { echo:call { path = "/thread" } },
            { echo:call_stream "/stream" },
            { echo:notify "/echo" },
            { echo:stats() },
            { echo:info() },
            { echo:unload() },
            { echo:reload() },
        } do
            assert.is_nil(outcome[1])
            assert.is_true(nr.is_error(outcome[2], "plugin_unloaded"))
        end
    end)

    it("goes on when its task is cancelled", function()
        local hold = load "fixture_hold"
        local call = nr.spawn(function() hold:call "/hold" end)
        local unload = nr.spawn(function() hold:unload { grace = 60000 } end)
        local waits
        for _, info in ipairs(nr.tasks()) do
            waits = info.task == unload and info.awaits or waits
        end
        assert.equal("fixture_hold unload", waits)
        unload:cancel()
        pcall(unload.join, unload)
        assert.is_true(nr.is_error(select(2, hold:call "/release"), "plugin_unloaded"))
        call:cancel()
        pcall(call.join, call)
    end)
end)

describe("a reload", function()
    local path, remove

    before_each(function()
        path, remove = support.file("plugin.so", "")
        copy(support.plugin "fixture_version_1", path)
    end)

    after_each(function() remove() end)

    it("swaps the code and ends what stays open on the old", function()
        local plugin = assert(nr.load(path, { name = "swapped" }))
        local answer
        local call = nr.spawn(function() answer = { plugin:call "/hold" } end)
        assert.equal("1", select(2, plugin:call "/version"))
        copy(support.plugin "fixture_version_2", path)
        local old
        local reload = nr.spawn(function() old = assert(plugin:reload { grace = 5 }) end)
        assert.equal("2", select(2, plugin:call "/version"))
        reload:join()
        call:join()
        assert.is_nil(answer[1])
        assert.is_true(nr.is_error(answer[2], "plugin_unloaded"))
        assert.equal(1, old.completed)
        assert.equal("2", select(2, plugin:call "/version"))
        plugin:unload()
    end)

    it("lets what is open finish on the old code", function()
        local plugin = assert(nr.load(support.plugin "echo"))
        local stream = assert(plugin:call_stream("/stream?frames=3&interval=5", "x"))
        local serial = plugin:info().serial
        local report
        local reload = nr.spawn(function() report = assert(plugin:reload()) end)
        assert.are_not.equal(serial, plugin:info().serial)
        local frames = 0
        stream:each(function() frames = frames + 1 end)
        reload:join()
        assert.equal(4, frames)
        assert.equal(0, report.completed)
        plugin:unload()
    end)

    it("keeps the old code when the new one is bad", function()
        local plugin = assert(nr.load(path, { name = "kept" }))
        copy(support.plugin "fixture_load_init_refuses", path)
        local report, err = plugin:reload()
        assert.is_nil(report)
        assert.is_true(nr.is_error(err, "plugin_init_failed"))
        assert.equal("1", select(2, plugin:call "/version"))
        plugin:unload()
    end)
end)

describe("what is counted", function()
    it("is told in numbers", function()
        local plugin = load "echo"
        plugin:call "/echo"
        plugin:call "/thread"
        plugin:call "/nowhere"
        local stats = plugin:stats()
        assert.equal(3, stats.calls)
        assert.equal(2, stats.ok)
        assert.equal(1, stats.errors)
        for _, name in ipairs {
            "in_flight", "late", "duplicate", "unknown", "cancelled", "timeouts", "backpressure", "owed",
        } do
            assert.equal(0, stats[name])
        end
        assert.equal("echo", plugin:info().own_name)
        plugin:unload()
    end)
end)
