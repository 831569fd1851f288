--- One run of the program: starts the main task, turns the loop until nothing is left to do, cancels on
--- Ctrl-C and SIGTERM, and leaves in order.
---
---     main task ─▶ loop, while anything is alive ─▶ cancel tasks ─▶ unload plugins ─▶ exit code
---                          ▲ Ctrl-C, SIGTERM, os.exit cut this short ▲
local core = require "nylon_ring.core"
local fast = require "nylon_ring.fast"
local nr = require "nylon_ring"
local process = require "nylon_ring.cli.process"
local report = require "nylon_ring.report"
local run = require "nylon_ring.run"
local say = require "nylon_ring.io.say"
local stack = require "nylon_ring.cli.stack"
local task = require "nylon_ring.task"
local timers = require "nylon_ring.timers"
local uv = require "luv"

local getmetatable = getmetatable -- a script may take the global away

local M = {}

--- How long tasks, and then calls in flight, may take to finish when the program leaves.
local EXIT_GRACE = 2000

local INTERRUPTED, TERMINATED = 130, 143

--- The statuses of tasks that are over.
local TASK_ENDS = { done = true, failed = true, cancelled = true }

--- What `M.fail` throws: a failure that is told in one line.
local Failure = {}

--- Ends the main task with a message for people; nil says nothing.
---@param text string|nil
---@param code? integer the exit code; default is 1
function M.fail(text, code)
    error(setmetatable({ text = text, code = code or 1 }, Failure), 0)
end

---@class nylon_ring.cli.SessionOptions
---@field name? string what the main task is called; default is the command
---@field on_signal? fun(interrupted: boolean) the first Ctrl-C or SIGTERM, before all is cancelled
---@field on_exit? fun(code: integer): integer what `os.exit` of a script comes to
---@field on_leave? fun() the end is decided, tasks and plugins are still there
---@field on_end? fun(code: integer): integer tasks and plugins are gone; what the code comes to
---@field on_dry? fun(main: nylon_ring.Task): boolean nothing is left that could wake it; true: it was told

---@class nylon_ring.cli.Session
---@field who string
---@field options nylon_ring.cli.SessionOptions
---@field main nylon_ring.Task
---@field ended? boolean the main task is done
---@field signals userdata[] luv handles
---@field signalled? integer the exit code for the first signal that the loop has told of
---@field code? integer what the program will answer with, once that is decided
---@field stuck table<nylon_ring.Task, true> tasks that wait in `os.exit` for the end, and those above them
---@field leaving? boolean
local Session = {}
Session.__index = Session

--- Decides how the program ends, unless that is decided already, and lets the loop return.
function Session:_decide(code)
    self.code = self.code or code
    uv.stop()
end

local function exit_code(code)
    if code == nil or code == true then
        return 0
    end
    return code and math.floor(tonumber(code) or 1) % 256 or 1
end

function Session:_tell_end()
    if self.options.on_end then
        self.code = self.options.on_end(self.code)
    end
end

--- `os.exit` of scripts. The task that calls it stays suspended there, so that it never returns, and the
--- program leaves in order. Where nothing can suspend (a luv callback, a builtin that calls back) the
--- process ends on the spot.
function Session:_exit(code)
    code = exit_code(code)
    self:_decide(self.options.on_exit and self.options.on_exit(code) or code)
    if not self.leaving then
        local above = task.current()
        while above do
            self.stuck[above] = true
            above = above._parent
        end
        pcall(core.suspend)
    end
    self:_tell_end()
    core.close()
    process.leave(self.code)
end

function Session:_note_signal(code)
    fast.interrupted = 0 -- the loop has turned: calls may go on
    if not self.signalled and self.options.on_signal then
        self.options.on_signal(code == INTERRUPTED)
    end
    self.signalled = self.signalled or code
end

--- The exit code for the signal that has come, also where the loop had no turn to tell of it; or nil.
function Session:_signal_code()
    return self.signalled or process.signal_code()
end

function Session:_interrupt()
    self:_note_signal(INTERRUPTED)
    if self.ended then
        return self:_decide(INTERRUPTED)
    end
    self.main:cancel "interrupted"
end

function Session:_watch(name, fn)
    local signal = uv.new_signal()
    signal:start(name, fn)
    signal:unref()
    table.insert(self.signals, signal)
end

function Session:_watch_signals()
    if process.interruptible() then
        self:_watch("sigint", function()
            self:_interrupt()
        end)
    end
    self:_watch("sigterm", function()
        process.terminate_in(2 * EXIT_GRACE) -- tasks may not end, however often they are cancelled
        self:_note_signal(TERMINATED)
        self:_decide(TERMINATED)
    end)
    process.guard(core.interrupted)
end

