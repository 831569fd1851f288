--- luv as specs see it: handles are put on the account of what makes them, callbacks run on the account of
--- what gave them, and requests are known until they are answered.
local accounts = require "nylon_ring.test.accounts"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local M = {}

local CONSTRUCTORS = {
    "new_async", "new_check", "new_fs_event", "new_fs_poll", "new_idle", "new_pipe", "new_poll",
    "new_prepare", "new_signal", "new_socket_poll", "new_tcp", "new_timer", "new_tty", "new_udp", "spawn",
}

-- Functions that take callbacks of handles; those of threads are run elsewhere, and are left alone.
local WITH_CALLBACK = {
    "check_start", "close", "fs_event_start", "fs_poll_start", "idle_start", "listen", "pipe_connect",
    "poll_start", "prepare_start", "read_start", "shutdown", "signal_start", "signal_start_oneshot",
    "tcp_close_reset", "tcp_connect", "timer_start", "udp_recv_start", "udp_send", "write", "write2",
}
local METHODS = {
    "close", "close_reset", "closedir", "connect", "listen", "read_start", "readdir", "recv_start", "send",
    "shutdown", "start", "start_oneshot", "write", "write2",
}

-- Requests that are answered by themselves, soon.
local REQUESTS = { "getaddrinfo", "getnameinfo", "random" }
for name in pairs(uv) do
    if name:find "^fs_" and not name:find "^fs_event_" and not name:find "^fs_poll_" then
        table.insert(REQUESTS, name)
    end
end

---@class nylon_ring.test.Request
---@field name string of luv's function
---@field made? userdata
---@field answered? boolean

---@type table<nylon_ring.test.Request, true> those that were not answered yet
local requests = {}

local function with_bound(...)
    local args, count = { ... }, select("#", ...)
    for index = 1, count do
        if type(args[index]) == "function" then
            args[index] = accounts.bound(args[index])
        end
    end
    return unpack(args, 1, count)
end

local function binds(fn)
    return function(handle, ...)
        if timers.owns(handle) then
            return fn(handle, ...)
        end
        return fn(handle, with_bound(...))
    end
end

local function noted(handle, ...)
    if type(handle) == "userdata" then
        accounts.note(handle)
    end
    return handle, ...
end

local function makes(fn)
    return function(...)
        return noted(fn(with_bound(...)))
    end
end

local function begun(request, made, ...)
    if type(made) == "userdata" and not request.answered then
        request.made = made
        requests[request] = true
        accounts.note(request)
    end
    return made, ...
end

local function ask(name, fn, place, ...)
    local args, callback = { ... }, (select(place, ...))
    local request = { name = name }
    args[place] = accounts.bound(function(...)
        request.answered, requests[request] = true, nil
        return callback(...)
    end)
    return begun(request, fn(unpack(args, 1, select("#", ...))))
end

-- A request is open until its callback has run.
local function asks(fn, name)
    return function(...)
        for place = 1, select("#", ...) do
            if type((select(place, ...))) == "function" then
                return ask(name, fn, place, ...)
            end
        end
        return fn(...)
    end
end

---@class nylon_ring.test.WorkContext
---@field work function|string runs on another thread, and is left alone
---@field after function

---@type table<userdata, nylon_ring.test.WorkContext>
local works = setmetatable({}, { __mode = "k" })

local function makes_work(fn)
    return function(work, after, ...)
        local made = fn(work, after, ...)
        works[made] = { work = work, after = after }
        return made
    end
end

-- Each is queued on a context of its own: luv calls back without saying which of them it was.
local function queues(new_work)
    return function(fn)
        return function(context, ...)
            local known = works[context]
            if known then
                context = new_work(known.work, accounts.bound(known.after))
            end
            return fn(context, ...)
        end
    end
end

local function wrap(tables, names, wrapper)
    for _, name in ipairs(names) do
        for _, functions in ipairs(tables) do
            if functions[name] then
                functions[name] = wrapper(functions[name], name)
            end
        end
    end
end

local function method_tables()
    local list, seen = {}, {}
    for name, meta in pairs(debug.getregistry()) do
        local methods = type(name) == "string" and name:find "^uv_" and type(meta) == "table" and meta.__index
        if type(methods) == "table" and not seen[methods] then
            seen[methods] = true
            table.insert(list, methods)
        end
    end
    return list
end

--- Changes luv for good.
function M.watch()
    wrap({ uv }, CONSTRUCTORS, makes)
    wrap({ uv }, WITH_CALLBACK, binds)
    wrap(method_tables(), METHODS, binds)
    wrap({ uv }, REQUESTS, asks)
    local work = debug.getregistry().luv_work_ctx
    wrap({ uv, work and work.__index }, { "queue", "queue_work" }, queues(uv.new_work))
    wrap({ uv }, { "new_work" }, makes_work)
end

---@return table<nylon_ring.test.Request, true> those that were not answered yet; a copy
function M.requests()
    local copy = {}
    for request in pairs(requests) do
        copy[request] = true
    end
    return copy
end

return M
