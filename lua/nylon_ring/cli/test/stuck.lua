--- Says so when a spec does not suspend although its limit is over: in its own process nothing can end it.
local limits = require "nylon_ring.test.limits"
local process = require "nylon_ring.cli.process"
local say = require "nylon_ring.io.say"

local M = {}

-- How long the limit has to end it by itself: the report of what is awaited takes some time.
local GRACE = 1000

local TEXT = "nylon-ring test: %s, and does not suspend%s; Ctrl-C twice leaves, --isolate ends it\n"

--- To be called when the limits are being watched already.
---@param core table busted's
function M.watch(core)
    local where = ""
    local line_end = say.is_terminal(2) and "\n" or "" -- after what busted shows of the specs before

    local function on(channel, fn)
        core.subscribe(channel, function(...)
            fn(...)
            return nil, true
        end, { priority = 1 }) -- before the limits, which tell what is next in the same event
    end

    on({ "test", "start" }, function(element)
        local place = element.trace
        where = (": '%s' (%s:%d)"):format(element.name, place.short_src, place.currentline)
    end)
    on({ "test", "end" }, function()
        where = ""
    end)
    function limits.on_arm(ms, text)
        process.watchdog(ms and ms + GRACE, ms and line_end .. TEXT:format(text, where))
    end
end

return M
