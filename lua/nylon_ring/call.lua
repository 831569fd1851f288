-- Unary calls. Two ways lead to a plugin: the FFI, for answers that are there when `handle` returns, which
-- compiles to a bare call; and a C function that yields, for the others. A target that was seen to suspend
-- takes the second way, until it has been answered inside `handle` often enough again.

local await = require "nylon_ring.await"
local core = require "nylon_ring.core"
local fast = require "nylon_ring.fast"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local requests = require "nylon_ring.request"

local error, getmetatable, tonumber, type = error, getmetatable, tonumber, type
local ffi_string = ffi.string
local core_await, core_call, core_failure, core_result = core.await, core.call, core.failure, core.result
local raised = core.raised
local Request, unknown = requests.Request, requests.unknown

local M = {}

local DONE, PENDING, INTERRUPTED = 1, 0, 2
local MAX_TARGETS = 512 -- prepared short forms a plugin; they are forgotten when there are more

local CALL = { timeout = true, state = true }
M.OPTIONS = CALL
local NOTIFY = {}

-- What a suspension gave: an error to raise at the caller, or the answer.
local function settle(status, body)
    if status == raised then
        error(body, 0)
    end
    return status, body
end
M.settle = settle

-- ---- What is called ----

-- The prepared request of a short form, made at its first use.
local function prepare_target(plugin, target)
    local request, err = requests.of_target(target, plugin.abi == 1)
    if not request then
        return nil, err
    end
    if plugin._targets_left == 0 then
        plugin._targets, plugin._targets_left = {}, MAX_TARGETS
    end
    plugin._targets[target] = request
    plugin._targets_left = plugin._targets_left - 1
    return request
end

---Forgets what was prepared: the plugin may now understand it differently.
function M.forget_targets(plugin)
    plugin._targets, plugin._targets_left = {}, MAX_TARGETS
end

-- A table that is used once learns through the prepared request of its path.
local function of_table(plugin, request)
    requests.check(request)
    local c, err = requests.fill(request)
    if not c then
        return nil, err
    end
    local known = plugin._targets[request.path]
    if known then
        c.target = known._c
    end
    return c
end

---What to start a call with: the prepared request and its target as text, the body, the options.
---@return ffi.cdata*|nil c
---@return any target the text; where `c` is nil an Error
---@return string body
---@return table|nil opts
local function resolve(plugin, target, body, opts)
    if type(plugin) ~= "table" then
        misuse("the plugin is missing: call with a colon, as in plugin:call(...)")
    elseif type(target) == "string" then
        local request = plugin._targets[target]
        if not request then
            local err
            request, err = prepare_target(plugin, target)
            if not request then
                return nil, err, "", nil
            end
        end
        if body == nil then
            body = ""
        elseif type(body) ~= "string" then
            requests.check_body(body)
        end
        return request._c, target, body, opts
    end
    if type(body) ~= "string" then
        body, opts = nil, body
    end
    if getmetatable(target) == Request then
        return target._c, target._kept.path, body or target._kept.body, opts
    end
    local c, err = of_table(plugin, target)
    if not c then
        return nil, err, "", nil
    end
    return c, target.path, body or requests.check_body(target.body or ""), opts
end
M.resolve = resolve

-- ---- Calling ----

-- A table's target was left pending and nothing is known of it yet: the next one takes the way that suspends.
local function learn(plugin, target)
    local request = prepare_target(plugin, target)
    if request then
        request._c.suspends = unknown.suspends
    end
    unknown.suspends = 0
end

local call_fast

-- Starts a call through the FFI, and waits for it where the answer is not there yet.
function call_fast(plugin, c, target, body, timeout)
    local rc = fast.call(fast, plugin._c, c, body, #body, timeout)
    if rc == DONE then
        local result = fast.result
        if result.error ~= 0 then
            return core_result(plugin._handle, target)
        end
        local status, data = result.status, ffi_string(result.data, tonumber(result.len))
        if result.release ~= nil then
            fast.release(fast)
        end
        return status, data
    elseif rc == PENDING then
        if unknown.suspends ~= 0 then
            learn(plugin, target)
        end
        return settle(core_await(plugin._handle, target, timeout))
    elseif rc == INTERRUPTED then
        await.sleep(1) -- past the loop's poll, which sees the signal; the task may be cancelled here
        return call_fast(plugin, c, target, body, timeout)
    end
    return core_failure(plugin._handle)
end

---Calls the plugin and suspends the running task until the answer is there.
---
---    plugin:call("/path?query", body, opts)        a v1 plugin
---    plugin:call("entry", payload, opts)           a v2 plugin
---    plugin:call({ path = ..., ... }, opts)        or what nr.request has made
---
---@async
---@param plugin nylon_ring.Plugin
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.CallOptions with a request: the options
---@param opts? nylon_ring.CallOptions
---@return integer|nil status nil when the host ended the call
---@return string|nylon_ring.Error body
function M.call(plugin, target, body, opts)
    if fast.current == nil then
        core.check()
    end
    local c
    c, target, body, opts = resolve(plugin, target, body, opts)
    if not c then
        return nil, target
    end
    local timeout, state = plugin._timeout, nil
    if opts ~= nil then
        options.check("call", opts, CALL)
        timeout, state = options.limit("timeout", opts.timeout, timeout), opts.state
    end
    if c.target.suspends == 0 and state == nil then
        return call_fast(plugin, c, target, body, timeout)
    end
    return settle(core_call(plugin._handle, target, c, body, timeout, state))
end

---Tells the plugin something, without waiting for an answer: it is done when `handle` returns.
---@param plugin nylon_ring.Plugin
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|table
---@param opts? table none are known so far
---@return true|nil ok
---@return nylon_ring.Error? err
function M.notify(plugin, target, body, opts)
    local c
    c, target, body, opts = resolve(plugin, target, body, opts)
    if not c then
        return nil, target
    end
    if opts ~= nil then
        options.check("notify", opts, NOTIFY)
    end
    if fast.notify(fast, plugin._c, c, body, #body) ~= 0 then
        return core_failure(plugin._handle)
    end
    return true
end

return M
