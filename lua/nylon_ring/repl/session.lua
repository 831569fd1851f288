-- One conversation: lines come in by `submit`, what they do is written out by `write`. It knows nothing
-- of terminals: lines may come from one, from a pipe, or over a socket from another process.
--
-- Every line is a task of its own. It holds the foreground until its chunk has returned, or until it is
-- sent to the background; tasks that it made go on after that, and streams that it opened live as long
-- as a variable holds them.
--
--     submit ──▶ command │ chunk ──▶ job (task) ──▶ values ──▶ result ──▶ done, the next line may come
--                                     └─ & , Ctrl-Z ──▶ done at once; the result is shown when it is there

local commands = require "nylon_ring.repl.commands"
local environment = require "nylon_ring.repl.environment"
local errors = require "nylon_ring.errors"
local evaluate = require "nylon_ring.repl.evaluate"
local hints = require "nylon_ring.repl.hints"
local notes = require "nylon_ring.repl.notes"
local nr = require "nylon_ring"
local open_sessions = require "nylon_ring.repl.open_sessions"
local outcomes = require "nylon_ring.repl.outcome"
local paint = require "nylon_ring.repl.paint"
local result = require "nylon_ring.repl.result"
local settings = require "nylon_ring.repl.settings"
local streams = require "nylon_ring.repl.streams"
local tasks = require "nylon_ring.task"
local traces = require "nylon_ring.repl.traces"
local uv = require "luv"

local M = {}

---@class nylon_ring.repl.Job
---@field id integer
---@field text string
---@field entry nylon_ring.repl.Entry
---@field task nylon_ring.Task
---@field start number
---@field background boolean
---@field returned boolean its values were shown
---@field viewing? boolean it shows a stream
---@field ends_quietly? boolean being cancelled is no failure of it

---@class nylon_ring.repl.Session
---@field env table
---@field settings table<string, any>
---@field paint fun(style: string, text: string): string
---@field out table how results are told: repl/result.lua or repl/json_result.lua
---@field jobs table<integer, nylon_ring.repl.Job>
---@field streams table<integer, nylon_ring.Stream> streams that were shown and take input
---@field notes nylon_ring.repl.Notes what was done
---@field targets table<string, table<string, true>> by plugin: paths that were called and not refused
---@field watches table<nylon_ring.Plugin, nylon_ring.repl.Watch> whose ABI is shown
---@field has_failed boolean some line, or what it left in the background
---@field write_err fun(text: string) for log lines, and errors where they go apart
---@field on_quit fun(code: integer)
---@field private _entered integer how many lines of Lua were
---@field private _on_idle? fun() called once nothing runs any more
---@field private _foreground? nylon_ring.repl.Job
---@field private _done? fun()
local Session = {}
Session.__index = Session

---@param options { write: fun(text: string), color: boolean, on_quit: fun(code: integer), out?: table,
---  write_err?: fun(text: string) }
---@return nylon_ring.repl.Session
function M.new(options)
    local self = setmetatable({
        write_to = options.write,
        write_err = options.write_err or options.write,
        settings = settings.new(),
        paint = paint.new(options.color),
        on_quit = options.on_quit,
        out = options.out or result,
        jobs = {},
        streams = {},
        notes = notes.new(),
        targets = {},
        watches = {},
        _entered = 0,
        has_failed = false,
    }, Session)
    self.env = environment.new(function(text)
        self:write(text)
    end)
    open_sessions.add(self)
    return self
end

---Writes output, for whoever entered the lines, after what has crossed an ABI before it.
---@param text string
function Session:write(text)
    traces.flush(self)
    self:put(text)
end

---Writes output as it is.
---@param text string
function Session:put(text)
    if self.out.show_output then
        return self.out.show_output(self, text)
    end
    self.write_to(text)
end

-- ---- Jobs ---------------------------------------------------------------------------------------

-- The next line may come.
function Session:_free(job)
    if self._foreground == job then
        local done = self._done
        self._foreground, self._done = nil, nil
        done()
    end
end

local function announce(self, job)
    if job.background then
        self.out.show_job(self, job)
    end
end

---What a line called is offered by completion from then on.
---@param code string
function Session:learn(code)
    local name, target = code:match "%f[%w_]([%w_]+):[%w_]*%s*%(?%s*['\"]([^'\"]+)['\"]"
    if name then
        self.targets[name] = self.targets[name] or {}
        self.targets[name][target] = true
    end
end

-- Shows a stream to its end, which takes input meanwhile.
function Session:_view(job, stream)
    self.streams[job.id] = stream
    announce(self, job)
    job.viewing, job.entry.record.stream = true, true
    local status, data, frames = streams.view(self, job.id, stream)
    job.viewing, self.streams[job.id] = false, nil
    job.entry.record.frames = frames
    if status == nil and data ~= nil then
        job.entry.record.failed = "error"
        self:keep_failure(data)
        self.out.show_failure(self, data, uv.hrtime() - job.start)
    end
end

-- Shows what a line came to, and keeps it.
function Session:_show(job, values)
    local took, silent = uv.hrtime() - job.start, job.entry.silent
    if values.n == 1 and streams.is_stream(values[1]) and not silent then
        environment.keep(self.env, values, values[1])
        return self:_view(job, values[1])
    end
    local kind = outcomes.keep(self, job.entry, values)
    if not silent then
        announce(self, job)
        outcomes.show(self, kind, values, took, job.background)
    end
