--- A helper for busted: a spec that leaves something open fails, and says what; so does one whose
--- background task failed. `nylon-ring test` uses it by itself, and a stock busted with
---
---     busted --lua=luajit --helper=nylon_ring.busted
---
--- How a spec is made to fail late: its end is announced after the last `after_each`, which is ours.
---
---     before_each (root) ─▶ ... the spec ... ─▶ "test end", held back ─▶ ... ─▶ after_each (root)
---        look                                                                     look again, tell
local busted = require "busted"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local leaks = require "nylon_ring.leaks"
local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

-- How often the loop may turn before something that is still open counts as left behind: closing takes
-- a turn, and so does a task's reaction to being cancelled.
local PATIENCE = 8

local before    -- the look from before the spec
local held      -- the arguments of its announced end
local failures  -- errors of background tasks

local function turn_loop()
    if core.running() then
        nr.sleep(0)
    else
        uv.run "nowait"
    end
end

--- What is still open, after everything that is on its way out had the time to go. The loop turns at
--- least once: luv crashes when a state is closed while a handle is still closing.
local function left_behind()
    turn_loop()
    local left = leaks.since(before)
    for _ = 1, PATIENCE do
        if #left == 0 then
            break
        end
        collectgarbage()
        turn_loop()
        left = leaks.since(before)
    end
    return left
end

local function complaints()
    -- Turning the loop raises what a task that the spec made failed with, and its own cancellation.
    local ok, left = pcall(left_behind)
    if not ok and not errors.is(left, "cancelled") then
        table.insert(failures, left)
    end
    local list = {}
    for _, err in ipairs(failures) do
        table.insert(list, "a task failed in the background: " .. tostring(err))
    end
    if ok and #left > 0 then
        table.insert(list, "left behind: " .. table.concat(left, "; "))
    end
    return list
end

local function begin()
    held, failures = nil, {}
    before = leaks.look()
    nr.on_error(function(err)
        table.insert(failures, err)
    end)
end

local function finish()
    local element, parent, status = unpack(held or {}, 1, 3)
    local list = complaints()
    held = nil
    for _, complaint in ipairs(list) do
        local message = element and complaint or "outside of a spec, " .. complaint
        local blamed = element or { descriptor = "after_each", name = "leak check" }
        busted.publish({ "failure", blamed.descriptor }, blamed, parent, message, blamed.trace or {})
        status = "failure"
    end
    if element then
        busted.publish({ "test", "end" }, element, parent, status)
    end
end

local announcing

--- Holds the end of a spec back until `finish` announces it.
local function hold(element, parent, status)
    if element.descriptor ~= "it" or announcing then
        return nil, true
    end
    held = { element, parent, status }
    return nil, false
end

local kept = {}

local function is_ours(name)
    return name:match "^nylon_ring%f[.%z]" or name == "luv" or name == "ffi" or name:match "^cjson%f[.%z]"
end

--- busted drops the modules that a file loaded. Those with a state in C must not be loaded twice.
local function keep_modules()
    for name, module in pairs(package.loaded) do
        if type(name) == "string" and is_ours(name) then
            kept[name] = module
        end
    end
    return nil, true
end

local function restore_modules()
    for name, module in pairs(kept) do
        package.loaded[name] = package.loaded[name] or module
    end
    return nil, true
end

leaks.trace()
keep_modules()
busted.subscribe({ "file", "start" }, restore_modules, { priority = 1 })
busted.subscribe({ "file", "end" }, keep_modules, { priority = 1 })
busted.subscribe({ "test", "end" }, hold, { priority = 1 })
busted.before_each(begin)
busted.after_each(function()
    announcing = true
    finish()
    announcing = false
end)

return M
