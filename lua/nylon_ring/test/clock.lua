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
-- plugin's unload go by the real one.

local accounts = require "nylon_ring.test.accounts"
local core = require "nylon_ring.core"
local await = require "nylon_ring.await"
local timers = require "nylon_ring.timers"

local ceil = math.ceil

local M = {}

---@class nylon_ring.test.Clock
---@field private _now integer
---@field private _seq integer
---@field private _entries nylon_ring.Timer[] by when they are due
local Clock = {}
Clock.__index = Clock

---Installs a clock that stands still until it is moved. Close it at the spec's end.
---@return nylon_ring.test.Clock
function M.clock()
    if timers.by_hand() then
        error("there is a clock that is moved by hand already: close it first", 2)
    end
    local clock = setmetatable({ _now = 0, _seq = 0, _entries = {} }, Clock)
    timers.follow(clock)
    accounts.note(clock)
    return clock
end

---Sets a timer; for `nylon_ring.timers`.
---@param ms number
---@param fire fun()
---@return nylon_ring.Timer
function Clock:after(ms, fire)
    self._seq = self._seq + 1
    local entry = { due = self._now + ceil(ms), seq = self._seq, fire = fire, by_hand = true }
    local place = #self._entries + 1
    while place > 1 and self._entries[place - 1].due > entry.due do
        place = place - 1
    end
    table.insert(self._entries, place, entry)
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

-- Lets the tasks run that were woken, and what they wake.
local function settle()
    if core.running() then
        await.sleep(0)
    end
end

-- Fires all that is due now and was set before.
local function fire_due(clock)
    local last = clock._seq
    local entry = first(clock)
    while entry and entry.due <= clock._now and entry.seq <= last do
        local fire = entry.fire
        entry.fire = nil
        fire()
        entry = first(clock)
    end
    settle()
end

---Moves the clock. What is due on the way fires in its order, each at its own time, and the tasks that it
---wakes run before the next does.
---@async
---@param ms number
function Clock:advance(ms)
    if type(ms) ~= "number" or ms ~= ms or ms < 0 then
        error("clock:advance takes milliseconds, 0 or more", 2)
    end
    local target = self._now + ms
    settle()
    local entry = first(self)
    while entry and entry.due <= target do
        self._now = math.max(self._now, entry.due)
        fire_due(self)
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

---@return number ms how far it was moved
function Clock:now()
    return self._now
end

---@return integer how many timers wait for it
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
