--- Limits in time for what `nylon-ring test` runs: each spec, each hook, what blocks do beside them, each
--- file and the suite. Where one is over, the wait that the specs' task is in raises a report of what
--- everybody awaits. What does not suspend cannot be ended so; it fails once it is over.
---
---     file start ── its code ── setup ── before_each ── test start ── spec ── test end ── after_each ── ...
---     each stretch has its own limit; who goes on waiting after it is told again, one limit later
local accounts = require "nylon_ring.test.accounts"
local crossings = require "nylon_ring.test.crossings"
local nr = require "nylon_ring"
local stage = require "nylon_ring.test.stage"
local suspend = require "nylon_ring.task.suspend"
local timers = require "nylon_ring.timers"
local trace = require "nylon_ring.trace"
local uv = require "luv"
local waits = require "nylon_ring.test.waits"

local M = {}

--- The limit of a spec, where nothing else is said.
M.DEFAULT = 5000

---@class nylon_ring.test.Limits
---@field spec integer milliseconds; 0: none, as for the others
---@field file integer
---@field suite integer
---@field keep_going boolean a failure is not the end of the run

local LATE = "%s did not end within %d ms"
local BLOCKED = "%s took %d ms, its limit is %d ms: it could not be ended there, because it did not suspend"

local limits, core, main        -- given to `start`
local timer                     -- does not keep the loop alive, so that a deadlock is still seen at once
local stretch                   -- { what, limit, began, due } that runs now
local file_due, suite_due       -- in loop time; nil: none, or told already
local skipping                  -- "file" or "suite": what was not begun of it is left out
local others = {}               -- tasks that were there before this spec and its hooks
local untold                    -- a report that nothing has failed with yet
local own = setmetatable({}, { __mode = "k" }) -- limits that blocks have set
local since = 0                 -- when the stretch that runs now began, as events have it

local expire

-- A script may walk the loop and close everything.
local function usable_timer()
    if not timer or timer:is_closing() then
        timer = uv.new_timer()
        timer:unref()
        timers.own(timer)
    end
    return timer
end

--- Hears in how many milliseconds a limit is over, and which, whenever that changes; without, there is none.
--- What does not suspend is not ended by it: that is for whoever sets this.
---@type fun(ms?: integer, text?: string)
function M.on_arm() end

local function suite_late()
    return LATE:format("the suite", limits.suite) .. " (--suite-timeout)"
end

local function file_late()
    return LATE:format("the file", limits.file) .. " (--file-timeout)"
end

local function stretch_late()
    return LATE:format(stretch.what, stretch.limit)
end

-- When the next limit is over, and its text.
local function next_due()
    local due, text = math.huge, nil
    if stretch then
        due, text = stretch.due, stretch_late()
    end
    if file_due and file_due < due then
        due, text = file_due, file_late()
    end
    if suite_due and suite_due < due then
        due, text = suite_due, suite_late()
    end
    return due, text
end

local function arm()
    local due, text = next_due()
    if due == math.huge then
        usable_timer():stop()
        return M.on_arm()
    end
    uv.update_time()
    local ms = math.max(due - uv.now(), 1)
    usable_timer():start(ms, 0, expire)
    M.on_arm(ms, text)
end

local function due_in(limit)
    uv.update_time()
    return limit > 0 and uv.now() + limit or nil
end

-- A limit that was over with nobody on the loop to see it.
local function leave()
    uv.update_time()
    if stretch and uv.now() >= stretch.due then
        local text = BLOCKED:format(stretch.what, uv.now() - stretch.began, stretch.limit)
        accounts.current():charge(text)
    end
    stretch = nil
end

local function enter(what, limit)
    leave()
    since = uv.hrtime() / 1e6
    if limit > 0 then
        stretch = { what = what, limit = limit, began = uv.now(), due = due_in(limit) }
    end
    arm()
end

local function skip(what)
    skipping = what
    core.skipAll = true
end

