--- A helper for busted: a spec that leaves something open fails, and says what; so does one whose
--- background task or callback failed, and a block or file for what its hooks and its own code did.
--- `nylon-ring test` uses it by itself, and a stock busted with
---
---     busted --lua=luajit --helper=nylon_ring.busted
---
--- How a spec is made to fail late: its end, and its own failures, are announced after the last `after_each`,
--- which is ours. A spec fails once, with all that is to be said.
---
---     before_each (root) ─▶ ... the spec ... ─▶ "test end", held back ─▶ ... ─▶ after_each (root)
---        look                                                              settle, tell, close
local accounts = require "nylon_ring.test.accounts"
local allowance = require "nylon_ring.test.allowance"
local busted = require "busted"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local leaks = require "nylon_ring.test.leaks"
local limits = require "nylon_ring.test.limits"
local luv_calls = require "nylon_ring.test.luv_calls"
local modules = require "nylon_ring.modules"
local nr = require "nylon_ring"
local stage = require "nylon_ring.test.stage"
local task = require "nylon_ring.task"
local uv = require "luv"

local M = {}

-- How often the loop may turn before something that is still open counts as left behind: closing takes
-- a turn, and so does a task's reaction to being cancelled.
local PATIENCE = 8

-- How many of the things that are left are told.
local SHOWN = 20

-- How many milliseconds luv's requests may take that a spec has not waited for.
local REQUESTS = 1000

local run = { account = accounts.new "the run" } -- what runs outside of files
local blocks = {}     -- of the file and its blocks, innermost last: { account, look }
local spec            -- the same of the spec that runs, with what is held back of it
local announcing      -- what was held back is let through

---@class nylon_ring.test.Work
---@field account nylon_ring.test.Account
---@field look nylon_ring.Look
---@field element? table busted's; nil before a spec begins
---@field ending? table the arguments of a spec's announced end
---@field failure? table kind, message and trace of what it failed with itself

