-- Unary calls. Two ways lead to a plugin: the FFI, for answers that are there when `handle` returns, which
-- compiles to a bare call; and a C function that yields, for the others. A target that was seen to suspend
-- takes the second way, until it has been answered inside `handle` often enough again.

local await = require "nylon_ring.await"
local by_hand = require "nylon_ring.by_hand"
local core = require "nylon_ring.core"
local fast = require "nylon_ring.fast"
local ffi = require "ffi"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local requests = require "nylon_ring.request"
local timers = require "nylon_ring.timers"
local unread = require "nylon_ring.unread"

local error, getmetatable, pcall, type = error, getmetatable, pcall, type
local ffi_string = ffi.string
local core_await, core_call, core_failure, core_result = core.await, core.call, core.failure, core.result
local raised = core.raised
local Request = requests.Request
local fast_call, text = fast.call, fast.text

local M = {}

-- What `fast.call` returns.
local PENDING, PLAIN, KEPT, ODD, OUTSIDE, INTERRUPTED, UNREAD = 0, 1, 2, 3, 4, 5, 6

-- Calls that go the way that suspends after one had to wait. When so many in a row were answered inside
-- `handle` after all, the next one tries the fast way again.
local SLOW = 32

local MAX_TARGETS = 512 -- prepared short forms a plugin; they are forgotten when there are more

local CALL = { timeout = true, state = true }
M.OPTIONS = CALL
local NOTIFY = { state = true }
M.NOTIFY = NOTIFY

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

---What to start a call with.
---@return ffi.cdata*|nil c
---@return any target as text; where `c` is nil an Error
---@return string body
---@return table|nil opts
---@return nylon_ring.Request|nil learner remembers which way calls of this target go; a table that is used
---once learns through the prepared request of its path, as soon as there is one
---@return table<string, string>|nil state of the request
local function resolve(plugin, target, body, opts)
    if type(plugin) ~= "table" then
        misuse("the plugin is missing: call with a colon, as in plugin:call(...)")
    elseif type(target) == "string" then
        local request = plugin._targets[target]
        if not request then
            local err
            request, err = prepare_target(plugin, target)
            if not request then
                return nil, err, "", nil, nil
            end
        end
        if type(body) ~= "string" then
            body = requests.check_body(body or "")
        end
        return request._c, target, body, opts, request
    end
    if type(body) ~= "string" then
        body, opts = nil, body
    end
    if getmetatable(target) == Request then
        local kept = target._kept
        return target._c, kept.path, body or kept.body, opts, target, kept.state
    end
    requests.check(target)
    local nth = plugin._tables + 1
    plugin._tables = nth
    local c, err = requests.fill(target, nth)
    if not c then
        return nil, err, "", nil, nil
    end
    local path = target.path
    body = body or requests.check_body(target.body or "")
    return c, path, body, opts, plugin._targets[path], target.state
end
M.resolve = resolve

-- ---- Calling ----

-- A signal has come: a loop of calls that are answered at once would never let the event loop see it. The
-- request is resolved anew afterwards, because another task may have used the scratch one.
local function call_again(plugin, request, body, timeout, state)
    await.let_signal_in()
    return M.call(plugin, request, body, { timeout = timeout > 0 and timeout, state = state })
end

-- Starts a call through the FFI, and waits for it where the answer is not there yet.
local function call_fast(plugin, learner, c, request, target, body, timeout)
    local rc = fast_call(fast, plugin._c, c, body, #body, timeout)
    if rc == PLAIN then
        return fast.status, ffi_string(text, fast.size)
    elseif rc == KEPT then
        local status, data = fast.status, ffi_string(fast.data, fast.size)
        fast.release(fast)
        return status, data
    elseif rc == PENDING then
        learner = learner or prepare_target(plugin, target)
        if learner then
            learner._slow = SLOW
        end
        return settle(core_await(plugin._handle, target, timeout))
    elseif rc == ODD then
        return core_result(plugin._handle, target)
    elseif rc == INTERRUPTED then
        return call_again(plugin, request, body, timeout)
    elseif rc == UNREAD then
        local free, err = unread.free()
        if not free then
            return nil, err
        end
        return M.call(plugin, request, body, { timeout = timeout > 0 and timeout })
    elseif rc == OUTSIDE then
        core.check() -- raises
    end
    return core_failure(plugin._handle)
end

unread.takes(call_fast)

-- What the C function that suspends gave; `at_once` when it did not have to.
local function learn(learner, status, body, at_once)
    if status == raised then
        error(body, 0)
    elseif learner then
        local slow = learner._slow or 0
        learner._slow = not at_once and SLOW or slow > 1 and slow - 1
    end
    return status, body
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
    local request = target
    local c, learner, state
    c, target, body, opts, learner, state = resolve(plugin, target, body, opts)
    if not c then
        return nil, target
    end
    local timeout = plugin._timeout
    if opts ~= nil then
        options.check("call", opts, CALL)
        timeout, state = options.limit("timeout", opts.timeout, timeout), opts.state or state
    end
    local clock = timeout ~= 0 and timers.by_hand()
    if not clock and state == nil and not (learner and learner._slow) then
        return call_fast(plugin, learner, c, request, target, body, timeout)
    elseif fast.interrupted ~= 0 then
        return call_again(plugin, request, body, timeout, state)
    elseif clock then
        local late = by_hand.late(plugin, target, timeout)
        return settle(by_hand.limit(timeout, late, core_call, plugin._handle, target, c, body, 0, state))
    end
    return learn(learner, core_call(plugin._handle, target, c, body, timeout, state))
end

---Tells the plugin something, without waiting for an answer: it is done when `handle` returns.
---@param plugin nylon_ring.Plugin
---@param target string|nylon_ring.RequestFields|nylon_ring.Request
---@param body? string|nylon_ring.NotifyOptions with a request: the options
---@param opts? nylon_ring.NotifyOptions
---@return true|nil ok
---@return nylon_ring.Error? err
function M.notify(plugin, target, body, opts)
    local request, rc = target, INTERRUPTED
    local c, state, _
    c, target, body, opts, _, state = resolve(plugin, target, body, opts)
    if not c then
        return nil, target
    end
    if opts ~= nil then
        options.check("notify", opts, NOTIFY)
        state = opts.state or state
    end
    if state == nil then
        rc = fast.notify(fast, plugin._c, c, body, #body)
    end
    if rc == 0 then
        return true
    elseif rc ~= INTERRUPTED then
        return core_failure(plugin._handle)
    elseif fast.interrupted ~= 0 and pcall(core.check) then
        await.let_signal_in()
        return M.notify(plugin, request, body, { state = state })
    end
    return core.notify(plugin._handle, c, body, state)
end

return M
