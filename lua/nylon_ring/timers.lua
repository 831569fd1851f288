-- One libuv timer for all sleeps and deadlines of this Lua state: a heap of what is due, so that 10,000
-- tasks that sleep are 10,000 small tables and not as many handles.
--
-- What is due at once is served by an idle handle, in the loop's next turn: libuv runs a timer of 0
-- that is set inside a timer's callback in the same turn, for ever. Both handles are luv's own and can
-- be closed by a script that walks the loop; they are looked at before every use, and when the bridge
-- found its own closed, and made anew. They keep the loop alive only while something is due.
--
-- A clock that is moved by hand (test/clock.lua) takes what is set while it is installed; what is due at
-- once stays with the loop.
--
-- A finalizer may run wherever memory is allocated, also in here: it sets no timer, but links an entry that
-- was made before into a list (`defer`), and the loop's next turn serves that.

local core = require "nylon_ring.core"
local report = require "nylon_ring.report"
local uv = require "luv"

local ceil, max, min = math.ceil, math.max, math.min

-- What is further away (`math.huge` too) is looked at again after so many milliseconds.
local LONGEST = 2 ^ 31

local M = {}

---@class nylon_ring.Timer
---@field due integer in the loop's time
---@field seq integer breaks ties, so that equal times fire in the order of their start
---@field fire? fun() nil: cancelled or fired
---@field by_hand? boolean a clock's, and not in the heap
---@field before? nylon_ring.Timer|false that was deferred before it

---@type nylon_ring.Timer[]
local heap = {}
local size, live, seq = 0, 0, 0
local timer, idle, armed_for
local waker, deferred -- an async handle; the last entry of the list, each has the one `before` it
local others = setmetatable({}, { __mode = "k" }) -- handles of the house that are not for this heap
local by_hand

local function usable(handle)
    return handle and not handle:is_closing()
end

local function before(a, b)
    return a.due < b.due or (a.due == b.due and a.seq < b.seq)
end

local function sift_up(entry)
    local index = size
    while index > 1 do
        local parent = (index - index % 2) / 2
        if not before(entry, heap[parent]) then
            break
        end
        heap[index] = heap[parent]
        index = parent
    end
    heap[index] = entry
end

local function sift_down(entry, index)
    while true do
        local least = index * 2
        if least > size then
            break
        end
        if least < size and before(heap[least + 1], heap[least]) then
            least = least + 1
        end
        if not before(heap[least], entry) then
            break
        end
        heap[index] = heap[least]
        index = least
    end
    heap[index] = entry
end

local function pop()
    local last = heap[size]
    heap[size] = nil
    size = size - 1
    if size > 0 then
        sift_down(last, 1)
    end
end

-- Throws the cancelled ones out, once they are the most.
local function compact()
    if size < 64 or size < live * 2 then
        return
    end
    local fresh = {} -- before the rest is looked at: see above
    local old, old_size = heap, size
    heap, size = fresh, 0
    for index = 1, old_size do
        if old[index].fire then
            size = size + 1
            sift_up(old[index])
        end
    end
end

-- The first that was not cancelled.
local function first()
    while size > 0 and not heap[1].fire do
        pop()
    end
    return heap[1]
end

local on_due

local function disarm()
    armed_for = nil
    if usable(timer) then
        timer:stop()
    end
    if usable(idle) then
        idle:stop()
    end
end

-- True when a handle of ours is set for this time, and a script has not closed it.
local function is_armed_for(due)
    return armed_for == due and usable(timer) and usable(idle)
end

-- Sets a handle for the first that is due.
local function arm()
    if first() and is_armed_for(heap[1].due) then
        return
    end
    disarm()
    if size == 0 then
        return
    end
    timer = usable(timer) and timer or uv.new_timer()
    idle = usable(idle) and idle or uv.new_idle()
    armed_for = heap[1].due
    local wait = armed_for - uv.now()
    if wait > 0 then
        timer:start(min(wait, LONGEST), 0, on_due)
    else
        idle:start(on_due)
    end
end

