--- Says so when a spec does not suspend although its limit is over: in its own process nothing can end it.
--- Where the suite has a limit, it ends the whole process.
local deadlines = require "nylon_ring.test.deadlines"
local process = require "nylon_ring.cli.process"
local say = require "nylon_ring.io.say"
local stage = require "nylon_ring.test.stage"

local M = {}

-- How long the limit has to end it by itself: the report of what is awaited takes some time.
local GRACE = 1000

local TEXT = "nylon-ring test: %s, and does not suspend%s; Ctrl-C twice leaves, --isolate ends it\n"

local LEFT = "nylon-ring test: %s, nor soon after it: the run was left in the middle of it\n"

local function place()
    local spec = stage.spec()
    local trace = spec and spec.trace
    return trace and (": '%s' (%s:%d)"):format(spec.name, trace.short_src, trace.currentline) or ""
end

--- From now on, where the limits are being watched.
function M.watch()
    local line_end = say.is_terminal(2) and "\n" or "" -- after what busted shows of the specs before
    function deadlines.on_arm(ms, text, leave, why)
        process.watchdog(ms and ms + GRACE, ms and line_end .. TEXT:format(text, place()),
            leave, leave and line_end .. LEFT:format(why))
    end
end

return M
