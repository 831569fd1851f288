-- How values are shown: Lua values by `inspect` within limits, bytes as text or as a dump, JSON indented
-- when that was asked for.

local code = require "nylon_ring.repl.code"
local inspect = require "inspect"
local json_text = require "nylon_ring.repl.json_text"
local layout = require "nylon_ring.io.layout"
local text = require "nylon_ring.io.text"

local M = {}

---@class nylon_ring.repl.Limits
---@field depth integer tables inside tables
---@field items integer of one table
---@field width integer cells of a line
---@field lines integer of one value
---@field json boolean JSON is indented

-- A copy with the first items of each table, and a note of how many there are more. Metatables are left
-- out; what can say itself what it is does so. No more items are copied than could be shown.
local MORE = "\255\2" -- behind all others
local SORTED = 10000 -- keys of a table of which the first ones are looked for; of more, any are
local Copier = {}
Copier.__index = Copier

local function stand_in(shown)
    return setmetatable({}, { shown = shown })
end

local function says_itself(value)
    local meta = debug.getmetatable(value)
    if type(meta) == "table" and type(rawget(meta, "__tostring")) == "function" then
        local ok, shown = pcall(tostring, value)
        return stand_in(ok and ("<%s>"):format(shown) or "<object>")
    end
end

local RANKS = { number = 1, string = 2 }

local function comes_before(one, other)
    local rank, other_rank = RANKS[type(one)] or 3, RANKS[type(other)] or 3
    if rank ~= other_rank or rank == 3 then
        return rank < other_rank
    end
    return one < other
end

-- The first keys of a table, as they are shown, and how many there are.
local function first_keys(value, most)
    local keys, count, kept = {}, 0, math.max(SORTED, most)
    for key in next, value do
        count = count + 1
        keys[count] = count <= kept and key or nil
    end
    if count > most and count <= SORTED then
        table.sort(keys, comes_before)
    end
    return keys, count
end

function Copier:fill(copy, value, depth)
    local keys, count = first_keys(value, self.limits.items)
    for index = 1, math.min(count, self.limits.items) do
        local key = keys[index]
        copy[self:copy(key, depth)] = self:copy(rawget(value, key), depth)
    end
    if count > self.limits.items then
        copy[MORE] = stand_in(("<%d more>"):format(count - self.limits.items))
    end
    return copy
end

function Copier:copy(value, depth)
    if type(value) ~= "table" then
        return value
    end
    self.left = self.left - 1
    local known = self.seen[value] or says_itself(value)
    if known then
        return known
    elseif depth == self.limits.depth or self.left < 0 then
        return next(value) and stand_in "{…}" or {}
    end
    self.seen[value] = {}
    return self:fill(self.seen[value], value, depth + 1)
end

local function limited(value, limits)
    local copier = { limits = limits, seen = {}, left = limits.lines * limits.width }
    return setmetatable(copier, Copier):copy(value, 0)
end

-- What stands between the commas of a line, with these.
local function parts_of(line)
    local parts, from, at = {}, 1, line:find "[,\"']"
    while at do
        if line:byte(at) == 44 then
            table.insert(parts, line:sub(from, at))
            from = line:match("^ *()", at + 1)
        else
            at = code.string_end(line, at) or #line
        end
        at = line:find("[,\"']", at + 1)
    end
    if from <= #line then
        table.insert(parts, line:sub(from))
    end
    return parts
end

-- The items of a list, which are one long line, as several: as many on each as fit.
local function wrap(line, width)
    if layout.cells(line) <= width then
        return line
    end
    local rows, row, used, margin = {}, "", 0, line:match "^ *" .. "  "
    for _, part in ipairs(parts_of(line)) do
        local cells = layout.cells(part)
        if used > 0 and used + 1 + cells > width then
            table.insert(rows, row)
            row, used = margin .. part, #margin + cells
        else
            row = used > 0 and row .. " " .. part or part
            used = layout.cells(row)
        end
    end
    table.insert(rows, row)
    return table.concat(rows, "\n")
end

local function cut_lines(shown, limits)
    local lines, count = {}, 0
    for line in (shown .. "\n"):gmatch "(.-)\n" do
        count = count + 1
        if count <= limits.lines then
            table.insert(lines, layout.cut(line, limits.width))
        end
    end
    if count > limits.lines then
        table.insert(lines, ("… %d more lines"):format(count - limits.lines))
    end
    return table.concat(lines, "\n")
end

local function show_table(value, limits)
    local marks = {}
    local copy = limited(value, limits)
    local function mark(item)
        local meta = type(item) == "table" and getmetatable(item)
        if meta and meta.shown then
            table.insert(marks, meta.shown)
            return ("\1m%d\1"):format(#marks)
        end
        return item
    end
    local function show(options)
        marks, options.process = {}, mark
        local shown = inspect(copy, options):gsub('%["\255\\2"%] = ', "")
        return (shown:gsub('%[?"\\1m(%d+)\\1"%]?', function(index)
            return marks[tonumber(index)]
        end))
    end
    local line = show { newline = " ", indent = "" }
    if layout.cells(line) <= limits.width then
        return line
    end
    local wrapped = show {}:gsub("[^\n]+", function(row)
        return wrap(row, limits.width)
    end)
    return cut_lines(wrapped, limits)
end

local function show_string(value, limits)
    if not text.is_text(value) then
        return text.hexdump(value, limits.lines)
    end
    local shown = ("%q"):format(value):gsub("\\\n", "\\n"):gsub("\\9", "\\t"):gsub("\\13", "\\r")
    local room = limits.width * limits.lines
    if #shown > room then
        local kept = shown:sub(1, room):gsub("[\192-\255][\128-\191]*$", "")
        return ('%s… %s'):format(kept, text.size(#value))
    end
    return shown
end

local function show(value, limits)
    if type(value) == "string" then
        return show_string(value, limits)
    elseif type(value) == "table" then
        local meta = debug.getmetatable(value)
        if not (type(meta) == "table" and rawget(meta, "__tostring")) then
            return show_table(value, limits)
        end
    end
    local ok, shown = pcall(tostring, value)
    return ok and cut_lines(shown, limits) or ("<%s that does not say what it is>"):format(type(value))
end

---A Lua value, for people.
---@param value any
---@param limits nylon_ring.repl.Limits
---@return string
function M.value(value, limits)
    return text.plain(show(value, limits))
end

-- The beginning of a text that fits: so many lines, and so many bytes as they could hold.
local function beginning(shown, limits)
    local stop, most = 0, limits.lines * limits.width
    for _ = 1, limits.lines do
        stop = shown:find("\n", stop + 1, true)
        if not stop then
            break
        end
    end
    if (stop or #shown) <= most then
        return shown:sub(1, stop or -1)
    end
    return (shown:sub(1, most):gsub("[\192-\255][\128-\191]*$", ""))
end

---A payload, for people: text as it is, other bytes as a dump.
---@param body string
---@param limits nylon_ring.repl.Limits
---@return string
function M.body(body, limits)
    if not text.is_text(body) then
        return text.hexdump(body, limits.lines)
    end
    local shown = limits.json and body:find "^%s*[%[{]" and json_text.indent(body) or body
    local kept = beginning(shown, limits)
    if #kept < #shown then
        return ("%s… %s more"):format(text.plain(kept), text.size(#shown - #kept))
    end
    return text.plain((shown:gsub("\n$", "")))
end

return M
