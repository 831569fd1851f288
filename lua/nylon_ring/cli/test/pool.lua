--- The processes of an isolated run: so many at once, each with one file, in the order of their turns. What
--- became of a file is kept until its turn comes.
local child = require "nylon_ring.cli.test.child"
local nr = require "nylon_ring"

local EVENTS = require "nylon_ring.cli.test.words".EVENTS

local M = {}

---@class nylon_ring.cli.Turn
---@field file string
---@field record? nylon_ring.cli.FileRecord what became of it

---@class nylon_ring.cli.Pool
---@field private _turns nylon_ring.cli.Turn[] of this round, in their order
---@field private _next integer the first that was not begun
---@field private _options { words: string[], jobs: integer, file: integer, cwd: string }
---@field private _skipping fun(): boolean nothing more is to be begun
---@field private _wake? fun() of who waits for an outcome
local Pool = {}
Pool.__index = Pool

---@param options { words: string[], jobs: integer, file: integer, cwd: string }
---@param skipping fun(): boolean nothing more is to be begun
---@return nylon_ring.cli.Pool
function M.new(options, skipping)
    return setmetatable({ _options = options, _skipping = skipping }, Pool)
end

function Pool:_words(file)
    local words = { "test", unpack(self._options.words) }
    table.insert(words, "-o")
    table.insert(words, EVENTS)
    table.insert(words, file)
    return words
end

-- Runs one file after the other; there are as many of these as processes may run at once.
function Pool:_work()
    while self._turns[self._next] and not self._skipping() do
        local turn = self._turns[self._next]
        self._next = self._next + 1
        turn.record = child.run(self:_words(turn.file), self._options.cwd, self._options.file)
        if self._wake then
            self._wake()
        end
    end
end

--- Begins a round, which is one run of the suite: --repeat has several.
---@param turns nylon_ring.cli.Turn[]
function Pool:begin(turns)
    self._turns, self._next = turns, 1
    for _ = 1, math.min(self._options.jobs, #turns) do
        nr.spawn(self._work, self)
    end
end

--- What became of a file.
---@async
---@param turn nylon_ring.cli.Turn
---@return nylon_ring.cli.FileRecord
function Pool:outcome(turn)
    nr.await(function(resume)
        self._wake = function()
            if turn.record then
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
