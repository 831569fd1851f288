--- What busted runs now: a file, in it blocks (`describe`), in them a hook or a spec. Limits, accounts and
--- messages go by it. A hook counts as running until something else begins, for busted tells of hooks only
--- when they are registered: each is given a few words to say first.
---
---     file start ─▶ setup ─▶ describe start ─▶ before_each ─▶ test start ─▶ test end ─▶ after_each ─▶ ...
local waits = require "nylon_ring.test.waits"

local M = {}

local HOOKS = {
    strict_setup = "setup", strict_teardown = "teardown", lazy_setup = "lazy_setup",
    lazy_teardown = "lazy_teardown", before_each = "before_each", after_each = "after_each",
}
local EVENTS = { "suite start", "suite end", "file start", "file end", "describe start", "describe end",
    "test start", "test end" }

---@class nylon_ring.test.Hook
---@field kind string as scripts call it: setup, before_each, ...
---@field block? table the element that it belongs to; nil: the whole run
---@field name string "setup of 'block'"

local blocks = {}    -- the file and those blocks that run, outermost first
local spec, hook     -- that run now
local listeners = {} -- by event, in the order of their calls
local watching = false

--- Has a function called at an event: "file start" and its like with busted's arguments, "hook" with the
--- hook.
--- Where one answers false, busted's own subscribers, its outputs among them, do not hear of the event.
---@param event string
---@param fn fun(...): boolean|nil
function M.on(event, fn)
    listeners[event] = listeners[event] or {}
    table.insert(listeners[event], fn)
end

local function tell(event, ...)
    local shown = true
    for _, listener in ipairs(listeners[event] or {}) do
        if listener(...) == false then
            shown = false
        end
    end
    return shown
end

--- The file or the block that runs now, the innermost one.
---@return table|nil element
function M.block()
    return blocks[#blocks]
end

--- The spec that runs now.
---@return table|nil element
function M.spec()
    return spec
end

---@return nylon_ring.test.Hook|nil
function M.hook()
    return hook
end

--- What was set for an element, or for the innermost block around it of which something was.
---@generic T
---@param settings table<table, T> by element
---@param element table|nil
---@return T|nil
function M.setting(settings, element)
    while element do
        if settings[element] ~= nil then
            return settings[element]
        end
        element = require("busted").parent(element)
    end
end

--- What something that was raised is to busted.
---@param err any
---@return "failure"|"pending"|nil kind nil: an error as any other
function M.raised_kind(err)
    return (debug.getmetatable(err) or {}).__type
end

--- A file or block in the words of messages.
---@param block table|nil
---@return string
function M.block_name(block)
    if not block then
        return "the run"
    end
    return block.descriptor == "file" and "the file" or ("'%s'"):format(block.name or block.descriptor)
end

local enter = {}

enter["suite start"] = function()
    blocks, spec, hook = {}, nil, nil
end

local function enter_block(element)
    table.insert(blocks, element)
    hook = nil
end

-- Blocks that had begun before they were watched are not known.
local function leave_block(element)
    for index = #blocks, 1, -1 do
        if blocks[index] == element then
            blocks[index] = nil
            break
        end
    end
    hook = nil
end

enter["file start"], enter["describe start"] = enter_block, enter_block

enter["test start"] = function(element)
    spec, hook = element, nil
end

enter["test end"] = function()
    spec = nil
end

local leave = { ["file end"] = leave_block, ["describe end"] = leave_block }

local function enter_hook(kind, block)
    local name = ("%s of %s"):format(HOOKS[kind], M.block_name(block))
    hook = { kind = HOOKS[kind], block = block, name = name }
    tell("hook", hook)
end

-- The hook itself is called in place of this function, so that stacks and levels of errors are as ever.
local function announce(kind, fn)
    local block = M.block()
    local function begin(...)
        enter_hook(kind, block)
        return fn(...)
    end
    return setfenv(begin, getfenv(fn))
end

-- Registers hooks that announce themselves in place of those that come.
local function watch_hooks(busted, kind)
    local passing = false
    busted.subscribe({ "register", kind }, function(name, fn, trace, attributes)
        if passing or type(fn) ~= "function" then
            passing = false
            return nil, true
        end
        passing = true
        busted.publish({ "register", kind }, name, announce(kind, fn), waits.outside(trace), attributes)
        passing = false
        return nil, false
    end, { priority = 1 })
end

--- From now on it is known what runs. To be called before anything else is asked here; once or more often.
function M.watch()
    local busted = package.loaded.busted
    if watching or not (busted and busted.subscribe) then
        return -- another runner has no hooks that can be watched
    end
    watching = true
    for _, event in ipairs(EVENTS) do
        local kind, moment = event:match "^(%S+) (%S+)$"
        busted.subscribe({ kind, moment }, function(...)
            if enter[event] then
                enter[event](...)
            end
            local shown = tell(event, ...)
            if leave[event] then
                leave[event](...)
            end
            return nil, shown
        end, { priority = 1 })
    end
    for kind in pairs(HOOKS) do
        watch_hooks(busted, kind)
    end
    busted.subscribe({ "register", "it" }, function(_, _, trace)
        waits.outside(trace)
        return nil, true
    end, { priority = 1 })
end

return M