--- Tells why the main task failed: a message for people, or a script's error with its stack, without the
--- frames that are ours.
local function tell(who, err, trace)
    if getmetatable(err) == Failure then
        if err.text then
            say.error(who, err.text)
        end
        return
    end
    say.error("nylon-ring", tostring(err) .. "\n" .. stack.of_script(trace or ""))
end

--- Takes the outcome of the main task when it is done, its children included.
function Session:_settle(main)
    self.ended = true
    local code = self:_signal_code()
    if code then
        self:_decide(code)
    elseif main:status() ~= "done" and not self.code then
        local failure = getmetatable(main._err) == Failure
        self:_decide(failure and main._err.code or 1) -- first: a script may have broken what `tell` needs
        tell(self.who, main._err, main._traceback)
    end
    uv.stop()
end

--- Nothing is left that could wake the main task. It is told where it waits, and unwinds.
function Session:_unwind()
    if self.options.on_dry and self.options.on_dry(self.main) then
        return
    elseif self.unwinding then
        say.error(self.who, "the main task did not end when it was told that nothing can wake it")
        return self:_decide(1)
    end
    self.unwinding = true
    run.break_deadlock(self.main)
end

--- Turns the loop until the program's end is decided: by a failure, a signal, `os.exit`, or because the main
--- task is done and nothing on the loop is alive.
function Session:_loop()
    while not self.code do
        local alive = self.turn() or timers.revive()
        if self.ended and not alive then
            self:_decide(self:_signal_code() or report.unhandled() > 0 and 1 or 0)
        elseif not alive and not self.ended and not self.code then
            self:_unwind()
        end
    end
end

--- Cancels all tasks; answers those that will end, for one that waits in `os.exit` never does.
function Session:_cancel_tasks()
    local ending = {}
    for _, info in ipairs(nr.tasks()) do
        info.task:cancel "the program is leaving"
        if not self.stuck[info.task] then
            table.insert(ending, info.task)
        end
    end
    return ending
end

--- Waits for what cancelled tasks do at their end, and tells their errors.
local function join(tasks)
    for _, each in ipairs(tasks) do
        local ok, err = pcall(each.join, each)
        if not ok then
            task.rethrow_cancellation(err)
            if getmetatable(err) ~= Failure then
                report.deliver(err)
            elseif err.text then
                say.error("nylon-ring", err.text)
            end
        end
    end
end

--- Waits for them as long as the grace allows, and names those that take longer.
local function join_in_time(tasks)
    local _, late = nr.timeout(EXIT_GRACE, join, tasks)
    for _, each in ipairs(late and tasks or {}) do
        if not TASK_ENDS[each:status()] then
            say.error("nylon-ring", ("%s did not end within %d ms of being cancelled"):format(
                tostring(each), EXIT_GRACE))
        end
    end
end

--- Cancels what still runs and unloads the plugins, each step within the grace.
function Session:_wind_up()
    self.leaving = true
    local clock = timers.by_hand()
    if clock then
        clock:close() -- the grace is real time
    end
    local tasks = self:_cancel_tasks()
    local last = task.new(function()
        join_in_time(tasks)
        process.terminate_in(0)
        nr.map(nr.plugins(), function(plugin)
            plugin:unload { grace = EXIT_GRACE }
        end)
    end, nil, function()
        self.unwound = true
        uv.stop()
    end)
    task.start(last)
    repeat
        local alive = self.turn() or timers.revive()
    until self.unwound or not alive
end

--- Ends the run. Where a plugin's thread may still run code of ours, or a signal asked for the end, no
--- destructor runs any more.
function Session:_leave()
    if self.options.on_leave then
        self.options.on_leave()
    end
    self:_wind_up()
    self:_tell_end()
    core.close()
    for _, signal in ipairs(self.signals) do
        if not signal:is_closing() then -- a script may walk the loop and close everything
            signal:close()
        end
    end
    self.turn "nowait"
    if self:_signal_code() or core.abandoned() > 0 then
        process.leave(self.code)
    end
    return self.code
end

--- Runs a function as the main task of the program, until all is done.
---@param who string names the program and the command in messages
---@param main fun()
---@param options? nylon_ring.cli.SessionOptions
---@return integer code for the process to leave with
function M.run(who, main, options)
    local self = setmetatable({ who = who, options = options or {}, signals = {}, stuck = {} }, Session)
    self.turn = uv.run
    core.report_crashes()
    report.show_part(stack.of_script)
    nr.install()
    os.exit = function(code) -- luacheck: ignore 122
        self:_exit(code)
    end
    self:_watch_signals()
    self.main = task.new(main, nil, function(done)
        self:_settle(done)
    end)
    self.main._name = self.options.name or who
    task.start(self.main)
    self:_loop()
    return self:_leave()
end

return M
