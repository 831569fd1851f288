-- Plugins that are written in Lua: handlers that run as tasks, behind the methods of a loaded plugin. For
-- specs, as a route, and as glue between plugins.
--
--     local greeter = nr.plugin_from_lua {
--         ["/hello"] = function(call) return "hello, " .. call.body end,
--         ["/ticks"] = function(call)
--             for i = 1, 3 do
--                 nr.sleep(10)
--                 call:frame(tostring(i))
--             end
--             call:finish()
--         end,
--     }
--     local status, body = greeter:call("/hello", "Ada")
--
-- A handler answers by what it returns (`status, body`, a body, or `nil, err`), by the methods of its
-- call, now or later, or never. When the caller's side ends the call, its task is cancelled; what must
-- go on all the same does so under `nr.shield`. What it raises is the status Panic.
--
-- Nothing of it is in C: it is not in `nr.plugins`, and collected like any table.

local calls = require "nylon_ring.call"
local core = require "nylon_ring.core"
local drain = require "nylon_ring.lua_plugin.drain"
local errors = require "nylon_ring.errors"
local exchanges = require "nylon_ring.lua_plugin.exchange"
local handlers = require "nylon_ring.lua_plugin.handler"
local lua_calls = require "nylon_ring.lua_plugin.call"
local lua_streams = require "nylon_ring.lua_plugin.stream"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local plugins = require "nylon_ring.plugin"
local requests = require "nylon_ring.request"
local streams = require "nylon_ring.stream"
local task = require "nylon_ring.task"

local getmetatable, pairs, setmetatable, tostring, type = getmetatable, pairs, setmetatable, tostring, type

local M = {}

local MADE = { name = true, timeout = true, version = true }
local COUNTERS = {
    "calls", "ok", "errors", "in_flight", "late", "duplicate", "unknown", "cancelled", "timeouts",
    "backpressure", "owed",
}

---@alias nylon_ring.LuaHandler fun(call: nylon_ring.LuaCall): any, any

---@class nylon_ring.LuaPluginOptions
---@field name? string "lua" by default
---@field version? string "0" by default
---@field timeout? number|false milliseconds: the default of its calls and streams; none by default

---@class nylon_ring.LuaPlugin: nylon_ring.Plugin
---@field package _handlers table<string, nylon_ring.LuaHandler>
---@field package _counts nylon_ring.Stats
---@field package _running table<nylon_ring.Task, nylon_ring.Exchange> handlers that are not done
---@field package _open table<nylon_ring.Exchange, true> calls and streams that have not ended
---@field package _gone boolean
---@field package _on_unload? fun() hears that everything is down
---@field package _idle? fun() hears that a call has ended or a handler is done
local LuaPlugin = { __tostring = plugins.Plugin.__tostring }
LuaPlugin.__index = LuaPlugin
M.LuaPlugin = LuaPlugin

local function is_callable(value)
    local meta = getmetatable(value)
    return type(value) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

local function check_handlers(given)
    if type(given) ~= "table" then
        misuse("nr.plugin_from_lua takes a table of handlers, not %s", type(given))
    end
    local copy = {}
    for path, handler in pairs(given) do
        if type(path) ~= "string" or not is_callable(handler) then
            misuse("a handler is [path] = function(call); this one is %s = %s", tostring(path), type(handler))
        end
        copy[path] = handler
    end
    return copy
end

---Makes a plugin of handlers: one a path or entry, `["*"]` for every other. Without that, a path that has
---none is refused with Unsupported.
---@param by_path table<string, nylon_ring.LuaHandler>
---@param opts? nylon_ring.LuaPluginOptions
---@return nylon_ring.LuaPlugin
function M.plugin_from_lua(by_path, opts)
    local checked = check_handlers(by_path)
    opts = opts or {}
    options.check("nr.plugin_from_lua", opts, MADE)
    local counts = {}
    for _, name in ipairs(COUNTERS) do
        counts[name] = 0
    end
    local caller = debug.getinfo(2, "Sl") or { short_src = "?", currentline = 0 } -- a task's own function
    return setmetatable({
        name = opts.name or "lua",
        version = opts.version or "0",
        abi = 1,
        path = ("%s:%d"):format(caller.short_src, caller.currentline),
        _handlers = checked,
        _timeout = options.limit("timeout", opts.timeout, 0),
        _counts = counts,
        _running = {},
        _open = {},
        _gone = false,
    }, LuaPlugin)
