--- A process that a run of specs has started. It never outlives the run: it is ended with it, and ends by
--- itself where the run was killed (`own_parent`).
local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

local PARENT = "NYLON_RING_TEST_PARENT"

---@class nylon_ring.cli.Process
---@field code? integer that it ended with
---@field signal? integer that it was ended by; 0: none
---@field private _handle userdata
---@field private _look fun() of who waits
local Process = {}
Process.__index = Process

local function ignore() end

local function environment(changes)
    local env, list = uv.os_environ(), {}
    for name, value in pairs(changes or {}) do
        env[name] = value
    end
    env[PARENT] = uv.os_getpid()
    for name, value in pairs(env) do
        table.insert(list, name .. "=" .. value)
    end
    return list
end

--- Starts the program. The options are luv's; `env` is added to ours.
---@param options { args: string[], stdio: table, cwd?: string, env?: table<string, string> }
---@return nylon_ring.cli.Process|nil
---@return string|nil why there is none
function M.start(options)
    local self = setmetatable({ _look = ignore }, Process)
    local handle, why = uv.spawn(uv.exepath(), {
        args = options.args,
        stdio = options.stdio,
        cwd = options.cwd,
        env = environment(options.env),
    }, function(code, signal)
        self.code, self.signal = code, signal
        self._handle:close()
        self:changed()
    end)
    if not handle then
        return nil, why
    end
    self._handle = handle
    return self
end

--- The process that has started this one by `start`; nil where none has.
---@return integer|nil pid
function M.own_parent()
    local pid = tonumber(os.getenv(PARENT))
    return pid == uv.os_getppid() and pid or nil
end

--- Has who waits look again.
function Process:changed()
    self._look()
end

--- Waits until something is so, for so many milliseconds where they are given; false where they were too few.
--- With a timer of its own, for `nr.timeout` is undone when all tasks are cancelled.
---@async
---@param is_so fun(): boolean looked at now and at every `changed`
---@param ms? integer
---@return boolean
function Process:await(is_so, ms)
    return nr.await(function(resume)
        local timer = ms and uv.new_timer()
        local function settle(answer)
            self._look = ignore
            if timer then
                timer:close()
                timer = nil
            end
            resume(answer)
        end
        function self._look()
            if is_so() then
                settle(true)
            end
        end
        if timer then
            timer:start(ms, 0, function()
                settle(false)
            end)
        end
        self:changed()
        return settle
    end)
end

--- Waits for its end.
---@async
---@param ms? integer
---@return boolean
function Process:await_end(ms)
    return self:await(function()
        return self.code ~= nil
    end, ms)
end

--- Kills it, where it has not ended.
---@async
function Process:kill()
    if not self.code then
        self._handle:kill "sigkill"
        self:await_end()
    end
end

--- Kills one that does not react, by SIGABRT first: at that it says which plugin it is in (src/host/crash.c).
---@async
---@param last integer milliseconds that it has for that
function Process:abort(last)
    if not self.code then
        self._handle:kill "sigabrt"
        if not self:await_end(last) then
            self:kill()
        end
    end
end

--- Has it leave in order, and kills it where it does not.
---@async
---@param moment integer milliseconds that it is waited for first, where it may have had a Ctrl-C as well: a
---second signal ends it at once; 0: none
---@param last integer milliseconds that it has when it was asked to leave
function Process:stop(moment, last)
    if self.code or moment > 0 and self:await_end(moment) then
        return
    end
    self._handle:kill "sigterm"
    if not self:await_end(last) then
        self:kill()
    end
end

return M
