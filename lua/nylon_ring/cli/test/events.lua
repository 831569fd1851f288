--- An output handler for busted that tells another process what happens, as one JSON object a line on the
--- file descriptor that NYLON_RING_TEST_EVENTS names. `nylon-ring test --isolate` is that other process.
---
---     load     a plugin is about to be loaded: path
---     start    of a spec: path (the names of its blocks), name, trace, plugins
---     problem  kind (failure, error, pending), within (its descriptor), name, message, trace (where it was
---              raised), place (where what it is in was written)
---     end      of the spec: status, duration, seed
---     limit    that is over next, unless it is told again: ms, text; without, there is none
---     exit     every spec had its turn
local busted = require "busted"
local cjson = require "cjson"
local core = require "nylon_ring.core"
local deadlines = require "nylon_ring.test.deadlines"
local ffi = require "ffi"
local nr = require "nylon_ring"
local uv = require "luv"

local descriptor = tonumber(os.getenv "NYLON_RING_TEST_EVENTS")

-- How much is handed over at once: what was not taken of it is cut off and handed over again.
local PIECE = 65536

-- False where nobody reads any more.
local function write_piece(text)
    while #text > 0 do
        local written, _, code = uv.fs_write(descriptor, text, -1)
        if not written and code ~= "EAGAIN" and code ~= "EINTR" then
            return false
        end
        text = text:sub((written or 0) + 1)
    end
    return true
end

-- The line end before it keeps an event apart from what a spec has written there.
local function tell(event)
    local text = "\n" .. cjson.encode(event) .. "\n"
    for from = 1, #text, PIECE do
        if not write_piece(text:sub(from, from + PIECE - 1)) then
            return
        end
    end
end

-- What a spec starts shall not hold the other process's end open.
local function close_on_exec()
    local F_SETFD, FD_CLOEXEC = 2, 1
    ffi.cdef "int fcntl(int, int, ...);"
    ffi.C.fcntl(descriptor, F_SETFD, ffi.cast("int", FD_CLOEXEC))
end

local function plain_trace(trace)
    return trace
        and { short_src = trace.short_src, currentline = trace.currentline, traceback = trace.traceback }
end

local function plugin_names()
    local names = {}
    for _, plugin in ipairs(nr.plugins()) do
        table.insert(names, plugin.name)
    end
    return names
end

local function block_names(parent)
    local names = {}
    while parent and parent.descriptor ~= "file" and parent.descriptor ~= "suite" do
        table.insert(names, 1, tostring(parent.name or parent.descriptor))
        parent = busted.parent(parent)
    end
    return names
end

-- A plugin that crashes while it is loaded is to be known. `nr.load` stays what scripts know.
local function tell_loads()
    local load = core.load
    function core.load(path, ...)
        tell { event = "load", path = path }
        return load(path, ...)
    end
end

local function on(channel, fn)
    busted.subscribe(channel, function(...)
        fn(...)
        return nil, true
    end)
end

local function tell_problems(kind, full_name)
    on({ kind }, function(element, _, message, trace)
        tell {
            event = "problem",
            kind = kind,
            within = element.descriptor or "suite",
            name = element.descriptor and full_name(element),
            message = message ~= nil and tostring(message) or nil,
            trace = plain_trace(trace and trace.short_src and trace or element.trace),
            place = plain_trace(element.trace),
        }
    end)
end

local function tell_specs()
    on({ "test", "start" }, function(element, parent)
        tell {
            event = "start",
            path = block_names(parent),
            name = tostring(element.name or element.descriptor),
            trace = plain_trace(element.trace),
            plugins = plugin_names(),
        }
    end)
    on({ "test", "end" }, function(element, parent, status)
        tell { event = "end", status = status, duration = element.duration, seed = parent.randomseed }
    end)
end

return function()
    local handler = require "busted.outputHandlers.base"()
    close_on_exec()
    tell_loads()
    function deadlines.on_arm(ms, text)
        tell { event = "limit", ms = ms, text = text }
    end
    tell_specs()
    for _, kind in ipairs { "failure", "error", "pending" } do
        tell_problems(kind, handler.getFullName)
    end
    on({ "exit" }, function()
        tell { event = "exit" }
    end)
    return handler
end