-- Which limit is over: its text and length. The larger ones are told once.
local function over()
    local now = uv.now()
    if suite_due and now >= suite_due then
        suite_due = nil
        skip "suite"
        return suite_late()
    elseif file_due and now >= file_due then
        file_due = nil
        skip(skipping or "file")
        return file_late()
    elseif stretch and now >= stretch.due then
        stretch.due = now + stretch.limit
        return stretch_late()
    end
end

function expire()
    local text = over()
    if text then
        untold = waits.report(text, main, others, since)
        suspend.interrupt(main, untold)
    end
    arm()
end

--- Nothing is left on the loop that could wake the specs' task: fails what it runs. False where that task
--- does not wait.
---@return boolean
function M.deadlock()
    local text = "nothing is left that could end this wait"
    local clock = timers.by_hand()
    if clock and clock:pending() > 0 then
        text = ("%s: the clock of nr.test stands still, and %s for clock:advance"):format(text,
            clock:pending() == 1 and "one timer waits" or clock:pending() .. " timers wait")
    end
    return suspend.interrupt(main, waits.report(text, main, others, since))
end

--- A report that the code which it was raised at may have caught; nil where a failure was told since.
---@param told string|nil what is about to be told
---@return string|nil
function M.take_untold(told)
    local report = untold
    untold = nil
    return report and not (told and told:find(report, 1, true)) and report or nil
end

local function limit_of(element)
    while element do
        if own[element] then
            return own[element]
        end
        element = require("busted").parent(element)
    end
    return limits.spec
end

local function beside()
    local what = ("what %s does beside its hooks and specs"):format(stage.block_name(stage.block()))
    enter(what, limit_of(stage.block()))
end

--- Sets the limit of the spec that runs; inside of a `describe` or a file, of all its specs.
---@param ms integer 0: none
function M.limit(ms)
    if type(ms) ~= "number" or ms ~= ms or ms < 0 then
        error("nr.test.limit takes milliseconds, or 0 for no limit", 2)
    elseif not limits then
        return -- a stock busted, where specs are no tasks
    elseif stage.spec() then
        enter("the spec", ms)
    elseif stage.block() then
        own[stage.block()] = ms
        beside()
    end
end

local function note_tasks()
    others = {}
    for _, info in ipairs(nr.tasks()) do
        others[info.task] = true
    end
end

local on = {}

on["suite start"] = function()
    suite_due = due_in(limits.suite)
    arm()
end

on["file start"] = function()
    note_tasks()
    file_due = due_in(limits.file)
    beside()
end

on["file end"] = function()
    file_due = nil
    if skipping == "file" then
        skipping, core.skipAll = nil, not limits.keep_going
    end
    beside()
end

on["describe start"], on["describe end"] = beside, beside

on["hook"] = function(hook)
    enter(hook.name, limit_of(stage.block()))
end

on["test start"] = function(element)
    enter("the spec", limit_of(element))
end

on["test end"] = function()
    note_tasks()
    beside()
end

on["suite end"] = function()
    leave()
    suite_due = nil
    arm()
end

-- Before others hear of the event: what has blocked is charged to what it was.
for event, handle in pairs(on) do
    stage.on(event, function(...)
        if limits then
            handle(...)
        end
    end)
end

-- The runner sets `skipAll` anew at every failure, before this.
local function keep_skipping()
    untold = nil
    if skipping then
        core.skipAll = true
    end
    return nil, true
end

--- Watches what busted runs, from the task that runs it.
---@param busted table its core
---@param chosen nylon_ring.test.Limits
function M.start(busted, chosen)
    core, limits, main = busted, chosen, nr.current()
    trace.default = crossings.KEPT
    stage.watch()
    core.subscribe({ "error" }, keep_skipping)
    core.subscribe({ "failure" }, keep_skipping)
end

--- Ends all limits: the run is being given up.
function M.stop()
    stretch, suite_due, file_due, skipping = nil, nil, nil, nil
    arm()
end

return M
