--- Who has started what. Everything that busted runs (a spec, a hook, a block's or the file's own code) has
--- an account; tasks, luv callbacks, handles and streams belong to the one of what made them, also where that
--- happens later, in a task or callback. What fails in the background is charged there, whatever runs then.
---
---     the run ◀── the file ◀── block 'x' ◀── setup of 'x'
---                                   ▲─────── 'a spec'
local errors = require "nylon_ring.errors"
local nr = require "nylon_ring"
local report = require "nylon_ring.report"
local task = require "nylon_ring.task"
local waits = require "nylon_ring.test.waits"

local M = {}

---@class nylon_ring.test.Account
---@field name string as messages have it
---@field parent? nylon_ring.test.Account
---@field errors string[] what is to be said, as it came
---@field is_spec? boolean
---@field over boolean what it is for has ended
---@field told boolean nothing is added any more: the parent answers for it
local Account = {}
Account.__index = Account

local owners = setmetatable({}, { __mode = "k" })
local places = setmetatable({}, { __mode = "k" })
local in_callback -- the account of the luv callback that runs, unless that runs a task

---@param name string
---@param parent? nylon_ring.test.Account
---@return nylon_ring.test.Account
function M.new(name, parent)
    return setmetatable({ name = name, parent = parent, errors = {}, over = false, told = false }, Account)
end

--- One that is charged through its parent.
---@param name string
---@param parent nylon_ring.test.Account
---@return nylon_ring.test.Account
function M.part(name, parent)
    local account = M.new(name, parent)
    account.told = true
    return account
end

local current = M.new "the run"

--- From now on what busted's own task does goes on this account.
---@param account nylon_ring.test.Account
function M.enter(account)
    current = account
end

---@return nylon_ring.test.Account of what busted runs
function M.current()
    return current
end

--- The account of the running code.
---@return nylon_ring.test.Account
function M.running()
    local now = task.current()
    if now then
        return owners[now] or current
    end
    return in_callback or current
end

--- Whether this is the other one, or an account that it comes from.
---@param other nylon_ring.test.Account
---@return boolean
function Account:covers(other)
    while other and other ~= self do
        other = other.parent
    end
    return other ~= nil
end

--- Puts something on the account of the running code.
---@param thing any
function M.note(thing)
    owners[thing], places[thing] = M.running(), waits.here()
end

---@return nylon_ring.test.Account|nil
function M.owner(thing)
    return owners[thing]
end

---@return string|nil place "file:line" of the script that made it
function M.place(thing)
    return places[thing]
end

-- ---- Errors ----

--- Adds what is to be said.
---@param text string
function Account:charge(text)
    local open = self
    while open.told and open.parent do
        open = open.parent
    end
    table.insert(open.errors, text)
end

local function describe(account, err, traceback, failed)
    local who = failed and waits.task_name(failed) or "a callback"
    if traceback == "" and errors.is(err) and err.plugin then -- told, and not raised: by a replay
        if account.is_spec and not account.over then
            return report.text_of(err)
        end
        who = ("plugin '%s'"):format(err.plugin)
    end
    if account.over or not account.is_spec then
        who = ("%s, which %s started,"):format(who, account.name)
    end
    local when = account.over and "after its end" or "in the background"
    local lines = { ("%s failed %s: %s"):format(who, when, report.text_of(err)) }
    for _, line in ipairs(waits.script_lines(traceback)) do
        table.insert(lines, "  " .. line)
    end
    return table.concat(lines, "\n")
end

local function take_error(err, traceback, failed)
    local account = failed and owners[failed] or M.running()
    account:charge(describe(account, err, traceback, failed))
end

--- Background errors are charged from now on. A script may have set another handler.
function M.take_errors()
    nr.on_error(take_error)
end

-- ---- Callbacks ----

local function end_callback(outer, ok, ...)
    in_callback = outer
    if ok then
        return ...
    end
end

local function deliver(err)
    report.deliver(err, debug.traceback("", 2))
end

--- A function that runs on the account of the running code, whenever it is called.
---@param fn function
---@return function
function M.bound(fn)
    local account = M.running()
    return function(...)
        local outer = in_callback
        in_callback = account
        return end_callback(outer, xpcall(fn, deliver, ...))
    end
end

return M
