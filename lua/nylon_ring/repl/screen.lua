-- The end of the terminal's screen: the edited line stands there, and output goes above it.
--
-- What was drawn last is kept, so that it can be removed exactly: also when it takes many rows, the
-- cursor is in its middle, or the terminal has another width by now. Output that ends inside a line is
-- held back while a line is edited, until the rest of it comes or the line is done.

local layouts = require "nylon_ring.io.layout"

local M = {}

-- Clears all from the cursor's row on. From a screen's first cell terminals take that for a clearing of the
-- whole screen, of which some keep a copy to scroll back to: one for each key that is typed there.
local CLEAR = "\r \27[J\r"

local NO_END = "⏎" -- after a last line that has no end

---@class nylon_ring.repl.Screen
---@field width integer
---@field height integer
---@field private _tty nylon_ring.repl.Tty
---@field private _drawn? nylon_ring.io.Layout
---@field private _partial string output that ends inside a line
---@field private _bol boolean what we have written ends with a line
---@field private _shared boolean others may have written since
local Screen = {}
Screen.__index = Screen

---@param tty nylon_ring.repl.Tty
---@return nylon_ring.repl.Screen
function M.new(tty)
    return setmetatable({
        _tty = tty, width = 80, height = 24, _partial = "", _bol = true, _shared = true,
    }, Screen)
end

function Screen:_send(text)
    self._tty:write(text)
end

-- The sequence that goes to the beginning of what was drawn and clears all from there. A terminal that
-- became narrower or wider has wrapped every row by itself.
function Screen:_undraw()
    local drawn = self._drawn
    if not drawn then
        return ""
    end
    local up = math.floor(drawn.column / self.width)
    if drawn.column > 0 and drawn.column % self.width == 0 then
        up = up - 1
    end
    for row = 1, drawn.row - 1 do
        up = up + math.max(1, math.ceil(drawn.cells[row] / self.width))
    end
    self._drawn = nil
    return (up > 0 and ("\27[%dA"):format(up) or "") .. CLEAR
end

-- The sequence that draws a line, and puts the cursor to its place.
function Screen:_redraw(layout)
    local parts = { table.concat(layout.rows, "\r\n") }
    local up = #layout.rows - layout.row
    if up > 0 then
        table.insert(parts, ("\27[%dA"):format(up))
    end
    table.insert(parts, "\r")
    if layout.column > 0 then
        table.insert(parts, ("\27[%dC"):format(layout.column))
    end
    self._drawn = layout
    return table.concat(parts)
end

-- The sequence that goes to the beginning of a line. Where the cursor is after what others have written
-- nobody knows: a mark and blanks to the screen's edge stay in the line that it is in, unless that is empty;
-- then they are cleared.
function Screen:_begin_line()
    if not self._bol then
        return "\r\n"
    elseif self._shared then
        return NO_END .. (" "):rep(self.width - 1) .. CLEAR
    end
    return ""
end

---Draws the edited line in place of what was drawn before.
---@param line { prompt: string, more: string, before: string, after: string }
function Screen:draw(line)
    local start = self._drawn and "" or self:_begin_line()
    local layout = layouts.window(layouts.of(line, self.width), self.height)
    self:_send(start .. self:_undraw() .. self:_redraw(layout))
    self._bol, self._shared = false, false
    self._line = line
end

---Ends the edited line: it stays on the screen, output goes below it.
function Screen:finish()
    local line = self._line
    if not self._drawn then
        return
    end
    local whole = layouts.of({
        prompt = line.prompt, more = line.more, before = line.before .. line.after, after = "",
    }, self.width)
    self:_send(self:_undraw() .. table.concat(whole.rows, "\r\n") .. "\r\n")
    self._drawn, self._line, self._bol, self._shared = nil, nil, true, true
    local partial = self._partial
    self._partial = ""
    self:write(partial)
end

---Removes the edited line from the screen, which others may write to then.
function Screen:remove()
    self:_send(self:_undraw())
    self._line, self._bol, self._shared = nil, true, true
end

local function for_terminal(text)
    return (text:gsub("\r?\n", "\r\n"))
end

---Writes output: above the edited line if there is one.
---@param text string
function Screen:write(text)
    if text == "" then
        return
    elseif not self._drawn then
        self:_send(for_terminal(text))
        self._bol = text:sub(-1) == "\n"
        return
    end
    text = self._partial .. text
    local whole, rest = text:match "^(.*\n)([^\n]*)$"
    self._partial = whole and rest or text
    if whole then
        local line = self._line
        local layout = layouts.window(layouts.of(line, self.width), self.height)
        self:_send(self:_undraw() .. for_terminal(whole) .. self:_redraw(layout))
    end
end

---Tells that some of what was written never reached the terminal, and draws the edited line anew: what
---stands there may be an older one.
---@param bytes integer
function Screen:tell_lost(bytes)
    local is_drawn = self._drawn ~= nil
    self._drawn, self._bol = nil, false
    self:write(("\n(%d bytes more were written, and dropped)\n"):format(bytes))
    if is_drawn then
        self:draw(self._line)
    end
end

---Clears the whole screen; the edited line is drawn at its top.
function Screen:clear()
    self._drawn, self._bol, self._shared = nil, true, false
    self:_send "\27[H\27[2J"
end

---Bracketed paste: the terminal marks what is pasted.
---@param on boolean
function Screen:mark_paste(on)
    self:_send(on and "\27[?2004h" or "\27[?2004l")
end

return M
