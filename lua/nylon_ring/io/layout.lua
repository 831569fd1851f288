-- Where the characters of an edited line stand on a screen of some width: rows of text, and the cursor's
-- place.

local editor = require "nylon_ring.editor"

local M = {}

local TAB = 8

-- What is shown for one character, and how many cells it takes.
local function glyph(char, column)
    local byte = char:byte()
    if char == "\t" then
        local cells = TAB - column % TAB
        return (" "):rep(cells), cells
    elseif byte < 32 or byte == 127 then
        return "^" .. string.char((byte + 64) % 128), 2
    elseif byte < 127 then
        return char, 1
    end
    local cells = editor.width(char)
    if cells < 0 then
        return "?", 1
    end
    return char, cells
end

---@class nylon_ring.io.Layout
---@field rows string[]
---@field cells integer[] how wide each row is
---@field row integer the cursor's, from 1
---@field column integer the cursor's, from 0
---@field width integer

local Writer = {}
Writer.__index = Writer

function Writer:flush()
    table.insert(self.rows, table.concat(self.row))
    table.insert(self.cells, self.column)
    self.row, self.column = {}, 0
end

function Writer:put(text)
    for char in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
        if char == "\n" then
            self:flush()
            self:put(self.more)
        else
            local shown, cells = glyph(char, self.column)
            if self.column + cells > self.width then
                self:flush()
            end
            table.insert(self.row, shown)
            self.column = self.column + cells
        end
    end
end

---How many cells a text of one line takes.
---@param text string
---@return integer
function M.cells(text)
    local cells = 0
    for char in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
        cells = cells + select(2, glyph(char, cells))
    end
    return cells
end

---The first `limit` cells of a text of one line; an ellipsis says that there was more.
---@param text string
---@param limit integer
---@return string
function M.cut(text, limit)
    if #text <= limit or M.cells(text) <= limit then
        return text
    end
    local kept, cells = {}, 0
    for char in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
        local shown, more = glyph(char, cells)
        if cells + more > limit - 1 then
            break
        end
        table.insert(kept, shown)
        cells = cells + more
    end
    return table.concat(kept) .. "…"
end

---Lays a line out.
---@param line { prompt: string, more: string, before: string, after: string }
---@param width integer
---@return nylon_ring.io.Layout
function M.of(line, width)
    local writer = { rows = {}, cells = {}, row = {}, column = 0, width = width, more = line.more }
    setmetatable(writer, Writer)
    writer:put(line.prompt)
    writer:put(line.before)
    if writer.column == width then
        writer:flush()
    end
    local row, column = #writer.rows + 1, writer.column
    writer:put(line.after)
    writer:flush()
    return { rows = writer.rows, cells = writer.cells, row = row, column = column, width = width }
end

---The part of a layout that fits on so many rows, with the cursor in it.
---@param layout nylon_ring.io.Layout
---@param height integer
---@return nylon_ring.io.Layout
function M.window(layout, height)
    local total = #layout.rows
    if total <= height then
        return layout
    end
    local first = math.max(1, math.min(layout.row - math.floor(height / 2), total - height + 1))
    local part = { rows = {}, cells = {}, row = layout.row - first + 1 }
    part.column, part.width = layout.column, layout.width
    for index = first, first + height - 1 do
        table.insert(part.rows, layout.rows[index])
        table.insert(part.cells, layout.cells[index])
    end
    return part
end

return M
