--- What a piece of work left behind: compares two looks at everything that is open, and closes what is left.
--- Used by the test runner after each spec and block; knows nothing of busted.
local accounts = require "nylon_ring.test.accounts"
local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local exchanges = require "nylon_ring.lua_plugin.exchange"
local in_task = require "nylon_ring.test.in_task"
local io_text = require "nylon_ring.io.text"
local luv_calls = require "nylon_ring.test.luv_calls"
local nr = require "nylon_ring"
local plugins = require "nylon_ring.plugin"
local record = require "nylon_ring.test.record"
local streams = require "nylon_ring.stream"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"
local waits = require "nylon_ring.test.waits"

local M = {}

-- How long a plugin that was left may go on with its calls, in milliseconds.
local GRACE = 10

-- What was told and could not be closed, so that it is not told again.
local told = setmetatable({}, { __mode = "k" })
local told_counts = { call = 0, ["Lua reference"] = 0 }

---@type table<nylon_ring.Stream, true>
local known_streams = setmetatable({}, { __mode = "k" })

---@class nylon_ring.test.Collected a stream that was collected before it was read or closed
---@field account nylon_ring.test.Account
---@field text string

---@type table<nylon_ring.test.Collected, true> that were not told yet
local collected = {}

local function place(thing)
    local where = accounts.place(thing)
    return where and " made at " .. where or ""
end

-- Finalizers run in the reverse order of their making: the stream is still as it was left.
local function watch_collection(stream)
    local target, is_open = (stream:_progress()), stream:_probe()
    local text = "stream '%s %s'%s, which was collected before it was read to its end or closed"
    local about = { account = accounts.running() }
    about.text = text:format(stream.plugin.name, target, place(stream))
    local guard = newproxy(true)
    getmetatable(guard).__gc = function()
        if is_open() then
            collected[about] = true
        end
    end
    stream._guarded = guard
end

-- A task closes its streams at its end; the one that runs the specs has no end.
local function note_stream(made)
    known_streams[made] = true
    accounts.note(made)
    if not accounts.owner(made._owner) then
        watch_collection(made)
    end
end

--- From now on all that may be left is put on the account of what makes it.
function M.trace()
    task.on_new, plugins.on_load, exchanges.on_open = accounts.note, accounts.note, accounts.note
    streams.on_open = note_stream
    luv_calls.watch()
end

-- ---- What is open ----

---@class nylon_ring.test.Leakable
---@field find fun(): table<any, any> what is open now, with what else is known of it
---@field describe fun(thing: any, about: any): string
---@field close fun(thing: any)

---@type table<string, nylon_ring.test.Leakable>
local kinds = {}

-- In the order in which it is closed.
local ORDER = { "clock", "task", "stream", "call", "request", "handle", "recording", "plugin" }

kinds.handle = {
    find = function()
        local open = {}
        uv.walk(function(handle)
            if not uv.is_closing(handle) and not core.owns(handle) and not timers.owns(handle) then
                open[handle] = true
            end
        end)
        return open
    end,
    describe = function(handle)
        local active = uv.is_active(handle) and "an active " or "a "
        return active .. uv.handle_get_type(handle) .. " handle" .. place(handle)
    end,
    close = function(handle)
        if uv.handle_get_type(handle) == "process" then
            handle:kill "sigterm"
        end
        if not handle:is_closing() then
            handle:close()
        end
    end,
}

kinds.task = {
    find = function()
        local open = {}
        for _, info in ipairs(nr.tasks()) do
            open[info.task] = info
        end
        return open
    end,
    describe = function(left, info)
        local _, at = waits.stack(left._co)
        return ("%s%s, which %s%s"):format(waits.task_name(left), place(left), waits.awaits(info),
            at and " at " .. at or "")
    end,
    close = function(left)
        task.disown(left)
        left:cancel "what started it is over"
    end,
}

kinds.stream = {
    find = function()
        local open = {}
        for made in pairs(known_streams) do
            open[made] = made:_probe()() or nil
        end
        return open
    end,
    describe = function(stream)
        local target, frames = stream:_progress()
        return ("stream '%s %s' (sid %s, %s so far)%s"):format(stream.plugin.name, target, stream:sid(),
            io_text.plural(frames, "frame"), place(stream))
    end,
    close = function(stream)
        stream:close()
    end,
}

kinds.call = {
    find = function()
        local open = exchanges.open()
        for exchange in pairs(open) do
            open[exchange] = not exchange.streams or nil
        end
        return open
    end,
    describe = function(exchange)
        return ("an open call of '%s' to plugin '%s'%s"):format(exchange.target, exchange.plugin.name,
            place(exchange))
    end,
    close = function(exchange)
        exchange:give_up "cancelled"
    end,
}

