--- Limits in time for what `nylon-ring test` runs: each spec, each hook, what blocks do beside them, each
--- file and the suite. Where one is over, the wait that the specs' task is in raises a report of what
--- everybody awaits, and so does every later one of the same stretch, until that has failed. What does not
--- suspend cannot be ended so; it fails once it is over.
---
---     file start ── its code ── setup ── before_each ── test start ── spec ── test end ── after_each ── ...
---     each stretch has its own limit; what goes on after it (`nr.shield`, `finally`) is told again, one
---     limit later
local accounts = require "nylon_ring.test.accounts"
local deadlines = require "nylon_ring.test.deadlines"
local misuse = require "nylon_ring.misuse"
local nr = require "nylon_ring"
local stage = require "nylon_ring.test.stage"
local suspend = require "nylon_ring.task.suspend"
local task = require "nylon_ring.task"
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

local limits = { spec = M.DEFAULT, file = 0, suite = 0 }
local core                      -- given to `start`; nil where specs are no tasks, but for bodies that are run
local main                      -- the task that runs the specs, or such a body
local skipping                  -- "file" or "suite": what was not begun of it is left out
local others = {}               -- tasks that were there before this spec and its hooks
local untold                    -- a report that nothing has failed with yet
local own = setmetatable({}, { __mode = "k" }) -- limits that blocks have set
local since = 0                 -- when the stretch that runs now began, as events have it

-- What is over and was not seen to be is charged to what it was.
local function charge(text)
    if text then
        accounts.current():charge(text)
    end
end

--- What was told of has failed: what comes after it, a `finally` for example, may wait again.
function M.let_wait()
    if main then
        task.bar(main, nil)
    end
end

local function enter(what, limit)
    M.let_wait()
    since = uv.hrtime() / 1e6
    charge(deadlines.set("stretch", what, limit))
end

function deadlines.on_over(kind, text)
    if kind ~= "stretch" and skipping ~= "suite" then
        skipping, core.skipAll = kind, true
    end
    untold = waits.report(text, main, others, since)
    task.bar(main, untold) -- what catches it and tries again would never end
    if not suspend.interrupt(main, untold) and main._ended then
        main:cancel(text) -- it waits for what it made
    end
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
        misuse "nr.test.limit takes milliseconds, or 0 for no limit"
    end
    stage.watch()
    local unwatched = not core and not stage.hook() -- a runner of which nothing is known but what it runs
    if main and (stage.spec() or unwatched) then
        charge(deadlines.set("stretch", "the spec", ms))
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
    deadlines.set("suite", "the suite", limits.suite, "--suite-timeout")
end

on["file start"] = function()
    note_tasks()
    deadlines.set("file", "the file", limits.file, "--file-timeout")
    beside()
end

on["file end"] = function()
    charge(deadlines.drop "file")
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
    charge(deadlines.drop "stretch")
    charge(deadlines.drop "suite")
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

--- The running task begins the body of a spec or hook, where the runner of specs is none.
function M.begin_body()
    local hook = stage.hook()
    main = nr.current()
    note_tasks()
    enter(hook and hook.name or "the spec", limit_of(stage.spec() or stage.block()))
end

--- The body is over.
---@return string|nil late what its limit has to say about it
function M.end_body()
    local blocked, told = deadlines.drop "stretch", untold
    main, untold = nil, nil
    return told or blocked
end

--- Ends all limits: the run is being given up.
function M.stop()
    skipping = nil
    for _, kind in ipairs { "stretch", "file", "suite" } do
        deadlines.drop(kind)
    end
end

return M
