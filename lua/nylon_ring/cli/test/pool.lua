--- The processes of an isolated run: so many at once, each with one file, in the order of their turns. What
--- became of a file is kept until its turn comes.
local child = require "nylon_ring.cli.test.child"
local nr = require "nylon_ring"
local record = require "nylon_ring.cli.test.record"

local EVENTS = require "nylon_ring.cli.test.words".EVENTS

local M = {}

---@class nylon_ring.cli.Turn
---@field file string
---@field begun? boolean
---@field record? nylon_ring.cli.FileRecord what became of it

---@class nylon_ring.cli.Pool
---@field private _turns nylon_ring.cli.Turn[] of this round, in their order
---@field private _next integer the first that was not begun
---@field private _options { words: string[], jobs: integer, file: integer, cwd: string }
---@field private _skipping fun(): boolean nothing more is to be begun
---@field private _running table<nylon_ring.cli.Child, true>
---@field private _stopped boolean
---@field private _wake? fun() of who waits for an outcome
local Pool = {}
Pool.__index = Pool

---@param options { words: string[], jobs: integer, file: integer, cwd: string }
---@param skipping fun(): boolean nothing more is to be begun
---@return nylon_ring.cli.Pool
function M.new(options, skipping)
    return setmetatable({ _options = options, _skipping = skipping, _running = {}, _stopped = false }, Pool)
end

function Pool:_words(file)
    local words = { "test", unpack(self._options.words) }
    table.insert(words, "-o")
    table.insert(words, EVENTS)
    table.insert(words, file)
    return words
end

function Pool:_run(file)
    local process, why = child.start(self:_words(file), self._options.cwd, self._options.file)
    if not process then
        local told = record.new(function() end)
        told:note_end("the process of this file could not be started: " .. why)
        return told
    end
    self._running[process] = true
    local told = process:join()
    self._running[process] = nil
    return told
end

-- Runs one file after the other; there are as many of these as processes may run at once.
function Pool:_work()
    while self._turns[self._next] and not self._stopped and not self._skipping() do
        local turn = self._turns[self._next]
        turn.begun, self._next = true, self._next + 1
        turn.record = self:_run(turn.file)
        if self._wake then
            self._wake()
        end
    end
end

--- Begins a round, which is one run of the suite: --repeat has several. A cancellation does not reach the
--- processes: whoever gives the run up has to stop them.
---@param turns nylon_ring.cli.Turn[]
function Pool:begin(turns)
    self._turns, self._next = turns, 1
    for _ = 1, math.min(self._options.jobs, #turns) do
        nr.spawn(nr.shield, self._work, self)
    end
end

--- Begins no other file, and ends those that run.
---@param why string in words
---@param interrupted boolean by a Ctrl-C, which they may have had as well
function Pool:stop(why, interrupted)
    if not self._stopped then
        self._stopped = true
        for process in pairs(self._running) do
            process:stop(why, interrupted)
        end
        if self._wake then
            self._wake()
        end
    end
end

---@return boolean
function Pool:is_stopped()
    return self._stopped
end

--- What became of a file; nil where its turn was given up.
---@async
---@param turn nylon_ring.cli.Turn
---@return nylon_ring.cli.FileRecord|nil
function Pool:outcome(turn)
    nr.await(function(resume)
        self._wake = function()
            if turn.record or self._stopped and not turn.begun then
                self._wake = nil
                resume()
            end
        end
        self._wake()
        return function()
            self._wake = nil
        end
    end)
    return turn.record
end

return M
