--- Bytes as they come, cut into lines. Every byte is looked at once, however long a line is and in however
--- many pieces it comes.
local M = {}

---@class nylon_ring.io.Lines
---@field waiting integer bytes that came and wait for the end of their line
---@field private _pieces string[] of the line whose end has not come
---@field private _text string what came last
---@field private _at integer where in it the next line begins
local Lines = {}
Lines.__index = Lines

---@return nylon_ring.io.Lines
function M.new()
    return setmetatable({ waiting = 0, _pieces = {}, _text = "", _at = 1 }, Lines)
end

--- Takes what came; not before `next` has answered nil.
---@param bytes string
function Lines:feed(bytes)
    self._text, self._at = bytes, 1
end

function Lines:_join(last)
    table.insert(self._pieces, last)
    local line = table.concat(self._pieces)
    self._pieces, self.waiting = {}, 0
    return line
end

--- The next line without its end; nil when more has to come.
---@return string|nil
function Lines:next()
    local stop = self._text:find("\n", self._at, true)
    local piece = self._text:sub(self._at, stop and stop - 1)
    if stop then
        self._at = stop + 1
        return #self._pieces > 0 and self:_join(piece) or piece
    end
    if piece ~= "" then
        table.insert(self._pieces, piece)
        self.waiting = self.waiting + #piece
        self:feed ""
    end
end

--- At the end of the bytes: the last line, where it had no end.
---@return string|nil
function Lines:last()
    local line = self:_join ""
    return line ~= "" and line or nil
end

return M