end

---Notes that something has failed.
function Session:note_failure()
    self.has_failed = true
end

---Notes what has failed, and keeps it in `_err`.
---@param err any
function Session:keep_failure(err)
    self:note_failure()
    rawset(self.env, "_err", err)
end

---Shows what was raised and keeps it in `_err`.
---@param err any
---@param traceback? string
function Session:fail(err, traceback)
    self:keep_failure(err)
    self.out.show_error(self, err, traceback)
end

-- Streams that the line opened are not closed with it: a variable may hold them.
local function let_streams_live(task)
    task._owned = nil
end

-- Tells that the task of a line has failed, or was cancelled.
function Session:_tell_failure(job, task)
    job.background = job.background or job.returned
    announce(self, job)
    if task._state ~= "cancelled" then
        return self:fail(task._err, task._traceback)
    end
    self:keep_failure(task._err)
    if not job.viewing then -- which has told it
        self.out.show_error(self, "cancelled")
    end
end

-- The task of a line is done, with all that it made.
function Session:_ended(job, task)
    local state, record = task._state, job.entry.record
    traces.flush(self)
    self.jobs[job.id] = nil
    if state ~= "ok" and record then
        record.failed = state == "cancelled" and "cancelled" or "error"
    end
    local quietly = state == "ok" or state == "cancelled" and job.ends_quietly
    if not quietly and open_sessions.has(self) then
        self:_tell_failure(job, task)
    end
    self:_free(job)
    local on_idle = self._on_idle
    if on_idle and next(self.jobs) == nil then
        self._on_idle = nil
        on_idle()
    end
end

---Calls a function once nothing that the session began runs any more.
---@param fn fun()
function Session:when_idle(fn)
    if next(self.jobs) == nil then
        fn()
    else
        self._on_idle = fn
    end
end

---Waits until nothing that the session began runs any more.
---@async
function Session:wait()
    nr.await(function(resume)
        self:when_idle(resume)
    end)
end

-- What the task of a line does.
---@async
function Session:_work(job)
    local entry = job.entry
    local values = evaluate.values(entry.fn)
    if entry.code and not (entry.expression and errors.is(values[2], "plugin_handle_failed")) then
        self:learn(entry.code)
    end
    if entry.expression then
        self:_show(job, values)
    elseif job.background then
        announce(self, job)
        self.out.show_values(self, { n = 0 }, uv.hrtime() - job.start, true)
    end
    job.returned = true
    if entry.record then
        self.notes:done(entry.record, job.start)
    end
    let_streams_live(job.task)
    self:_free(job)
end

-- Runs an entry as a line.
function Session:_run(entry, done)
    local job = {
        text = entry.code or entry.text, entry = entry, start = uv.hrtime(), background = entry.background,
        returned = false,
    }
    job.task = tasks.new(function()
        self:_work(job)
    end, nil, function(task)
        self:_ended(job, task)
    end)
    job.task._name = entry.name
    job.id = job.task.id
    self.jobs[job.id] = job
    if job.background then
        self.out.show_running(self, job)
        tasks.start(job.task)
        return done()
    end
    self._foreground, self._done = job, done
    tasks.start(job.task)
end

-- ---- Lines --------------------------------------------------------------------------------------

local function command_entry(self, text)
    local run, err = commands.find(self, text)
    if not run then
        return nil, err
    end
    local name = text:match ":%s*[%w_-]*"
    return { text = text, name = name, fn = run, expression = false, silent = false, background = false }
end

local function lua_entry(self, text)
    self._entered = self._entered + 1
    local entry = evaluate.compile(text, ("=input:%d"):format(self._entered))
    local err = entry.err or hints.of(text, self.env)
    if err then
        return nil, err
    end
    evaluate.bind(entry.fn, self.env)
    self.notes:begin(entry)
    return entry
end

---Takes what was entered; `done` is called once, when the next line may come.
---@param text string
---@param done fun()
function Session:submit(text, done)
    if text:match "^%s*$" then
        return done()
    end
    local entry_of = text:match "^%s*:" and command_entry or lua_entry
    local entry, err = entry_of(self, text)
    if entry then
        return self:_run(entry, done)
    end
    self:note_failure()
    self.out.show_error(self, err)
    done()
end

---Cancels what runs in the foreground, if anything does.
function Session:interrupt()
    if self._foreground then
        self._foreground.task:cancel "interrupted"
    end
end

---The line that a task belongs to, as its own task or one that it made.
---@param task? nylon_ring.Task
---@return nylon_ring.repl.Job|nil
---@return boolean|nil foreground
function Session:job_of(task)
    while task do
        local job = self.jobs[task.id]
        if job then
            return job, job == self._foreground
        end
        task = task._parent
    end
end

---Sends what runs in the foreground to the background, if anything does.
function Session:background()
    local job = self._foreground
    if not job then
        return
    end
    job.background = true
    if job.entry.record then
        job.entry.record.background = true
    end
    self:write "\n"
    self.out.show_running(self, job)
    self:_free(job)
end

---Ends the session: what it runs is cancelled, and forgotten.
function Session:close()
    if open_sessions.has(self) then
        traces.close(self)
    end
    open_sessions.remove(self)
    self.write_to = function()
        error("the session is over", 0) -- ends also what never suspends
    end
    for _, job in pairs(self.jobs) do
        job.task:cancel "the session is over"
    end
end

return M
