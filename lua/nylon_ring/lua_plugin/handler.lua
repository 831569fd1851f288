-- The task of a handler: what it returns or raises becomes its call's answer.

local core = require "nylon_ring.core"
local errors = require "nylon_ring.errors"
local relay = require "nylon_ring.lua_plugin.relay"
local report = require "nylon_ring.report"
local task = require "nylon_ring.task"

local type = type

local M = {}

-- What a handler's values stand for, where it has not answered itself.
local function answer(call, exchange, first, second)
    if not exchange.open then
        return
    elseif type(first) == "number" or type(first) == "string" then
        call:reply(first, second)
    elseif type(first) == "table" and type(first.recv) == "function" then
        relay.frames(call, first)
    elseif first == nil and second ~= nil then
        if errors.is(second) then
            call:stop(second)
        else
            call:fail(report.text_of(second))
        end
    elseif first ~= nil then
        error(("a handler answered a %s"):format(type(first)), 0)
    end
end

local function run_handler(handler, call, exchange)
    answer(call, exchange, handler(call))
end

local function take_outcome(exchange, done)
    if done._state == "cancelled" and exchange.open then
        exchange:stop(done._err)
    elseif done._state == "failed" and exchange.open then
        exchange:send(core.statuses.PANIC, report.text_of(done._err))
    elseif done._state == "failed" then
        task.report(done._err, done._traceback, done)
    end
end

local function handler_done(plugin, exchange, done)
    plugin._running[done] = nil
    take_outcome(exchange, done)
    plugin:_one_ended()
end

---Runs a handler as a task of nobody's: who calls may be gone before it is.
---@param plugin nylon_ring.LuaPlugin
---@param handler nylon_ring.LuaHandler
---@param call nylon_ring.LuaCall
---@param exchange nylon_ring.Exchange
function M.start(plugin, handler, call, exchange)
    local running = task.new(run_handler, nil, function(done)
        handler_done(plugin, exchange, done)
    end)
    if type(handler) == "function" then
        running._fn = handler
    end
    plugin._running[running] = exchange
    exchange:on_leave(function()
        if plugin._running[running] then
            running:cancel "the caller gave the call up"
        end
    end)
    task.start(running, handler, call, exchange)
end

return M
