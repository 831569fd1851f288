-- What the tasks of this Lua state are doing: for people, the REPL, and specs that look for leaks.

local core = require "nylon_ring.core"
local task = require "nylon_ring.task"
local uv = require "luv"

local M = {}

---@class nylon_ring.TaskInfo
---@field id integer the task's number
---@field name string `file:line` of its function
---@field status string as `task:status()`
---@field awaits? string what it is suspended in
---@field since? integer for how many milliseconds
---@field sid? string of the call or stream that it awaits
---@field frames? integer read so far from the stream that it awaits
---@field parent? integer the id of the task that made it
---@field cancelled boolean it is being cancelled
---@field task nylon_ring.Task itself

local describe = {}

function describe.sleep(ms)
    return ("nr.sleep(%s)"):format(ms)
end

function describe.join(target)
    return "the end of " .. tostring(target)
end

function describe.await(starter)
    local info = debug.getinfo(starter, "S")
    return ("nr.await at %s:%d"):format(info.short_src, info.linedefined)
end

function describe.call(exchange)
    return ("%s %s"):format(exchange.plugin.name, exchange.target), exchange.sid, exchange:frames_read()
end

-- What a task waits for, since when in loop time, and of a call its sid and how many frames were read.
local function awaits(each)
    if each._ended then
        return ("%d of its tasks"):format(each._alive)
    elseif each._parked then
        local text = describe[each._awaits]
        if not text then
            return each._awaits, each._since
        end
        local what, sid, frames = text(each._detail)
        return what, each._since, sid, frames
    end
    return core.waiting(each._co)
end

---Every task that is not done, by age, with what it awaits and for how long.
---@return nylon_ring.TaskInfo[]
function M.tasks()
    local infos, now = {}, uv.now()
    for _, each in task.each() do
        local what, since, sid, frames = awaits(each)
        infos[#infos + 1] = {
            id = each.id,
            name = each:name(),
            status = each:status(),
            awaits = what,
            since = since and now - since,
            sid = sid,
            frames = frames,
            parent = each._parent and each._parent.id,
            cancelled = each._cancel ~= nil,
            task = each,
        }
    end
    table.sort(infos, function(a, b)
        return a.id < b.id
    end)
    return infos
end

return M
