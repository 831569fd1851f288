--- What a piece of work left behind: compares two looks at everything that is open. Used by the test
--- runner after each spec; knows nothing of busted.
local core = require "nylon_ring.core"
local exchanges = require "nylon_ring.lua_plugin.exchange"
local nr = require "nylon_ring"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

-- Where handles were made, for messages; only while `trace` is on.
local made_at = setmetatable({}, { __mode = "k" })

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

--- From now on handles remember the line of the script that made them.
function M.trace()
    for _, name in ipairs(constructors) do
        local make = uv[name]
        uv[name] = function(...)
            local info = debug.getinfo(2, "Sl")
            return remember(info.short_src .. ":" .. info.currentline, make(...))
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

---@class nylon_ring.Look
---@field handles table<userdata, true>
---@field tasks table<nylon_ring.Task, nylon_ring.TaskInfo>
---@field plugins table<nylon_ring.Plugin, integer> how many calls and streams each has open
---@field exchanges table<nylon_ring.Exchange, true> calls to plugins written in Lua
---@field clock? nylon_ring.test.Clock
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

local function describe_task(task, info)
    local awaits = info.awaits and ", which awaits " .. info.awaits or ""
    return tostring(task) .. awaits
end

local function describe_plugin(plugin)
    return ("plugin '%s', still loaded"):format(plugin.name)
end

local function describe_exchange(exchange)
    local kind = exchange.streams and "stream" or "call"
    return ("an open %s of '%s' to plugin '%s'"):format(kind, exchange.target, exchange.plugin.name)
end

local function add_new(list, before, now, describe)
    for thing, about in pairs(now) do
        if not before[thing] then
            table.insert(list, describe(thing, about))
        end
    end
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

local function add_counts(list, before, now)
    for what, count in pairs(now.counts) do
        local more = count - before.counts[what]
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
    add_new(left, before.exchanges, now.exchanges, describe_exchange)
    add_counts(left, before, now)
    table.sort(left)
    return left
end

return M
