--- `nr.test.plugin`: a plugin for the specs of a block, loaded before the first and unloaded after the last.
local in_task = require "nylon_ring.test.in_task"
local misuse = require "nylon_ring.misuse"
local nr = require "nylon_ring"
local options = require "nylon_ring.options"
local stage = require "nylon_ring.test.stage"
local text = require "nylon_ring.io.text"
local waits = require "nylon_ring.test.waits"

local M = {}

local OPTIONS = { name = true, timeout = true, abi = true, grace = true, owes = true, trace = true }

---@class nylon_ring.test.PluginOptions
---@field name? string under which it is known; the plugin's own name by default
---@field timeout? number|false milliseconds: the default of its calls and streams; none by default
---@field abi? 1|2 only this generation
---@field trace? integer|boolean as for `nr.load`; 256 by default, where `nylon-ring test` runs
---@field grace? number milliseconds that open calls may take when it is unloaded; 1,000 by default
---@field owes? boolean it may leave calls without an answer

---What a fixture stands for while it is loaded.
---@type table<table, nylon_ring.Plugin>
local loaded = setmetatable({}, { __mode = "k" })
local paths = setmetatable({}, { __mode = "k" })
local places = setmetatable({}, { __mode = "k" })

local function plugin_of(fixture)
    local plugin = loaded[fixture]
    if not plugin then
        error(("plugin '%s' is loaded by the block's setup: use it in hooks and specs"):format(
            paths[fixture]), 3)
    end
    return plugin
end

local Fixture = {}

function Fixture.__index(fixture, key)
    local value = plugin_of(fixture)[key]
    if type(value) ~= "function" then
        return value
    end
    local function method(self, ...)
        if self == fixture then
            self = plugin_of(fixture)
        end
        return value(self, ...)
    end
    rawset(fixture, key, method)
    return method
end

function Fixture.__newindex(fixture, key, value)
    plugin_of(fixture)[key] = value
end

function Fixture.__tostring(fixture)
    return tostring(loaded[fixture] or ("plugin '%s', not loaded"):format(paths[fixture]))
end

-- Fails a hook at the line that asked for the plugin.
local function fail(fixture, message)
    error(("%s: %s"):format(places[fixture] or "nr.test.plugin", tostring(message)), 0)
end

local function load(fixture, opts)
    local plugin, err = nr.load(paths[fixture], {
        name = opts.name,
        timeout = opts.timeout,
        abi = opts.abi,
        trace = opts.trace,
    })
    if not plugin then
        fail(fixture, err)
    end
    loaded[fixture] = plugin
end

local function describe_debts(plugin, report, grace)
    return ("plugin '%s' was unloaded and still owes %s, after %d ms; `owes = true` allows that"):format(
        plugin.name, text.plural(report.owed, "answer"), grace)
end

local function unload(fixture, opts)
    local plugin, grace = loaded[fixture], opts.grace or 1000
    loaded[fixture] = nil
    if not plugin or not plugin:info() then
        return -- setup failed, or a spec has unloaded it
    end
    local report, err = plugin:unload { grace = grace }
    if not report then
        fail(fixture, err)
    elseif report.owed > 0 and not opts.owes then
        fail(fixture, describe_debts(plugin, report, grace))
    end
end

-- Busted runs teardowns in the order in which they were registered: the last one is moved behind those that
-- come after it and may use the plugin, by the function that this answers.
local function mover()
    local block = stage.block()
    local teardowns = block and block.strict_teardown or {}
    local own = teardowns[#teardowns]
    return function()
        for index, each in ipairs(teardowns) do
            if each == own then
                table.insert(teardowns, table.remove(teardowns, index))
                return
            end
        end
    end
end

local function check(path, opts)
    if type(path) ~= "string" then
        misuse("nr.test.plugin takes the path of a plugin, not %s", type(path))
    end
    options.check("nr.test.plugin", opts, OPTIONS)
    if stage.spec() or stage.hook() then
        misuse "nr.test.plugin is for a describe, or the top of a file; specs and hooks have nr.load"
    end
end

---A plugin for the specs of the block (`describe`, or the file) that this is called in. What it answers is
---used as a plugin is, in hooks and specs. It is loaded in the block's setup and unloaded in its teardown,
---which fails where the plugin has not answered every call by then.
---@param path string
---@param opts? nylon_ring.test.PluginOptions
---@return nylon_ring.Plugin
function M.plugin(path, opts)
    opts = opts or {}
    check(path, opts)
    local busted = require "busted"
    local fixture = setmetatable({}, Fixture)
    paths[fixture], places[fixture] = path, waits.here()
    stage.watch()
    local unloads_last
    busted.setup(in_task(function()
        unloads_last()
        load(fixture, opts)
    end))
    busted.teardown(in_task(function()
        unload(fixture, opts)
    end))
    unloads_last = mover()
    return fixture
end

return M
