-- Words and numbers for people: sizes, times, names that were meant, bytes.

local core = require "nylon_ring.core"
local json = require "nylon_ring.io.json"

local M = {}

---@param count integer
---@param word string
---@return string
function M.plural(count, word)
    return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

---@param bytes integer
---@return string
function M.size(bytes)
    if bytes < 1024 then
        return ("%d B"):format(bytes)
    elseif bytes < 1024 * 1024 then
        return ("%.1f KiB"):format(bytes / 1024)
    end
    return ("%.1f MiB"):format(bytes / 1024 / 1024)
end

---@param nanoseconds number
---@return string
function M.time(nanoseconds)
    if nanoseconds < 1e3 then
        return ("%d ns"):format(nanoseconds)
    elseif nanoseconds < 1e4 then
        return ("%.1f µs"):format(nanoseconds / 1e3)
    elseif nanoseconds < 1e6 then
        return ("%d µs"):format(nanoseconds / 1e3)
    elseif nanoseconds < 1e9 then
        return ("%.1f ms"):format(nanoseconds / 1e6)
    end
    return ("%.2f s"):format(nanoseconds / 1e9)
end

---@param number number
---@return string
function M.count(number)
    if number < 1e3 then
        return ("%.3g"):format(number)
    elseif number < 1e6 then
        return ("%.1f k"):format(number / 1e3)
    end
    return ("%.1f M"):format(number / 1e6)
end

---The name of a plugin's status, or its number where it has none.
---@param status integer
---@return string
function M.status_name(status)
    local name = core.status_name(status)
    return name == "Status" and ("status %d"):format(status) or name
end

M.nearest = require "nylon_ring.nearest"

---Whether bytes read as text: UTF-8 without control characters but those of layout.
---@param bytes string
---@return boolean
function M.is_text(bytes)
    return not bytes:find "[%z\1-\8\11\12\14-\26\28-\31\127]" and json.is_utf8(bytes)
end

local function by_number(bytes)
    return (bytes:gsub(".", function(byte)
        return ("\\%d"):format(byte:byte())
    end))
end

---A text of others for a terminal, where it moves no cursor and changes no colours: what is no text is told
---by its number. Line ends and tabs stay.
---@param value string
---@return string
function M.plain(value)
    if not value:find "[%z\1-\8\11-\31\127-\255]" then
        return value
    end
    value = value:gsub("[%z\1-\8\11\12\14-\31\127]", by_number):gsub("\r%f[^\n\r]", by_number)
    if json.is_utf8(value) then
        return (value:gsub("\194[\128-\159]", by_number)) -- terminals take them for control characters
    end
    return (value:gsub("[\128-\255]", by_number))
end

---The same, on one line.
---@param value string
---@return string
function M.line(value)
    return (M.plain(value):gsub("[\t\r\n]", by_number))
end

---The bytes as a dump, 16 a line, and how many were left out.
---@param bytes string
---@param limit integer lines
---@return string
function M.hexdump(bytes, limit)
    local lines = {}
    for at = 1, math.min(#bytes, limit * 16), 16 do
        local part = bytes:sub(at, at + 15)
        local hex = part:gsub(".", function(byte)
            return ("%02x "):format(byte:byte())
        end)
        local shown = part:gsub("[^\32-\126]", ".")
        table.insert(lines, ("%08x  %-48s |%s|"):format(at - 1, hex, shown))
    end
    local left = #bytes - limit * 16
    if left > 0 then
        table.insert(lines, ("… %s more"):format(M.size(left)))
    end
    return table.concat(lines, "\n")
end

---Rows as columns, each as wide as its widest cell. What is no text is told by its number.
---@param rows string[][]
---@return string
function M.columns(rows)
    local layout = require "nylon_ring.io.layout"
    local widths = {}
    for _, row in ipairs(rows) do
        for index, cell in ipairs(row) do
            widths[index] = math.max(widths[index] or 0, layout.cells(M.line(cell)))
        end
    end
    local lines = {}
    for _, row in ipairs(rows) do
        local cells = {}
        for index, cell in ipairs(row) do
            cell = M.line(cell)
            local pad = index < #row and widths[index] - layout.cells(cell) or 0
            table.insert(cells, cell .. (" "):rep(pad))
        end
        table.insert(lines, (table.concat(cells, "  "):gsub("%s+$", "")))
    end
    return table.concat(lines, "\n")
end

return M
