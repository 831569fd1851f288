--- What a piece of work left behind: compares two looks at everything that is open. Used by the test
--- runner after each spec; knows nothing of busted.
local core = require "nylon_ring.core"
local exchanges = require "nylon_ring.lua_plugin.exchange"
local nr = require "nylon_ring"
local streams = require "nylon_ring.stream"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"
local waits = require "nylon_ring.test.waits"

local M = {}

-- Where handles, tasks and streams were made, for messages; only while `trace` is on.
local made_at = setmetatable({}, { __mode = "k" })

-- What each task was started for: what `M.account` was then, or for its parent.
local started_for = setmetatable({}, { __mode = "k" })

--- What tasks that are started now are charged to; any value.
M.account = nil

--- What a task was started for, while `trace` is on.
---@param started nylon_ring.Task
function M.started_for(started)
    return started_for[started]
end

local constructors = {
    "new_async", "new_check", "new_fs_event", "new_fs_poll", "new_idle", "new_pipe", "new_poll",
    "new_prepare", "new_signal", "new_tcp", "new_timer", "new_tty", "new_udp", "spawn",
}

local function remember(where, handle, ...)
    if type(handle) == "userdata" then
        made_at[handle] = where
    end
    return handle, ...
end

--- From now on handles, tasks and streams remember the line of the script that made them.
function M.trace()
    task.on_spawn = function(made)
        made_at[made] = waits.here()
        started_for[made] = started_for[made._parent] or M.account
    end
    streams.on_open = function(made)
        made_at[made] = waits.here()
    end
    for _, name in ipairs(constructors) do
        local make = uv[name]
        uv[name] = function(...)
            return remember(waits.here(), make(...))
        end
    end
end

local function open_handles()
    local open = {}
    uv.walk(function(handle)
        if not uv.is_closing(handle) and not core.owns(handle) and not timers.owns(handle) then
            open[handle] = true
        end
    end)
    return open
end

local function open_streams()
    local open = {}
    for made in pairs(made_at) do
        if getmetatable(made) == streams.Stream and core.stream_open(made._reader) then
            open[made] = true
        end
    end
    return open
end

---@class nylon_ring.Look
---@field handles table<userdata, true>
---@field tasks table<nylon_ring.Task, nylon_ring.TaskInfo>
---@field plugins table<nylon_ring.Plugin, integer> how many calls and streams each has open
---@field exchanges table<nylon_ring.Exchange, true> calls to plugins written in Lua
---@field clock? nylon_ring.test.Clock
---@field streams table<nylon_ring.Stream, true> while `trace` is on
---@field counts table<string, integer>

--- One look at what is open now.
---@return nylon_ring.Look
function M.look()
    local tasks, plugins, infos = {}, {}, nr.tasks()
    for _, plugin in ipairs(nr.plugins()) do
        plugins[plugin] = plugin:stats().in_flight
    end
    for _, info in ipairs(infos) do
        tasks[info.task] = info
    end
    return {
        handles = open_handles(),
        tasks = tasks,
        plugins = plugins,
        exchanges = exchanges.open(),
        clock = timers.by_hand(),
        streams = open_streams(),
        counts = {
            call = core.pending(),
            stream = core.streams() + exchanges.streams(),
            ["clock of nr.test"] = timers.by_hand() and 1 or 0,
            ["Lua reference"] = core.refs() - #infos, -- each task holds one
        },
    }
end

local function place(where)
    return where and " made at " .. where or ""
end

local function describe_handle(handle)
    local active = uv.is_active(handle) and "an active " or "a "
    return active .. uv.handle_get_type(handle) .. " handle" .. place(made_at[handle])
end

local function describe_task(left, info)
    local _, at = waits.stack(left._co)
    return ("%s%s, which %s%s"):format(tostring(left), place(made_at[left]), waits.awaits(info),
        at and " at " .. at or "")
end

local function describe_stream(stream)
    return ("stream '%s %s' (sid %s, %d frames so far)%s"):format(stream.plugin.name, stream._target,
        stream:sid(), stream._c.frames, place(made_at[stream]))
end

local function describe_plugin(plugin)
    return ("plugin '%s', still loaded"):format(plugin.name)
end

local function describe_exchange(exchange)
    local kind = exchange.streams and "stream" or "call"
    return ("an open %s of '%s' to plugin '%s'"):format(kind, exchange.target, exchange.plugin.name)
end

local function add_new(list, before, now, describe)
    local count = 0
    for thing, about in pairs(now) do
        if not before[thing] then
            table.insert(list, describe(thing, about))
            count = count + 1
        end
    end
    return count
end

-- Calls that a task awaits are told with it.
local function awaited_calls(before, now)
    local count = 0
    for each, info in pairs(now.tasks) do
        if not before.tasks[each] and info.sid and not info.frames then
            count = count + 1
        end
    end
    return count
end

-- Whose calls and streams are open that were not before.
local function describe_owners(before, now)
    local names = {}
    for plugin, open in pairs(now) do
        if open > (before[plugin] or 0) then
            table.insert(names, ("'%s'"):format(plugin.name))
        end
    end
    table.sort(names)
    return #names > 0 and " of " .. table.concat(names, ", ") or ""
end

-- What is open beyond what was told by name.
local function add_counts(list, before, now, told)
    for what, count in pairs(now.counts) do
        local more = count - before.counts[what] - (told[what] or 0)
        if more > 0 then
            local owners = what == "call" and describe_owners(before.plugins, now.plugins) or ""
            table.insert(list, ("%d open %s%s%s"):format(more, what, more > 1 and "s" or "", owners))
        end
    end
end

--- What is open now and was not before, in words; empty when nothing is.
---@param before nylon_ring.Look
---@return string[]
function M.since(before)
    local now, left = M.look(), {}
    add_new(left, before.handles, now.handles, describe_handle)
    add_new(left, before.tasks, now.tasks, describe_task)
    add_new(left, before.plugins, now.plugins, describe_plugin)
    local exchanges_told = add_new(left, before.exchanges, now.exchanges, describe_exchange)
    local streams_told = add_new(left, before.streams, now.streams, describe_stream)
    add_counts(left, before, now, {
        stream = streams_told + exchanges_told,
        call = streams_told + awaited_calls(before, now),
    })
    table.sort(left)
    return left
end

return M
