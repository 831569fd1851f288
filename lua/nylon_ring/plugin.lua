-- Plugins: loading, what is known of them, reloading and unloading.

local core = require "nylon_ring.core"
local calls = require "nylon_ring.call"
local errors = require "nylon_ring.errors"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local streams = require "nylon_ring.stream"
local trace = require "nylon_ring.trace"

local ipairs, setmetatable, type = ipairs, setmetatable, type

local M = {}

local LOAD = { name = true, timeout = true, abi = true, trace = true }
local UNLOAD = { grace = true }
local RELOAD = { grace = true, path = true }
M.UNLOAD, M.RELOAD = UNLOAD, RELOAD

---@class nylon_ring.LoadOptions
---@field name? string under which it is known; the plugin's own name by default
---@field timeout? number|false milliseconds: the default of its calls and streams; none by default
---@field abi? 1|2 only this generation
---@field trace? integer|boolean as `plugin:trace`, from its `init` on

---@class nylon_ring.CallOptions
---@field timeout? number|false milliseconds that the answer may take; false: none
---@field state? table<string, string> first values of the call's state, in place of the request's

---@class nylon_ring.NotifyOptions
---@field state? table<string, string> first values of the call's state, in place of the request's

---@class nylon_ring.Stats
---@field calls integer calls, streams and notifications that were started
---@field ok integer those that ended with Ok or StreamEnd
---@field errors integer those that ended otherwise, but for timeouts and cancelled ones
---@field in_flight integer those that are open now
---@field late integer answers to calls that were given up: dropped
---@field duplicate integer answers to calls that were answered already: dropped
---@field unknown integer answers to calls that there never were: dropped
---@field cancelled integer calls that were given up because nobody wanted them any more
---@field timeouts integer calls that were given up because of a limit
---@field backpressure integer frames that a stream had no room for
---@field owed integer answers to calls that were given up which the plugin has not sent yet

---@class nylon_ring.UnloadReport
---@field unmapped boolean the file is no longer in memory
---@field reason? string why it still is
---@field completed integer calls that were ended by the unload
---@field owed integer answers that the plugin had not sent
---@field error? string "drain_timeout" when calls had to be ended

---@class nylon_ring.Plugin
---@field name string under which it is known
---@field version string the plugin's own
---@field abi integer 1 or 2
---@field path string of its file
---@field package _handle userdata
---@field package _c ffi.cdata* the same for compiled code
---@field package _timeout number
---@field package _targets table<string, nylon_ring.Request> short forms that were prepared
---@field package _targets_left integer
---@field package _tables integer requests that came as tables
local Plugin = {}
Plugin.__index = Plugin
M.Plugin = Plugin

Plugin.call = calls.call
Plugin.notify = calls.notify
Plugin.call_stream = streams.call_stream
Plugin.trace = trace.trace
Plugin.events = trace.events

---@type nylon_ring.Plugin[] in the order of loading
local loaded = {}

local function forget(plugin)
    for i, each in ipairs(loaded) do
        if each == plugin then
            table.remove(loaded, i)
            return
        end
    end
end

local function is_there(plugin)
    return plugin._c.plugin ~= nil
end

local function take_info(plugin)
    local info = core.info(plugin._handle)
    plugin.name, plugin.version, plugin.abi, plugin.path = info.name, info.version, info.abi, info.path
    calls.forget_targets(plugin)
end

-- C would cut a text at a NUL byte, and turn other values into one.
local function check_text(what, value)
    if type(value) ~= "string" then
        misuse("%s, not %s", what, type(value))
    elseif value:find("\0", 1, true) then
        misuse("%s, without NUL bytes", what)
    end
end

local function check_load(path, opts)
    check_text("nr.load takes the path of a plugin", path)
    options.check("nr.load", opts, LOAD)
    if opts.name ~= nil then
        check_text("a plugin's name must be a string", opts.name)
    end
    if opts.abi ~= nil and opts.abi ~= 1 and opts.abi ~= 2 then
        misuse("abi must be 1, 2, or left out; not %s", tostring(opts.abi))
    end