end

function LuaPlugin:_one_ended()
    if self._idle then
        self._idle()
    end
end

-- ---- Calling ----

local function gone(plugin)
    return errors.new {
        code = "plugin_unloaded",
        message = ("plugin '%s' was unloaded"):format(plugin.name),
        plugin = plugin.name,
    }
end

-- The texts of the request, the body and the options.
local function resolve(target, body, opts)
    if type(target) == "string" then
        local request, err = requests.of_target(target, true)
        return request and request._kept, request and requests.check_body(body or "") or err, opts
    end
    if type(body) ~= "string" then
        body, opts = nil, body
    end
    local request, err = target, nil
    if not requests.is(target) then
        requests.check(target)
        request, err = requests.new(target)
    end
    return request and request._kept, request and (body or request._kept.body) or err, opts
end

-- First values of the call's state: the options' go before the request's.
local function state_of(request, opts)
    return opts.state and requests.check_state(opts.state) or request.state
end

---Called with each call, stream and notification before its handler runs, where set: specs remember them.
---@type fun(plugin: nylon_ring.LuaPlugin, call: nylon_ring.LuaCall)|nil
M.on_call = nil

---Starts a handler. Nil and an Error where nothing was started.
---@return nylon_ring.Exchange|nil
---@return nylon_ring.LuaCall|nylon_ring.Error
local function start(plugin, request, body, state, exchange_options)
    if plugin._gone then
        return nil, gone(plugin)
    end
    local exchange = exchanges.new(plugin, request.path, exchange_options)
    local call = lua_calls.new(exchange, request, body, state)
    if M.on_call then
        M.on_call(plugin, call)
    end
    local handler = plugin._handlers[request.path] or plugin._handlers["*"]
    if handler then
        handlers.start(plugin, handler, call, exchange)
    else
        call:refuse()
    end
    return exchange, call
end

---As `nylon_ring.Plugin:call`.
---@async
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.CallOptions
---@param opts? nylon_ring.CallOptions
---@return integer|nil status
---@return string|nylon_ring.Error body
function LuaPlugin:call(target, body, opts)
    core.check()
    local request
    request, body, opts = resolve(target, body, opts)
    if not request then
        return nil, body
    end
    opts = opts or {}
    options.check("call", opts, calls.OPTIONS)
    local timeout = options.limit("timeout", opts.timeout, self._timeout)
    local exchange, err = start(self, request, body, state_of(request, opts), { streams = false })
    if not exchange then
        return nil, err
    end
    if exchange.open then
        exchange:wait(timeout, function()
            exchange:give_up "cancelled"
        end)
    end
    return exchange.status, exchange.body or exchange.err
end

---As `nylon_ring.Plugin:notify`: what the handler answers is dropped.
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.NotifyOptions
---@param opts? nylon_ring.NotifyOptions
---@return true|nil ok
---@return nylon_ring.Error? err
function LuaPlugin:notify(target, body, opts)
    local request
    request, body, opts = resolve(target, body, opts)
    if not request then
        return nil, body
    end
    opts = opts or {}
    options.check("notify", opts, calls.NOTIFY)
    local state = state_of(request, opts)
    local exchange, err = start(self, request, body, state, { streams = false, notified = true })
    if not exchange or exchange.err then
        return nil, exchange and exchange.err or err
    end
    exchange:forget()
    return true
end