kinds.request = {
    find = luv_calls.requests,
    describe = function(request)
        return ("a request of uv.%s without an answer%s"):format(request.name, place(request))
    end,
    close = function(request)
        request.made:cancel()
    end,
}

kinds.plugin = {
    find = function()
        local open = {}
        for _, plugin in ipairs(nr.plugins()) do
            open[plugin] = true
        end
        return open
    end,
    describe = function(plugin)
        return ("plugin '%s'%s, still loaded"):format(plugin.name, place(plugin))
    end,
    close = in_task(function(plugin)
        plugin:unload { grace = GRACE }
    end),
}

kinds.recording = {
    find = record.open,
    describe = function(recorder, path)
        return ("the recording of '%s'%s: not unloaded, and so not written"):format(path, place(recorder))
    end,
    close = record.drop,
}

kinds.clock = {
    find = function()
        local clock = timers.by_hand()
        return clock and { [clock] = true } or {}
    end,
    describe = function(clock)
        return "the clock of nr.test" .. place(clock)
    end,
    close = function(clock)
        clock:close()
    end,
}

-- Calls that no task awaits: of unloads whose tasks are gone. Those that are answered and not read yet are
-- none any more, though a task or a stream still has them.
local function unawaited_calls()
    local count = core.pending() - core.streams()
    for _, info in ipairs(nr.tasks()) do
        local awaits, _, _, frames = core.waiting(info.task._co)
        count = count - (awaits and not frames and 1 or 0)
    end
    return math.max(0, count)
end

local function counts()
    return {
        call = unawaited_calls(),
        ["Lua reference"] = core.refs() - #nr.tasks(), -- each task holds one
    }
end

---@class nylon_ring.test.Look
---@field things table<string, table<any, any>> by kind
---@field counts table<string, integer> of what has no name
---@field told table<string, integer> how much of that had been told

--- One look at what is open now.
---@return nylon_ring.test.Look
function M.look()
    local look = { things = {}, counts = counts(), told = {} }
    for name, kind in pairs(kinds) do
        look.things[name] = kind.find()
    end
    for what, count in pairs(told_counts) do
        look.told[what] = count
    end
    return look
end

-- ---- What is left ----

---@class nylon_ring.test.Leak
---@field kind string
---@field thing any nil where it has no name
---@field text string
---@field count? integer

local function add_counts(list, before)
    for what, count in pairs(counts()) do
        local more = count - before.counts[what] - (told_counts[what] - before.told[what])
        if more > 0 then
            table.insert(list, { kind = what, count = more, text = io_text.plural(more, "open " .. what) })
        end
    end
end

--- What is open now and was not before, and was made on this account or on those that come from it.
---@param before nylon_ring.test.Look
---@param account nylon_ring.test.Account
---@return nylon_ring.test.Leak[]
function M.since(before, account)
    local left = {}
    for name, kind in pairs(kinds) do
        for thing, about in pairs(kind.find()) do
            local owner = accounts.owner(thing)
            local is_new = not before.things[name][thing] and not told[thing]
            if is_new and (not owner or account:covers(owner)) then
                table.insert(left, { kind = name, thing = thing, text = kind.describe(thing, about) })
            end
        end
    end
    for about in pairs(collected) do
        if account:covers(about.account) then
            table.insert(left, { kind = "collected", thing = about, text = about.text })
        end
    end
    add_counts(left, before)
    table.sort(left, function(a, b)
        return a.text < b.text
    end)
    return left
end

local function close(leak)
    local ok, err = pcall(kinds[leak.kind].close, leak.thing)
    if not ok and not errors.is(err, "cancelled") then -- else the run is being given up
        task.report(err, "", nil)
    end
end

--- Closes what is left, and calls `turn` after each kind, for what that sets free.
---@param left nylon_ring.test.Leak[]
---@param turn fun()
function M.close(left, turn)
    for _, name in ipairs(ORDER) do
        local any = false
        for _, leak in ipairs(left) do
            if leak.kind == name and kinds[name].find()[leak.thing] then
                any = true
                close(leak)
            end
        end
        if any then
            turn()
        end
    end
end

--- What is still open of it is not told again.
---@param left nylon_ring.test.Leak[]
function M.forget(left)
    for _, leak in ipairs(left) do
        if leak.kind == "collected" then
            collected[leak.thing] = nil
        elseif leak.thing then
            told[leak.thing] = true
        else
            told_counts[leak.kind] = told_counts[leak.kind] + leak.count
        end
    end
end

return M
