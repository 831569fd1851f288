-- A clock that is moved by hand. Sleeps, timeouts, deadlines and delays that begin while it is installed
-- follow it, so that a spec about seconds takes none.
--
--     local clock = nr.test.clock()
--     local task = nr.spawn(function() nr.sleep(5000) return "up" end)
--     clock:advance(5000)
--     assert.equal("up", task:join())
--     clock:close()
--
-- It moves only Lua's own time: `nr.sleep(0)`, luv's timers, plugins' threads, and the grace of a native
-- plugin's unload go by the real one. What is due fires one after the other, and in between all that can
-- run without time going on does: tasks that are woken and those that they wake, `nr.sleep(0)`, and calls of
-- native plugins and requests of luv, whose answers are waited for, for some real time.

local accounts = require "nylon_ring.test.accounts"
local await = require "nylon_ring.await"
local core = require "nylon_ring.core"
local luv_calls = require "nylon_ring.test.luv_calls"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local ceil = math.ceil

local M = {}

-- How many milliseconds of real time the clock stands still for an answer, in all.
local PATIENCE = 100

-- How many turns of the loop it stands still for tasks that sleep 0, which may do so for ever.
local TURNS = 1000

-- How many timers are kept before the cancelled ones among them are thrown out.
local ROOM = 64

---@class nylon_ring.test.Clock
---@field private _now integer
---@field private _entries nylon_ring.Timer[] by when they are due
---@field private _room integer how many of them are kept, cancelled ones too, before those are thrown out
---@field private _waited table<any, number> for how long it stood still for an answer, by sid or request
local Clock = {}
Clock.__index = Clock

---Installs a clock that stands still until it is moved. Close it at the spec's end.
---@return nylon_ring.test.Clock
function M.clock()
    if timers.by_hand() then
        error("there is a clock that is moved by hand already: close it first", 2)
    end
    local clock = setmetatable({ _now = 0, _entries = {}, _room = ROOM, _waited = {} }, Clock)
    timers.follow(clock)
    accounts.note(clock)
    return clock
end

---Measures time from now on, by the clock that is moved by hand where there is one, else by the loop; by the
---same one to the end, whatever comes and goes meanwhile.
---@return fun(): number elapsed milliseconds
---@return async fun(ms: number) pass lets time go on: what has happened by then was seen by the tasks
function M.stopwatch()
    local clock = timers.by_hand()
    local function now()
        uv.update_time()
        return clock and clock:now() or uv.now()
    end
    local start = now()
    return function()
        return now() - start
    end, function(ms)
        if clock then
            clock:advance(ms)
        else
            await.sleep_on_loop(ms)
        end
    end
end

-- Throws the cancelled ones out when there are twice as many as there were live ones last.
local function compact(clock)
    if #clock._entries < clock._room then
        return
    end
    local live = {}
    for _, entry in ipairs(clock._entries) do
        live[#live + 1] = entry.fire and entry or nil
    end
    clock._entries, clock._room = live, 2 * #live + ROOM
end

-- After all that are due by then.
local function place_of(entries, due)
    local from, to = 1, #entries + 1
    while from < to do
        local middle = math.floor((from + to) / 2)
        if entries[middle].due > due then
            to = middle
        else
            from = middle + 1
        end
    end
    return from
end

---Sets a timer; for `nylon_ring.timers`.
---@param ms number
---@param fire fun()
---@return nylon_ring.Timer
function Clock:after(ms, fire)
    local entry = { due = self._now + ceil(ms), fire = fire, by_hand = true }
    compact(self)
    table.insert(self._entries, place_of(self._entries, entry.due), entry)
    return entry
end

-- Throws out the first ones that were cancelled; answers the first that was not.
local function first(clock)
    local entries = clock._entries
    while entries[1] and not entries[1].fire do
        table.remove(entries, 1)
    end
    return entries[1]
end

-- The answers that are on their way and may be waited for.
local function awaited(clock)
    local list = {}
    local function add(key)
        if (clock._waited[key] or 0) < PATIENCE then
            list[#list + 1] = key
        end
    end
    if core.pending() > 0 then
        for _, each in task.each() do
            local _, _, sid = core.waiting(each._co)
            if sid then
                add(sid)
            end
        end
    end
    for request in pairs(luv_calls.requests()) do
        add(request)
    end
    return list
end

-- Lets the tasks run that were woken, and what they wake.
local function run_tasks()
    for _ = 1, TURNS do
        await.sleep_on_loop(0)
        if not timers.is_due() then
            return
        end
    end
end

-- Waits a bit for answers; the first ones come at once. False where there is none to be waited for.
local function await_answers(clock)
    local keys = awaited(clock)
    if #keys == 0 then
        return false
    end
    local start = uv.hrtime()
    await.sleep_on_loop((clock._waited[keys[1]] or 0) < 1 and 0 or 1)
    for _, key in ipairs(keys) do
        clock._waited[key] = (clock._waited[key] or 0) + (uv.hrtime() - start) / 1e6
    end
    return true
end

-- Lets all run that can without the clock.
local function settle(clock)
    if core.running() then
        repeat
            run_tasks()
        until not await_answers(clock)
    end
end

---Moves the clock. What is due on the way fires in its order, each at its own time. Before it moves, and
---after each, everything runs that needs no time; the answers of native plugins and of luv's requests are
---waited for, each for 100 ms of real time at most.
---@async
---@param ms number
function Clock:advance(ms)
    if type(ms) ~= "number" or ms ~= ms or ms < 0 then
        error("clock:advance takes milliseconds, 0 or more", 2)
    end
    local target = self._now + ms
    settle(self)
    local entry = first(self)
    while entry and entry.due <= target do
        local fire = entry.fire
        self._now, entry.fire = math.max(self._now, entry.due), nil
        fire()
        settle(self)
        entry = first(self)
    end
    self._now = target
end

---Moves the clock to what is due next, and fires it.
---@async
---@return number|nil ms how far that was; nil where nothing waits for the clock
function Clock:next()
    local entry = first(self)
    if not entry then
        return nil
    end
    local ms = entry.due - self._now
    self:advance(ms)
    return ms
end

---The time that it shows.
---@return number ms how far it was moved
function Clock:now()
    return self._now
end

---How much waits for it.
---@return integer how many timers
function Clock:pending()
    local count = 0
    for _, entry in ipairs(self._entries) do
        count = count + (entry.fire and 1 or 0)
    end
    return count
end

---Takes the clock away. What still waits for it goes on in real time, with what is left of its time.
function Clock:close()
    if timers.by_hand() ~= self then
        return
    end
    timers.follow(nil)
    for _, entry in ipairs(self._entries) do
        if entry.fire then
            timers.set(entry, entry.due - self._now)
        end
    end
    self._entries = {}
end

return M