-- What one entry raises is told, and holds up none of the others.
local function serve(entry)
    local run = entry.fire
    if run then
        entry.fire = nil
        local ok, err = xpcall(run, report.keep_stack)
        if not ok then
            report.deliver(err.raised, err.traceback)
        end
    end
end

local function fire_deferred()
    local entry = deferred
    deferred = nil
    while entry do
        local next_one = entry.before
        serve(entry)
        entry = next_one
    end
end

-- Fires what was due and set when the callback began; what is set meanwhile, even for at once, waits for
-- the loop's next turn, so that a task that sleeps 0 in a loop holds up nobody.
function on_due()
    disarm()
    local now, last = uv.now(), seq
    while size > 0 do
        local entry = heap[1]
        if entry.due > now or entry.seq > last then
            break
        end
        pop()
        live = live - (entry.fire and 1 or 0)
        serve(entry)
    end
    arm()
end

---Sets a timer for so many milliseconds of the loop's own time; also one that waited for a clock that was
---moved by hand.
---@param entry nylon_ring.Timer
---@param ms number
---@return nylon_ring.Timer
local function set(entry, ms)
    uv.update_time()
    seq = seq + 1
    entry.due, entry.seq, entry.by_hand = uv.now() + ceil(max(ms, 0)), seq, nil
    size, live = size + 1, live + 1
    sift_up(entry)
    if heap[1] == entry or not is_armed_for(armed_for) then
        arm()
    end
    return entry
end
M.set = set

---Calls `fire` once, after `ms` milliseconds of the loop's own time.
---@param ms number
---@param fire fun()
---@return nylon_ring.Timer
function M.on_loop(ms, fire)
    return set({ fire = fire }, ms)
end

---Calls `fire` once, after `ms` milliseconds: of the clock that is moved by hand, where one is installed.
---@param ms number
---@param fire fun()
---@return nylon_ring.Timer
function M.after(ms, fire)
    if by_hand and ms > 0 then
        return by_hand:after(ms, fire)
    end
    return M.on_loop(ms, fire)
end

---Installs a clock that is moved by hand; nil takes it away.
---@param clock nylon_ring.test.Clock|nil
function M.follow(clock)
    by_hand = clock
end

---@return nylon_ring.test.Clock|nil
function M.by_hand()
    return by_hand
end

---Takes a timer back; nothing where it has fired.
---@param entry nylon_ring.Timer
function M.cancel(entry)
    if not entry.fire then
        return
    end
    entry.fire = nil
    if entry.by_hand then
        return
    end
    live = live - 1
    if live == 0 then
        for index = 1, size do
            heap[index] = nil
        end
        size = 0
        disarm()
    else
        compact()
    end
end

---An entry for `defer`: to be made where a finalizer is set, which may make nothing any more.
---@param run fun()
---@return nylon_ring.Timer
function M.deferrable(run)
    if not usable(waker) then
        waker = uv.new_async(fire_deferred)
        waker:unref()
    end
    return { fire = run, before = false }
end

---Calls an entry's function in the loop's next turn. Once an entry; for finalizers.
---@param entry nylon_ring.Timer
function M.defer(entry)
    entry.before, deferred = deferred, entry
    if usable(waker) then
        waker:send()
    end
end

---Sets the timer again where a script closed it. True when something is due, now or later.
---@return boolean
function M.revive()
    local was_deferred = deferred ~= nil
    fire_deferred()
    if live > 0 then
        arm()
    end
    return was_deferred or live > 0
end

core.on_reopen(M.revive)

---Counts a luv handle among ours, which no script has made.
---@param handle userdata
function M.own(handle)
    others[handle] = true
end

---Whether a luv handle is one of ours.
---@param handle userdata
---@return boolean
function M.owns(handle)
    return handle == timer or handle == idle or handle == waker or others[handle] == true
end

---Whether something is due in the loop's next turn, such as an `nr.sleep(0)`.
---@return boolean
function M.is_due()
    local entry = first()
    return entry ~= nil and entry.due <= uv.now()
end

---@return integer how many are set
function M.count()
    return live
end

return M
