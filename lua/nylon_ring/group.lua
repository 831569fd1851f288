-- Tasks that are waited for together: what `nr.all`, `nr.any`, `nr.race`, `nr.map` and `nr.timeout` are
-- made of.
--
-- A group's tasks are children of the task that waits, and their outcomes come to the group alone.
-- Whoever leaves the wait early (cancelled, or failed by another child) takes the group down.

local errors = require "nylon_ring.errors"
local task = require "nylon_ring.task"

local ipairs, pairs, pcall, setmetatable, unpack = ipairs, pairs, pcall, setmetatable, unpack

---@class nylon_ring.Group
---@field owner nylon_ring.Task
---@field alive integer
---@field private _members table<nylon_ring.Task, true>
---@field private _waiting table<nylon_ring.Task, integer> until how many are left
---@field stopped boolean
---@field raised? nylon_ring.Task the first that raised
local Group = {}
Group.__index = Group

---@param owner nylon_ring.Task the running one
---@param what string what `nr.tasks` says that it awaits
---@param on_end fun(group: nylon_ring.Group, key: any, member: nylon_ring.Task) a member is done
---@return nylon_ring.Group
function Group.new(owner, what, on_end)
    return setmetatable({
        owner = owner,
        alive = 0,
        stopped = false,
        _what = what,
        _on_end = on_end,
        _members = {},
        _waiting = {},
    }, Group)
end

local function member_done(group, key, member)
    group._members[member] = nil
    group.alive = group.alive - 1
    group:_on_end(key, member)
    for waiting, count in pairs(group._waiting) do
        if group.alive <= count then
            group._waiting[waiting] = nil
            task.wake(waiting)
        end
    end
end

---Starts a member.
---@param key any for `on_end`
---@param fn function
---@param ... any for it
function Group:start(key, fn, ...)
    local member = task.new(fn, self.owner, function(ended)
        member_done(self, key, ended)
    end)
    self._members[member] = true
    self.alive = self.alive + 1
    task.start(member, ...)
end

---Cancels the members that are left.
---@param err? any an Error; `cancelled` when there is none
function Group:stop(err)
    if self.stopped then
        return
    end
    self.stopped = true
    err = err or errors.new { code = "cancelled", message = self._what .. " needs no more of this task" }
    local members = {}
    for member in pairs(self._members) do
        members[#members + 1] = member
    end
    for _, member in ipairs(members) do
        task.cancel(member, err)
    end
end

local function park(group, count)
    local current = task.must_suspend()
    group._waiting[current] = count
    task.park(current, function()
        group._waiting[current] = nil
    end, group._what)
    task.check_cancelled()
end

-- Until every member is down, whatever becomes of the task that waits.
local function wait_for_all(group)
    while group.alive > 0 do
        park(group, 0)
    end
end

---Suspends the running task until no more than so many members are left. When that is raised out of the
---wait, the group is taken down first.
---@async
---@param count integer
function Group:wait(count)
    while self.alive > count do
        local ok, err = pcall(park, self, count)
        if not ok then
            self:stop()
            if task.current() == self.owner then -- and not a member, as what feeds `nr.map` is
                task.shield(wait_for_all, self)
            end
            error(err, 0)
        end
    end
end

---Notes a member that raised an error, and stops the others. Later ones are no answer to anything any
---more, and are reported.
---@param member nylon_ring.Task
function Group:fail(member)
    if self.raised then
        return task.report(member._err, member._traceback, member)
    end
    self.raised = member
    self:stop()
end

---Raises the error of the member that raised one.
function Group:raise()
    if self.raised then
        task.carry(self.owner, self.raised)
        error(self.raised._err, 0)
    end
end

---Whether a member answered `nil, err` or was cancelled, which is an answer of that kind.
---@param member nylon_ring.Task
---@return boolean failed
---@return any err
function Group.failure(member)
    if member._state ~= "ok" then
        return true, member._err
    end
    local values = member._values
    if values[1] == nil and values[2] ~= nil then
        return true, values[2]
    end
    return false
end

---@param member nylon_ring.Task one that returned
---@return any ...
function Group.values(member)
    return unpack(member._values, 1, member._values.n)
end

return Group
