--- By when what runs is to be over: the stretch that runs now (a spec, a hook, what lies between), the file
--- and the suite. One luv timer for them, which does not keep the loop alive, so that a deadlock is still
--- seen at once.
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

local LATE = "%s did not end within %d ms%s"
local BLOCKED = "%s took %d ms, its limit is %d ms: it could not be ended there, because it did not suspend"

---@alias nylon_ring.test.DeadlineKind "stretch"|"file"|"suite"

-- The larger ones first: what is over with them needs no telling of its own.
local KINDS = { "suite", "file", "stretch" }

---@class nylon_ring.test.Deadline
---@field what string as messages have it
---@field limit number milliseconds
---@field began number in loop time
---@field due number
---@field text string what is said when it is over

---@type table<nylon_ring.test.DeadlineKind, nylon_ring.test.Deadline>
local open = {}
local leaving -- of the suite: `due` and `text`, until it has ended
local timer

--- How many milliseconds what runs has for its end after the limit of the suite.
local LEAVE = 5000

--- Hears in how many milliseconds one is over, and what is said then, whenever that changes; without, there
--- is none. What does not suspend is not ended by it: that is for whoever sets this. Hears also when the run
--- is to be left, whatever it does then, and why.
---@type fun(ms?: integer, text?: string, leave?: integer, leave_text?: string)
function M.on_arm() end

--- Hears that one is over.
---@type fun(kind: nylon_ring.test.DeadlineKind, text: string)
function M.on_over() end

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

local function next_due()
    local first
    for _, kind in ipairs(KINDS) do
        local each = open[kind]
        if each and (not first or each.due <= first.due) then
            first = each
        end
    end
    return first
end

local function arm()
    local first = next_due()
    if not first then
        usable_timer():stop()
    end
    uv.update_time()
    local now = uv.now()
    local ms = first and math.max(first.due - now, 1)
    if first then
        usable_timer():start(ms, 0, expire)
    end
    M.on_arm(ms, first and first.text, leaving and math.max(leaving.due - now, 1), leaving and leaving.text)
end

-- Takes one that is over: it is told again, one limit later, but the suite's, for which no more begins.
local function take_over()
    local now = uv.now()
    for _, kind in ipairs(KINDS) do
        local each = open[kind]
        if each and now >= each.due then
            each.due = now + each.limit
            open[kind] = kind ~= "suite" and each or nil
            return kind, each.text
        end
    end
end

function expire()
    local kind, text = take_over()
    if kind then
        M.on_over(kind, text)
    end
    arm()
end

--- Sets one, in place of the one of its kind. Answers what is to be said of that, where it was over with
--- nobody on the loop to see it.
---@param kind nylon_ring.test.DeadlineKind
---@param what string as messages have it
---@param limit number milliseconds; 0, or without an end: there is none
---@param option? string which sets it
---@return string|nil
function M.set(kind, what, limit, option)
    uv.update_time()
    local before, now = open[kind], uv.now()
    open[kind] = limit > 0 and limit < math.huge and {
        what = what,
        limit = limit,
        began = now,
        due = now + limit,
        text = LATE:format(what, limit, option and (" (%s)"):format(option) or ""),
    } or nil
    if kind == "suite" then
        leaving = open.suite and { due = now + limit + LEAVE, text = open.suite.text }
    end
    arm()
    if before and now >= before.due then
        return BLOCKED:format(before.what, now - before.began, before.limit)
    end
end

--- Takes one back. Answers as `set` does.
---@param kind nylon_ring.test.DeadlineKind
---@return string|nil
function M.drop(kind)
    return M.set(kind, "", 0)
end

return M
