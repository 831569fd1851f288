--- The end of a piece of work, a spec or a block: what is on its way out has the time to go, and what is left
--- is charged to its account and closed.
local accounts = require "nylon_ring.test.accounts"
local allowance = require "nylon_ring.test.allowance"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local leaks = require "nylon_ring.test.leaks"
local luv_calls = require "nylon_ring.test.luv_calls"
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

---@class nylon_ring.test.Work
---@field account nylon_ring.test.Account
---@field look nylon_ring.test.Look
---@field element? table busted's; nil before a spec begins
---@field ending? table the arguments of a spec's announced end
---@field failure? table kind, message and trace of what it failed with itself

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

--- The tasks that were made until now go on as nobody's: what they fail with is not raised where the specs'
--- own task happens to wait, but charged to their accounts.
function M.let_go()
    local main = nr.current()
    if main then
        task.disown_children(main)
    end
end

-- A spec that failed, or is pending, had no chance to clean up.
local function was_cut_short(work)
    return work.failure or work.ending and work.ending[3] == "pending"
end

--- Ends a piece of work: what it left is closed, so that the next one has nothing of it. Where it was cut
--- short that is not told.
---@param work nylon_ring.test.Work
---@return string[] complaints against it
function M.finish(work)
    M.let_go()
    local account = work.account
    local left = left_behind(work)
    if #left > 0 and not was_cut_short(work) and not allowance.is_allowed(work.element or stage.block()) then
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

return M
