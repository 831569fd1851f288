--- Tells at a terminal, once, that nothing has followed the first frame of a stream: most likely the path
--- answers once, and no end will come.
local say = require "nylon_ring.io.say"
local timers = require "nylon_ring.timers"

--- How many milliseconds may pass without a word.
local QUIET = 2000

local NOTE = "nothing has followed the first frame; if this path answers only once, leave --stream out "
    .. "(Ctrl-C ends the call)"

---@class nylon_ring.cli.Patience
---@field private _who string
---@field private _begun? boolean the first frame has come
---@field private _timer? nylon_ring.Timer
local Patience = {}
Patience.__index = Patience

---@param who string
function Patience.new(who)
    return setmetatable({ _who = who }, Patience)
end

--- A frame came.
function Patience:frame()
    self:stop()
    if not self._begun and say.is_terminal(2) then
        self._timer = timers.after(QUIET, function()
            say.error(self._who, NOTE)
        end)
    end
    self._begun = true
end

--- Nothing is waited for any more.
function Patience:stop()
    if self._timer then
        timers.cancel(self._timer)
        self._timer = nil
    end
end

return Patience