local function innermost()
    return blocks[#blocks] or run
end

-- ---- Settling ----

-- The loop turns once. What raises meanwhile is a limit that is over, or the end of the run.
local function turn_loop(account)
    local ok, err = pcall(function()
        if core.running() then
            nr.sleep(0)
        else
            uv.run "nowait"
        end
    end)
    if not ok and not errors.is(err, "cancelled") then
        account:charge(tostring(err))
    end
end

-- luv's requests end by themselves; when they do should not decide on what a spec comes to.
local function await_requests(account)
    local function is_waiting()
        for request in pairs(luv_calls.requests()) do
            if account:covers(accounts.owner(request)) then
                return true
            end
        end
    end
    local start = uv.hrtime()
    while is_waiting() and (uv.hrtime() - start) / 1e6 < REQUESTS do
        turn_loop(account)
    end
end

--- What is still open, after everything that is on its way out had the time to go. The loop turns at
--- least once: luv crashes when a state is closed while a handle is still closing.
local function left_behind(work)
    turn_loop(work.account)
    await_requests(work.account)
    local left = leaks.since(work.look, work.account)
    for _ = 1, PATIENCE do
        if #left == 0 then
            break
        end
        collectgarbage()
        turn_loop(work.account)
        left = leaks.since(work.look, work.account)
    end
    return left
end

local function describe_leaks(left)
    if #left == 1 then
        return "left behind: " .. left[1].text
    end
    local lines = { "left behind:" }
    for index = 1, math.min(#left, SHOWN) do
        table.insert(lines, "  " .. left[index].text)
    end
    if #left > SHOWN then
        table.insert(lines, ("  ... and %d more"):format(#left - SHOWN))
    end
    return table.concat(lines, "\n")
end

-- The tasks that were made until now go on as nobody's: what they fail with is not raised where the specs'
-- own task happens to wait, but charged to their accounts.
local function let_go()
    local main = nr.current()
    if main then
        task.disown_children(main)
    end
end

--- Ends a piece of work: what it left is closed, so that the next one has nothing of it. A spec that failed
--- had no chance to clean up: that is not told.
---@param work nylon_ring.test.Work
---@return string[] complaints against it
local function settle(work)
    let_go()
    local account = work.account
    local left = left_behind(work)
    if #left > 0 and not work.failure and not allowance.is_allowed(work.element or stage.block()) then
        account:charge(describe_leaks(left))
    end
    account.over = true
    leaks.close(left, function()
        turn_loop(account)
    end)
    leaks.forget(left)
    account.told = true
    return account.errors
end

-- What runs from now on is charged to this account.
local function switch(account)
    let_go()
    accounts.enter(account)
end

-- ---- Blocks ----

local function begin_block(name)
    return function(element)
        local account = accounts.new(name(element), innermost().account)
        switch(account)
        table.insert(blocks, { account = account, look = leaks.look(), element = element })
        accounts.take_errors()
    end
end

local function tell_block(work)
    local element = work.element
    local parent = busted.parent(element)
    for _, complaint in ipairs(settle(work)) do
        busted.publish({ "error", element.descriptor }, element, parent, complaint, element.trace)
    end
end

local function end_block()
    tell_block(table.remove(blocks))
    switch(innermost().account)
end

-- A hook of a block has an account of its own, which the block answers for; what happens around a spec is the
-- spec's.
local function begin_hook(hook)
    if hook.kind ~= "before_each" and hook.kind ~= "after_each" then
        local block = run
        for _, each in ipairs(blocks) do
            block = each.element == hook.block and each or block
        end
        switch(accounts.part(hook.name, block.account))
    end
end

-- ---- Specs ----

local function begin_spec()
    local account = accounts.new("a before_each", innermost().account)
    switch(account)
    spec = { account = account, look = leaks.look() }
    accounts.take_errors()
end

local function name_spec(element)
    if spec and element.descriptor == "it" then
        spec.element = element
        spec.account.name, spec.account.is_spec = ("'%s'"):format(element.name), true
    end
end

--- Holds the end of a spec back until `finish_spec` announces it.
local function hold_end(element, parent, status)
    if element.descriptor == "it" and spec and not announcing then
        spec.ending = { element, parent, status }
        let_go()
        return false
    end
end

-- The same for what it fails with; of several failures the first is its outcome.
local function hold_failure(kind)
    return function(_, _, message, trace)
        if not spec or announcing then
            return nil, true
        elseif spec.failure then
            spec.account:charge(tostring(message))
        else
            spec.failure = { kind = kind, message = message, trace = trace }
        end
        return nil, false
    end
end

-- A failure's message, and after it the complaints that are not in it already: an assert may have shown one.
local function join(message, complaints)
    local parts = { message and tostring(message) }
    for _, complaint in ipairs(complaints) do
        if not (message and parts[1]:find(complaint, 1, true)) then
            table.insert(parts, complaint)
        end
    end
    return parts[1] and table.concat(parts, "\n")
end

-- All that is to be said of the spec, in one failure. Answers what kind of one; nil where there is none.
local function tell_failure(work, complaints, element, parent)
    local failure = work.failure or { kind = "failure", trace = element.trace }
    local message = join(failure.message, complaints)
    if message then
        busted.publish({ failure.kind, "it" }, element, parent, message, failure.trace)
        return failure.kind
    end
end

local function announce(work, complaints)
    local element, parent, status = unpack(work.ending, 1, 3)
    announcing = true
    local ok, kind = pcall(tell_failure, work, complaints, element, parent)
    busted.publish({ "test", "end" }, element, parent, not ok and "error" or kind or status)
    announcing = false
    if not ok then
        error(kind, 0)
    end
end

-- Where a before_each failed there is no end to announce; what else is to be said is the block's.
local function hand_on(complaints)
    for _, complaint in ipairs(complaints) do
        innermost().account:charge(complaint)
    end
end

local function finish_spec()
    local work = spec
    local untold = limits.take_untold(work.failure and work.failure.message)
    if untold then
        work.account:charge(untold)
    end
    local ok, complaints = pcall(settle, work)
    complaints = ok and complaints or { tostring(complaints) }
    spec = nil
    switch(innermost().account)
    if work.ending then
        announce(work, complaints)
    else
        hand_on(complaints)
    end
end

-- ---- Files ----

local function begin_file()
    modules.restore()
end

local function end_run()
    if #run.account.errors > 0 then
        for _, complaint in ipairs(run.account.errors) do
            busted.publish({ "error", "suite" }, { descriptor = "suite", name = "the run" }, nil, complaint)
        end
    end
    run = { account = accounts.new "the run" }
    accounts.enter(run.account)
end

require "nylon_ring.test.asserts"
require "nylon_ring.test.outputs"
leaks.trace()
modules.keep()
accounts.enter(run.account)
stage.watch()
stage.on("file start", begin_file)
stage.on("file start", begin_block(function()
    return "the file"
end))
stage.on("file end", modules.keep)
stage.on("file end", end_block)
stage.on("describe start", begin_block(function(element)
    return ("the block '%s'"):format(element.name or element.descriptor)
end))
stage.on("describe end", end_block)
stage.on("hook", begin_hook)
stage.on("test start", name_spec)
stage.on("test end", hold_end)
stage.on("suite end", end_run)
busted.subscribe({ "failure", "it" }, hold_failure "failure", { priority = 1 })
busted.subscribe({ "error", "it" }, hold_failure "error", { priority = 1 })
busted.before_each(begin_spec)
busted.after_each(finish_spec)

return M
