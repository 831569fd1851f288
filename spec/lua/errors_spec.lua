local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local nr = require "nylon_ring"

describe("an Error", function()
    it("is known by its code and reads well", function()
        local err = errors.new { code = "timeout", message = "too slow", plugin = "echo" }
        assert.is_true(nr.is_error(err))
        assert.is_true(nr.is_error(err, nr.codes.TIMEOUT))
        assert.is_false(nr.is_error(err, "cancelled"))
        assert.equal("too slow (timeout)", tostring(err))
    end)

    it("is not any other table or text", function()
        assert.is_false(nr.is_error({ code = "timeout", message = "" }))
        assert.is_false(nr.is_error "timeout")
        assert.is_false(nr.is_error(nil))
    end)

    it("is the same kind whether C or Lua made it", function()
        local err = select(2, nr.load "/no/such/file")
        assert.equal(core.error_meta, getmetatable(err))
        assert.equal(core.error_meta, getmetatable(errors.new { code = "x", message = "y" }))
    end)
end)

describe("names", function()
    it("of statuses are numbers of the ABI", function()
        assert.same({ 0, 1, 2, 3, 4, 5, 6 }, {
            nr.OK, nr.ERR, nr.INVALID, nr.UNSUPPORTED, nr.STREAM_END, nr.PANIC, nr.BACKPRESSURE,
        })
        assert.equal("StreamEnd", nr.status_name(nr.STREAM_END))
        assert.equal("Status", nr.status_name(77))
    end)

    it("of codes come from the host's list", function()
        assert.equal("plugin_unloaded", nr.codes.PLUGIN_UNLOADED)
        local count = 0
        for name, code in pairs(nr.codes) do
            assert.equal(name:lower(), code)
            count = count + 1
        end
        assert.is_true(count >= 30)
    end)
end)