---As `nylon_ring.Plugin:call_stream`.
---@async
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.StreamOptions
---@param opts? nylon_ring.StreamOptions
---@return nylon_ring.LuaStream|nil stream
---@return nylon_ring.Error? err
function LuaPlugin:call_stream(target, body, opts)
    core.check()
    local request
    request, body, opts = resolve(target, body, opts)
    if not request then
        return nil, body
    end
    opts = opts or {}
    streams.check_options(opts)
    local timeout = options.limit("timeout", opts.timeout, self._timeout)
    local deadline = options.limit("deadline", opts.deadline, 0)
    local exchange, call = start(self, request, body, state_of(request, opts), {
        streams = true,
        max_frames = options.limit("max_frames", opts.max_frames, 0),
        max_bytes = options.limit("max_bytes", opts.max_bytes, 0),
    })
    if not exchange then
        return nil, call
    elseif exchange.err and not exchange:has_frames() then
        return nil, exchange.err
    end
    return lua_streams.new(exchange, call, timeout, deadline)
end

-- ---- What is known ----

---What was counted since the plugin was made.
---@return nylon_ring.Stats|nil stats nil once it is unloaded
---@return nylon_ring.Error? err
function LuaPlugin:stats()
    if self._gone then
        return nil, gone(self)
    end
    local stats = {}
    for name, value in pairs(self._counts) do
        stats[name] = value
    end
    stats.owed = drain.owed(self)
    return stats
end

---All that is known of the plugin; its path is where it was made.
---@return nylon_ring.PluginInfo|nil info nil once it is unloaded
---@return nylon_ring.Error? err
function LuaPlugin:info()
    if self._gone then
        return nil, gone(self)
    end
    return {
        name = self.name,
        own_name = self.name,
        version = self.version,
        path = self.path,
        abi = self.abi,
        serial = 1,
        trace = 0,
        has_cancel = true,
        has_writable = true,
        takes_input = true,
    }
end

---Nothing crosses an ABI here: there is nothing to record.
---@return nil
---@return nylon_ring.Error err
function LuaPlugin:trace()
    return nil,
        errors.new {
            code = "unsupported",
            message = ("plugin '%s' is written in Lua: it has no ABI to be traced"):format(self.name),
            plugin = self.name,
        }
end

---What crossed its ABI: nothing does.
---@return nylon_ring.AbiEvent[] events none
function LuaPlugin:events() -- luacheck: ignore 212
    return { lost = 0 }
end

-- ---- The end ----

---Refuses new calls, lets open ones finish for `grace` milliseconds, and cancels the handlers that are
---left. Suspends until that is done; a task that is cancelled meanwhile does not stop it.
---@async
---@param opts? { grace?: number } 5,000 by default; 0 answers `plugin_busy` while calls are open
---@return nylon_ring.UnloadReport|nil report
---@return nylon_ring.Error? err
function LuaPlugin:unload(opts)
    core.check()
    opts = opts or {}
    options.check("unload", opts, plugins.UNLOAD)
    local grace = options.grace(opts.grace)
    if self._gone then
        return nil, gone(self)
    elseif grace == 0 and self._counts.in_flight > 0 then
        local message = ("plugin '%s' has %d open calls"):format(self.name, self._counts.in_flight)
        return nil, errors.new { code = "plugin_busy", message = message, plugin = self.name }
    end
    self._gone = true
    local draining = task.new(drain.drain, nil, function() end)
    task.start(draining, self, grace)
    return draining:join()
end

---There is no file to load anew: unload the plugin and make another one.
---@async
---@param opts? { grace?: number, path?: string }
---@return nil
---@return nylon_ring.Error err
function LuaPlugin:reload(opts)
    core.check()
    options.check("reload", opts or {}, plugins.RELOAD)
    if self._gone then
        return nil, gone(self)
    end
    return nil,
        errors.new {
            code = "unsupported",
            message = ("plugin '%s' is written in Lua: unload it and make another"):format(self.name),
            plugin = self.name,
        }
end

return M
