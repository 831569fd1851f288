--- One spec file in a process of its own: starts it, keeps what it writes, and says what became of it.
local process = require "nylon_ring.cli.test.process"
local record = require "nylon_ring.cli.test.record"
local uv = require "luv"

local M = {}

-- How long a process is waited for that should have ended its file or spec by itself at the limit.
local GRACE = 2000

-- How long it has to leave in order: by itself after a Ctrl-C, and after another signal.
local MOMENT, LAST = 1000, 1000

-- How long what it has started may keep its output open after its end.
local DRAIN = 500

local aliases = { SIGIOT = "SIGABRT", SIGCLD = "SIGCHLD", SIGPOLL = "SIGIO" }
local signal_names = {}
for name, number in pairs(uv.constants) do
    if name:match "^SIG%u" and not aliases[name] then
        signal_names[number] = name
    end
end

---@class nylon_ring.cli.Child
---@field private _process nylon_ring.cli.Process
---@field private _told nylon_ring.cli.FileRecord
---@field private _limit integer of the file, in milliseconds; 0: none
---@field private _late boolean it did not keep that
---@field private _timer userdata for the limit that it has told
---@field private _watching boolean it is to keep its limits
---@field private _overdue? string that limit in words: it is over, and the process has not reacted
---@field private _stopped? string why it is to end early, in words
---@field private _interrupted boolean by a Ctrl-C
---@field private _out string[]
---@field private _err string[]
---@field private _open integer pipes that are read
---@field private _closers fun()[]
local Child = {}
Child.__index = Child

-- Reads a pipe to its end; `take` gets what comes.
function Child:_read(pipe, take)
    self._open = self._open + 1
    local closed
    local function close()
        if not closed then
            closed = true
            pipe:close()
            self._open = self._open - 1
            self._process:changed()
        end
    end
    table.insert(self._closers, close)
    pipe:read_start(function(_, data)
        if data then
            take(data)
        else
            close()
        end
    end)
end

-- Collects what a pipe brings. A list: a file may print a lot.
function Child:_collect(pipe)
    local pieces = {}
    self:_read(pipe, function(data)
        table.insert(pieces, data)
    end)
    return pieces
end

-- The process has told when a limit is over. It tells another one when it has reacted, which it cannot while
-- a spec does not suspend.
function Child:_watch(ms, text)
    self._timer:stop()
    if ms and self._watching then
        self._timer:start(ms + GRACE, 0, function()
            self._overdue = text
            self._process:changed()
        end)
    end
end

--- Starts the process of a file.
---@param words string[] of `nylon-ring test`
---@param cwd string
---@param limit integer of the file, in milliseconds; 0: none
---@return nylon_ring.cli.Child|nil
---@return string|nil why there is none
function M.start(words, cwd, limit)
    local out, err, events = uv.new_pipe(false), uv.new_pipe(false), uv.new_pipe(false)
    local started, why = process.start {
        args = words,
        stdio = { 0, out, err, events },
        cwd = cwd,
        env = { NYLON_RING_TEST_EVENTS = "3" },
    }
    if not started then
        for _, pipe in ipairs { out, err, events } do
            pipe:close()
        end
        return nil, why
    end
    local self = setmetatable({
        _process = started, _limit = limit, _timer = uv.new_timer(), _watching = true, _open = 0,
        _closers = {},
    }, Child)
    self._told = record.new(function(...)
        self:_watch(...)
    end)
    self._out, self._err = self:_collect(out), self:_collect(err)
    self:_read(events, function(data)
        self._told:feed(data)
    end)
    return self
end

--- Why the process has not told of its end, in words; nil where all is told.
function Child:_premature()
    local told, code, signal = self._told, self._process.code, self._process.signal
    if self._late then
        return ("the process of this file did not end within %d ms (--file-timeout) and was killed%s"):format(
            self._limit, told:circumstances())
    elseif self._overdue then
        return ("%s and did not suspend: the process of this file was killed%s"):format(
            self._overdue, told:circumstances())
    elseif self._stopped then
        return not told.finished and self._stopped .. told:circumstances() or nil
    elseif signal ~= 0 then
        return ("the process of this file was ended by %s%s"):format(
            signal_names[signal] or "signal " .. signal, told:circumstances())
    elseif not told.finished then
        return ("the process of this file left early with exit code %d%s"):format(code, told:circumstances())
    elseif code ~= 0 and not told:failed() then
        return ("the process of this file left with exit code %d, though no spec failed"):format(code)
    end
end

function Child:_await_end()
    local in_time = self._process:await(function()
        return self._process.code ~= nil or self._overdue ~= nil or self._stopped ~= nil
    end, self._limit > 0 and self._limit + GRACE or nil)
    self._watching = false
    self._timer:stop()
    if self._stopped then
        self._process:stop(self._interrupted and MOMENT or 0, LAST)
    elseif not in_time or self._overdue then
        self._late = not in_time
        self._process:abort(LAST)
    end
    self._process:await(function()
        return self._open == 0
    end, DRAIN)
end

--- Waits for its end; answers what became of the file.
---@async
---@return nylon_ring.cli.FileRecord
function Child:join()
    self:_await_end()
    for _, close in ipairs(self._closers) do
        close()
    end
    self._timer:close()
    local told = self._told
    told.out, told.err = table.concat(self._out), table.concat(self._err)
    if self._late or self._overdue then
        told:take_whereabouts()
    end
    local message = self:_premature()
    if message then
        told:note_end(message)
    end
    return told
end

--- Has it end early.
---@param why string in words, for where it does not tell of its end
---@param interrupted boolean by a Ctrl-C, which it may have had as well
function Child:stop(why, interrupted)
    self._stopped, self._interrupted = why, interrupted
    self._process:changed()
end

return M
