-- How a plugin that is written in Lua comes to rest.

local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"

local ipairs, next, pairs = ipairs, next, pairs

local M = {}

---How many handlers still run though their calls are over.
---@param plugin nylon_ring.LuaPlugin
---@return integer
function M.owed(plugin)
    local count = 0
    for _, exchange in pairs(plugin._running) do
        count = count + (exchange.left and 1 or 0)
    end
    return count
end

-- Suspends until `is_done()`, looked at whenever a call has ended or a handler is done.
local function wait_until(plugin, is_done, timeout, what)
    if is_done() then
        return true
    end
    local current, timer = task.must_suspend(), nil
    local function finish(in_time)
        if timer then
            timers.cancel(timer)
        end
        plugin._idle = nil
        task.wake(current, in_time)
    end
    plugin._idle = function()
        if is_done() then
            finish(true)
        end
    end
    timer = timeout and timers.after(timeout, function()
        finish(false)
    end)
    return task.park(current, nil, ("%s %s"):format(plugin.name, what))
end

local function end_open_calls(plugin)
    local open = {}
    for exchange in pairs(plugin._open) do
        open[#open + 1] = exchange
    end
    for _, exchange in ipairs(open) do
        exchange:give_up "plugin_unloaded"
    end
    return #open
end

---Lets open calls finish, and cancels the handlers that are left.
---@async
---@param plugin nylon_ring.LuaPlugin one that takes no new calls
---@param grace number
---@return nylon_ring.UnloadReport
function M.drain(plugin, grace)
    wait_until(plugin, function()
        return plugin._counts.in_flight == 0
    end, grace, "unload")
    local completed = end_open_calls(plugin)
    local report = { unmapped = true, completed = completed, owed = M.owed(plugin) }
    for running in pairs(plugin._running) do
        running:cancel "the plugin was unloaded"
    end
    wait_until(plugin, function()
        return next(plugin._running) == nil
    end, nil, "unload")
    if plugin._on_unload then
        plugin._on_unload()
    end
    report.error = completed > 0 and "drain_timeout" or nil
    return report
end

return M