end

---Called with each plugin that is loaded, where set: a test runner remembers where that was.
---@type fun(plugin: nylon_ring.Plugin)|nil
M.on_load = nil

---Loads a plugin from a private copy of its file.
---@param path string
---@param opts? nylon_ring.LoadOptions
---@return nylon_ring.Plugin|nil plugin
---@return nylon_ring.Error? err
function M.load(path, opts)
    opts = opts or {}
    check_load(path, opts)
    local timeout = options.limit("timeout", opts.timeout, 0)
    local traced = trace.capacity("trace", opts.trace, trace.default)
    local handle, err = core.load(path, opts.name, opts.abi, traced)
    if not handle then
        return nil, err
    end
    local plugin = setmetatable({
        _handle = handle,
        _c = ffi.cast("nr__handle_t *", handle),
        _timeout = timeout,
        _tables = 0,
    }, Plugin)
    take_info(plugin)
    loaded[#loaded + 1] = plugin
    if M.on_load then
        M.on_load(plugin)
    end
    return plugin
end

---The plugins that are loaded, in the order of loading.
---@return nylon_ring.Plugin[]
function M.plugins()
    local list = {}
    for _, plugin in ipairs(loaded) do
        if is_there(plugin) then
            list[#list + 1] = plugin
        end
    end
    return list
end

---The plugin of this name, or nil.
---@param name string
---@return nylon_ring.Plugin|nil
function M.plugin(name)
    for _, plugin in ipairs(loaded) do
        if plugin.name == name and is_there(plugin) then
            return plugin
        end
    end
end

local function gone(plugin)
    return nil,
        errors.new {
            code = "plugin_unloaded",
            message = ("plugin '%s' was unloaded"):format(plugin.name),
            plugin = plugin.name,
        }
end

---What the host has counted since the plugin was loaded.
---@return nylon_ring.Stats|nil stats nil once it is unloaded
---@return nylon_ring.Error? err
function Plugin:stats()
    local stats = core.stats(self._handle)
    if not stats then
        return gone(self)
    end
    return stats
end

---All that is known of the plugin.
---@return nylon_ring.PluginInfo|nil info nil once it is unloaded
---@return nylon_ring.Error? err
function Plugin:info()
    local info = core.info(self._handle)
    if not info then
        return gone(self)
    end
    return info
end

---Refuses new calls, lets open ones finish for `grace` milliseconds, then shuts the plugin down. Suspends
---until that is done; a task that is cancelled meanwhile does not stop it.
---@async
---@param opts? { grace?: number } 5,000 by default; 0 answers `plugin_busy` while calls are open
---@return nylon_ring.UnloadReport|nil report
---@return nylon_ring.Error? err
function Plugin:unload(opts)
    core.check()
    opts = opts or {}
    options.check("unload", opts, UNLOAD)
    local unload, err = core.unload(self._handle, options.grace(opts.grace))
    if not unload then
        return nil, err
    end
    forget(self)
    return (calls.settle(core.await_unload(unload, self._handle, "unload")))
end

---Loads the file anew and swaps: new calls go to the new code, open ones finish on the old, which is then
---shut down as by `unload`. On failure the old code keeps serving.
---@async
---@param opts? { grace?: number, path?: string }
---@return nylon_ring.UnloadReport|nil report of the old code
---@return nylon_ring.Error? err
function Plugin:reload(opts)
    core.check()
    opts = opts or {}
    options.check("reload", opts, RELOAD)
    if opts.path ~= nil then
        check_text("reload takes the path of a plugin", opts.path)
    end
    local unload, err = core.reload(self._handle, opts.path, options.grace(opts.grace))
    if not unload then
        return nil, err
    end
    take_info(self)
    return (calls.settle(core.await_unload(unload, self._handle, "reload")))
end

function Plugin.__tostring(plugin)
    return ("plugin '%s' (%s)"):format(plugin.name, plugin.path)
end

return M
