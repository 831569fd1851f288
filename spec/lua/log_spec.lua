local nr = require "nylon_ring"
local support = require "spec.support"
local tasks = require "spec.lua.support"

describe("log lines of plugins", function()
    local plugin, lines, arrived

    before_each(function()
        plugin, lines = assert(nr.load(support.plugin "fixture_log")), {}
        nr.on_log(function(line)
            lines[#lines + 1] = line
            if arrived then arrived() end
        end)
    end)

    after_each(function()
        arrived = nil
        nr.on_log(nil)
        plugin:unload()
    end)

    local function wait_for(count)
        nr.timeout(5000, function()
            while #lines < count do
                nr.await(function(resume) arrived = resume end)
            end
        end)
    end

    it("come with level, plugin, call and message", function()
        plugin:call("/log?level=3", "careful")
        wait_for(1)
        assert.equal("warn", lines[1].level)
        assert.equal("fixture_log", lines[1].plugin)
        assert.equal("careful", lines[1].message)
        assert.matches("^%d+$", lines[1].sid)
    end)

    it("come from threads, and without a call", function()
        plugin:call "/plain"
        plugin:call("/thread", "from a thread")
        wait_for(2)
        assert.is_nil(lines[1].sid)
        assert.equal("from a thread", lines[2].message)
    end)

    it("are handed to one function, whose errors do not stop the loop", function()
        local caught = tasks.catch_errors()
        local previous = nr.on_log(function() error("handler", 0) end)
        assert.is_function(previous)
        plugin:call("/log?level=4", "x")
        nr.timeout(5000, function()
            while #caught == 0 do nr.sleep(1) end
        end)
        caught.restore()
        assert.equal("handler", caught[1].err)
        assert.has_error(function() nr.on_log "no function" end)
    end)
end)

describe("a handler that raises a table", function()
    it("is told of like any other", function()
        local file, remove = support.file("log.lua", [[
            local nr = require "nylon_ring"
            local plugin = nr.load(...)
            local told = false
            nr.on_log(function() told = true error({}) end)
            plugin:call("/log?level=3", "careful")
            while not told do nr.sleep(1) end
        ]])
        local got = support.run { file, support.plugin "fixture_log" }
        remove()
        assert.equal(1, got.code)
        assert.matches("^nylon%-ring: error: {}\n\n$", got.err)
    end)
end)

describe("NYLON_RING_LOG", function()
    local function errors_with(level)
        local program = 'require("nylon_ring").load(...):call("/log?level=3", "careful")'
        local file, remove = support.file("log.lua", program)
        local got = support.run({ file, support.plugin "fixture_log" }, { env = { NYLON_RING_LOG = level } })
        remove()
        return got.err
    end

    it("names the lowest level that is shown", function()
        assert.matches("warn %d+: careful\n", errors_with "warn")
        assert.not_matches("careful", errors_with "error")
    end)

    it("is named with its choices when it is no level, and taken as info", function()
        local err = errors_with "loud"
        assert.matches("NYLON_RING_LOG is 'loud', which is no level: it may be trace, debug", err, 1, true)
        assert.matches("careful", err)
    end)
end)
