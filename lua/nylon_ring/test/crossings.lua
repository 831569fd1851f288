--- The last events of a plugin's ABI, for the report on a task that waits for that plugin.
local nr = require "nylon_ring"
local trace = require "nylon_ring.trace"
local uv = require "luv"

local M = {}

local SHOWN = 8

-- How many events are kept of each plugin that specs load: enough for a report, in 35 KiB.
local KEPT = 256

--- Whether they are kept of plugins that are loaded from now on, where the load does not say.
---@param wanted boolean
function M.keep(wanted)
    trace.default = wanted and KEPT or 0
end

-- The plugin that a text "NAME TARGET" is about: the one with the longest name that fits.
local function plugin_of(awaits)
    local found
    for _, plugin in ipairs(nr.plugins()) do
        local fits = awaits:sub(1, #plugin.name + 1) == plugin.name .. " "
        if fits and (not found or #plugin.name > #found.name) then
            found = plugin
        end
    end
    return found
end

-- The last ones of the call, and as many others, as late as possible, as there is room for.
local function choose(events, sid)
    local chosen = {}
    for _, own in ipairs { true, false } do
        for i = #events, 1, -1 do
            if #chosen < SHOWN and (events[i].sid == sid) == own then
                table.insert(chosen, events[i])
            end
        end
    end
    table.sort(chosen, function(a, b)
        return a.seq < b.seq
    end)
    return chosen
end

local function later_than(events, time)
    local list = {}
    for _, event in ipairs(events) do
        if event.time >= time then
            table.insert(list, event)
        end
    end
    return list
end

--- For one report: a function that answers what crossed the ABI of the plugin that a task waits for, since
--- some time. A line an event, with the time since then, and with the sid where that is not the awaited one;
--- nothing for a plugin of which it was told already.
---@param since number
---@return fun(info: nylon_ring.TaskInfo): string[]
function M.reader(since)
    local told = {}
    return function(info)
        local plugin = info.sid and plugin_of(info.awaits)
        if not plugin or told[plugin] then
            return {}
        end
        told[plugin] = true
        local lines, now = {}, uv.hrtime() / 1e6
        for _, event in ipairs(choose(later_than(plugin:events(), since), info.sid)) do
            local other = event.sid and event.sid ~= info.sid and (" (sid %s)"):format(event.sid) or ""
            table.insert(lines, ("%.1f ms %s%s"):format(event.time - now, tostring(event), other))
        end
        return lines
    end
end

return M
