local nr = require "nylon_ring"

describe("nr.chaos", function()
    local inner, shaky

    setup(function()
        inner = nr.plugin_from_lua {
            ["/echo"] = function(call) return call.body end,
            ["/err"] = function() return nil, "refused" end,
            ["/note"] = function() end,
            ["/frames"] = function(call)
                for index = 1, 20 do
                    call:frame(tostring(index))
                end
                call:finish()
            end,
        }
    end)

    teardown(function() inner:unload() end)

    local function wrap(options)
        shaky = nr.chaos(inner, options)
        return shaky
    end

    after_each(function() shaky:unload { grace = 1 } end)

    local function read(stream)
        local frames = {}
        for _, data in stream:frames() do
            frames[#frames + 1] = data
        end
        return table.concat(frames, " ")
    end

    it("changes nothing without faults", function()
        wrap {}
        assert.same({ nr.OK, "x" }, { shaky:call("/echo", "x") })
        assert.same({ nr.ERR, "refused" }, { shaky:call "/err" })
        assert.equal(nr.UNSUPPORTED, select(2, shaky:call "/none").status)
        assert.matches("^1 2 3 .* 20 $", read(shaky:call_stream "/frames"))
        local before = inner:stats().calls
        assert.is_true(shaky:notify "/note")
        assert.equal(before + 1, inner:stats().calls)
    end)

    it("fails, drops and duplicates what it is told to", function()
        assert.same({ nr.ERR, "chaos" }, { wrap({ fail = 1 }):call("/echo", "x") })
        local _, err = wrap({ drop = 1 }):call("/echo", "x", { timeout = 1 })
        assert.is_true(nr.is_error(err, "timeout"))
        assert.same({ nr.OK, "x" }, { wrap({ duplicate = 1 }):call("/echo", "x") })
        assert.equal(1, shaky:stats().duplicate)
        assert.matches("^1 1 2 2 3 3 ", read(shaky:call_stream "/frames"))
    end)

    it("gives the same faults for the same seed, and others for another", function()
        local function faults(seed)
            wrap { fail = 0.3, duplicate = 0.3, seed = seed }
            local list = {}
            for index = 1, 40 do
                list[index] = shaky:call "/echo" .. ":" .. shaky:stats().duplicate
            end
            return table.concat(list, " ")
        end
        local once = faults(7)
        assert.equal(once, faults(7))
        assert.not_equal(once, faults(8))
        assert.matches("1:", once)
        assert.matches("0:", once)
    end)

    it("is fair from the first call on, whatever the seed", function()
        local failed = 0
        for seed = 1, 100 do
            failed = failed + (wrap({ fail = 0.5, seed = seed }):call "/echo" == nr.ERR and 1 or 0)
        end
        assert.is_true(failed > 30 and failed < 70, failed .. " of 100")
    end)

    it("says its seed, to be given again", function()
        assert.matches("'lua with chaos 42'", tostring(wrap { seed = 42 }))
        assert.matches("with chaos %d+'", tostring(wrap {}))
    end)

    it("refuses what makes no sense", function()
        wrap {}
        for message, options in pairs {
            ["drop must be a share"] = { drop = 2 },
            ["fail must be a share"] = { fail = 0 / 0 },
            ["delay must be"] = { delay = { 2, 1 } },
            ["seed must be"] = { seed = "x" },
            ["no option 'dup'"] = { dup = 1 },
        } do
            local ok, err = pcall(nr.chaos, inner, options)
            assert.is_false(ok)
            assert.matches(message, err, 1, true)
        end
    end)
end)
