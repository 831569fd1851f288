--- Limits in time for what `nylon-ring test` runs: each spec, each hook, what blocks do beside them, each
--- file and the suite. Where one is over, the wait that the specs' task is in raises a report of what
--- everybody awaits. What does not suspend cannot be ended so; it fails once it is over.
---
---     file start ── its code ── setup ── before_each ── test start ── spec ── test end ── after_each ── ...
---     each stretch has its own limit; who goes on waiting after it is told again, one limit later
local accounts = require "nylon_ring.test.accounts"
local nr = require "nylon_ring"
local report = require "nylon_ring.report"
local stage = require "nylon_ring.test.stage"
local suspend = require "nylon_ring.task.suspend"
local timers = require "nylon_ring.timers"
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

local limits = { spec = M.DEFAULT, file = 0, suite = 0 }
local core                      -- given to `start`; nil where specs are no tasks, but for those of `run`
local main                      -- the task that runs the specs
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

-- Ends a stretch. Answers what is to be said where its limit was over with nobody on the loop to see it.
local function close_stretch()
    local last = stretch
    stretch = nil
    uv.update_time()
    if last and uv.now() >= last.due then
        return BLOCKED:format(last.what, uv.now() - last.began, last.limit)
    end
end

local function leave()
    local text = close_stretch()
    if text then
        accounts.current():charge(text)
    end
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
        if not suspend.interrupt(main, untold) and main._ended then
            main:cancel(text) -- it waits for what it made
        end
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
    local text = untold
    untold = nil
    return text and not (told and told:find(text, 1, true)) and text or nil
end

local function limit_of(element)
    return stage.setting(own, element) or limits.spec
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
    end
    stage.watch()
    local unwatched = not core and not stage.hook() -- a runner of which nothing is known but what it runs
    if main and (stage.spec() or unwatched) then
        enter("the spec", ms)
    elseif stage.spec() then
        return -- a stock busted's, which is no task
    elseif stage.block() then
        own[stage.block()] = ms
        if core then
            beside()
        end
    else
        limits.spec = ms -- a file that had begun before anything was watched
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
        if core then
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
    stage.watch()
    core.subscribe({ "error" }, keep_skipping)
    core.subscribe({ "failure" }, keep_skipping)
end

-- What was raised in a body, with the body's place where it has none: busted would take ours.
local function placed(err, place)
    local kind = (debug.getmetatable(err) or {}).__type -- of what busted's own functions raise
    if kind == "pending" then
        err.message = ("%s: %s"):format(place, tostring(err.message))
    end
    local text = report.text_of(err)
    if kind == "pending" or kind == "failure" or text:find "^[^\n]-:%d+: " then
        return err
    end
    return ("%s: %s"):format(place, text)
end

-- What a body came to that was run as a task, and what its limit has to say about it.
local function finish(place, ok, ...)
    local blocked, told = close_stretch(), untold
    main, untold = nil, nil
    arm()
    if not ok then
        error(placed((...), place), 0)
    elseif told or blocked then
        error(placed(told or blocked, place), 0)
    end
    return ...
end

--- Runs the body of a spec or hook as a task, with its limit, where the runner of specs is none.
---@param body fun(...): ...
---@param ... any
---@return any ...
function M.run(body, ...)
    local hook, info = stage.hook(), debug.getinfo(body, "S")
    return finish(("%s:%d"):format(info.short_src, info.linedefined), pcall(nr.run, function(...)
        main = nr.current()
        note_tasks()
        enter(hook and hook.name or "the spec", limit_of(stage.spec() or stage.block()))
        return body(...)
    end, ...))
end

--- Ends all limits: the run is being given up.
function M.stop()
    stretch, suite_due, file_due, skipping = nil, nil, nil, nil
    arm()
end

return M
