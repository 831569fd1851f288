--- A helper for busted: a spec that leaves something open fails, and says what; so does one whose
--- background task failed, and a file that leaves what its setup opened. `nylon-ring test` uses it by
--- itself, and a stock busted with
---
---     busted --lua=luajit --helper=nylon_ring.busted
---
--- How a spec is made to fail late: its end is announced after the last `after_each`, which is ours.
---
---     before_each (root) ─▶ ... the spec ... ─▶ "test end", held back ─▶ ... ─▶ after_each (root)
---        look                                                                     look again, tell
local busted = require "busted"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local leaks = require "nylon_ring.leaks"
local limits = require "nylon_ring.test.limits"
local nr = require "nylon_ring"
local tasks = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

-- How often the loop may turn before something that is still open counts as left behind: closing takes
-- a turn, and so does a task's reaction to being cancelled.
local PATIENCE = 8

local file_look, spec_look -- from before the present file and spec
local failures = {}        -- errors of background tasks that were not told yet, in words
local late_failures = {}   -- the same of tasks that were left by an earlier spec of the file
local held                 -- the arguments of a spec's announced end
local announcing           -- that end is let through

local function turn_loop()
    if core.running() then
        nr.sleep(0)
    else
        uv.run "nowait"
    end
end

--- What is still open, after everything that is on its way out had the time to go. The loop turns at
--- least once: luv crashes when a state is closed while a handle is still closing.
local function left_behind(before)
    turn_loop()
    local left = leaks.since(before)
    for _ = 1, PATIENCE do
        if #left == 0 then
            break
        end
        collectgarbage()
        turn_loop()
        left = leaks.since(before)
    end
    return left
end

--- What is to be said against the work that was done since a look.
local function complaints(before)
    -- Turning the loop raises what a task that the spec made failed with, and our own cancellation.
    local ok, left = pcall(left_behind, before)
    if not ok and not errors.is(left, "cancelled") then
        table.insert(failures, "a task failed in the background: " .. tostring(left))
    end
    local list = failures
    failures = {}
    table.insert(list, limits.take_untold())
    if ok and #left > 0 then
        table.insert(list, "left behind: " .. table.concat(left, "; "))
    end
    return list
end

local function collect_errors()
    nr.on_error(function(err, _, task)
        local who = task and tostring(task) or "a callback"
        local account = task and leaks.started_for(task)
        if account and account ~= leaks.account then
            table.insert(late_failures, ("%s, which '%s' started, failed after its end: %s"):format(
                who, account.name, tostring(err)))
        else
            table.insert(failures, ("%s failed in the background: %s"):format(who, tostring(err)))
        end
    end)
end

local function begin_spec()
    held = nil
    spec_look = leaks.look()
    leaks.account = { name = "a before_each" }
    collect_errors()
end

local function name_account(element)
    if element.descriptor == "it" then
        leaks.account.name = element.name
    end
    return nil, true
end

--- Ends the tasks that the spec left, so that the next one has nothing of them. What they fail with now is
--- told at the file's end.
local function end_tasks()
    leaks.account = nil
    for _, info in ipairs(nr.tasks()) do
        if not spec_look.tasks[info.task] then
            tasks.disown(info.task)
            info.task:cancel "the spec that started it is over"
        end
    end
    turn_loop()
end

--- Checks what the spec left, and announces its end. Where a before_each failed there is none to announce,
--- and the file is looked at instead.
local function finish_spec()
    if not held then
        leaks.account = nil
        return
    end
    local element, parent, status = unpack(held, 1, 3)
    for _, complaint in ipairs(complaints(spec_look)) do
        busted.publish({ "failure", "it" }, element, parent, complaint, element.trace)
        status = "failure"
        end_tasks()
        file_look = leaks.look() -- it was told now
    end
    if timers.by_hand() and not spec_look.clock then
        timers.by_hand():close()
    end
    leaks.account = nil
    announcing = true
    busted.publish({ "test", "end" }, element, parent, status)
    announcing = false
end

--- Holds the end of a spec back until `finish_spec` announces it.
local function hold(element, parent, status)
    if element.descriptor ~= "it" or announcing then
        return nil, true
    end
    held = { element, parent, status }
    return nil, false
end

local kept = {}

local function is_ours(name)
    return name:match "^nylon_ring%f[.%z]" or name == "luv" or name == "ffi" or name:match "^cjson%f[.%z]"
end

--- busted drops the modules that a file loaded. Those with a state in C must not be loaded twice.
local function keep_modules()
    for name, module in pairs(package.loaded) do
        if type(name) == "string" and is_ours(name) then
            kept[name] = module
        end
    end
end

local function restore_modules()
    for name, module in pairs(kept) do
        package.loaded[name] = package.loaded[name] or module
    end
end

local function begin_file()
    restore_modules()
    file_look = leaks.look()
    collect_errors()
    return nil, true
end

local function finish_file(file, parent)
    keep_modules()
    local list = complaints(file_look)
    for _, late in ipairs(late_failures) do
        table.insert(list, late)
    end
    late_failures = {}
    for _, complaint in ipairs(list) do
        busted.publish({ "error", "file" }, file, parent, complaint, {})
    end
    return nil, true
end

require "nylon_ring.test.asserts"
require "nylon_ring.test.outputs"
leaks.trace()
keep_modules()
busted.subscribe({ "file", "start" }, begin_file, { priority = 1 })
busted.subscribe({ "file", "end" }, finish_file, { priority = 1 })
busted.subscribe({ "test", "start" }, name_account, { priority = 1 })
busted.subscribe({ "test", "end" }, hold, { priority = 1 })
busted.before_each(begin_spec)
busted.after_each(finish_spec)

return M
