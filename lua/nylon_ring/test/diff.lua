-- Differences for failure messages, of lists of lines.

local describe = require "nylon_ring.test.describe"

local M = {}

---@class nylon_ring.test.Line
---@field [1] string as it is shown
---@field [2]? string bytes that are shown after it, quoted, and cut where they are long

-- Equal lines that are shown on either side of a difference.
local CONTEXT = 3

-- How many lines beyond their equal beginnings are compared with each other, and how many of those that stand
-- in one place on one side alone are shown.
local COMPARED, SHOWN = 200, 10

-- The lines of a whole comparison: what differs beyond them is not shown.
local LONGEST = 40

local function text_of(line)
    return line[2] and line[1] .. describe.value(line[2]) or line[1]
end

local function same(a, b)
    return a[1] == b[1] and a[2] == b[2]
end

---@param lines nylon_ring.test.Line[]
---@return string
function M.list(lines)
    local texts = {}
    for index = 1, math.min(#lines, LONGEST) do
        texts[index] = "  " .. text_of(lines[index])
    end
    if #lines > LONGEST then
        texts[LONGEST + 1] = ("  ... %d more"):format(#lines - LONGEST)
    end
    return table.concat(texts, "\n")
end

-- How many lines both have in common at their beginning, and at their end.
local function common_ends(a, b)
    local first, last, shorter = 0, 0, math.min(#a, #b)
    while first < shorter and same(a[first + 1], b[first + 1]) do
        first = first + 1
    end
    while last < shorter - first and same(a[#a - last], b[#b - last]) do
        last = last + 1
    end
    return first, last
end

-- How long the longest common part of both lists is, from every pair of places on.
local function common(a, b)
    local length = {}
    for i = #a + 1, 1, -1 do
        length[i] = {}
        for j = #b + 1, 1, -1 do
            if i > #a or j > #b then
                length[i][j] = 0
            elseif same(a[i], b[j]) then
                length[i][j] = length[i + 1][j + 1] + 1
            else
                length[i][j] = math.max(length[i + 1][j], length[i][j + 1])
            end
        end
    end
    return length
end

---@class nylon_ring.test.Part of two lists: lines that both have, or what each has in their place
---@field equal nylon_ring.test.Line[]
---@field removed nylon_ring.test.Line[]
---@field added nylon_ring.test.Line[]

local function is_change(part)
    return #part.removed + #part.added > 0
end

-- Both lists as parts that are equal and parts that differ, in turns.
local function parts_of(a, b)
    local length, parts, i, j = common(a, b), {}, 1, 1
    local function add(kind, line)
        local part = parts[#parts]
        if not part or is_change(part) == (kind == "equal") then
            part = { equal = {}, removed = {}, added = {} }
            parts[#parts + 1] = part
        end
        table.insert(part[kind], line)
    end
    while i <= #a or j <= #b do
        if i <= #a and j <= #b and same(a[i], b[j]) then
            add("equal", a[i])
            i, j = i + 1, j + 1
        elseif j > #b or (i <= #a and length[i + 1][j] >= length[i][j + 1]) then
            add("removed", a[i])
            i = i + 1
        else
            add("added", b[j])
            j = j + 1
        end
    end
    return parts
end

-- Lines that both have: those next to a difference.
local function write_equal(out, lines, after_change, before_change)
    local first = after_change and CONTEXT or 0
    local last = before_change and CONTEXT or 0
    local left_out = #lines - first - last
    for index, line in ipairs(lines) do
        if index <= first or index > #lines - last or left_out == 1 then
            out[#out + 1] = "  " .. text_of(line)
        elseif index == first + 1 then
            out[#out + 1] = ("  ... %d that are the same"):format(left_out)
        end
    end
end

-- Two lines that stand in each other's place are shown so that one sees where they differ.
local function texts_of(line, other)
    if other and line[2] and other[2] and line[1] == other[1] then
        local one = describe.pair(line[2], other[2])
        return line[1] .. one
    end
    return text_of(line)
end

local function write_side(out, mark, lines, others)
    for index = 1, math.min(#lines, SHOWN) do
        out[#out + 1] = mark .. texts_of(lines[index], others[index])
    end
    if #lines > SHOWN then
        out[#out + 1] = ("%s... %d more"):format(mark, #lines - SHOWN)
    end
end

local function slice(list, from, to)
    local part = {}
    for index = from, to do
        part[#part + 1] = list[index]
    end
    return part
end

local function append(list, lines)
    for _, line in ipairs(lines) do
        list[#list + 1] = line
    end
end

-- What was not compared, as a part of its own where the last one is equal.
local function add_rest(parts, removed, added)
    if #removed + #added == 0 then
        return
    end
    local last = parts[#parts]
    if not is_change(last) then
        last = { equal = {}, removed = {}, added = {} }
        parts[#parts + 1] = last
    end
    append(last.removed, removed)
    append(last.added, added)
end

-- The parts of both lists; what stands behind those of them that are compared counts as different.
local function compare_lists(expected, got)
    local first, last = common_ends(expected, got)
    local function middle(list)
        local to = #list - last
        local compared = math.min(to, first + COMPARED)
        return slice(list, first + 1, compared), slice(list, compared + 1, to)
    end
    local a, rest_a = middle(expected)
    local b, rest_b = middle(got)
    local parts = parts_of(a, b)
    add_rest(parts, rest_a, rest_b)
    local begin, ending = slice(expected, 1, first), slice(expected, #expected - last + 1, #expected)
    table.insert(parts, 1, { equal = begin, removed = {}, added = {} })
    table.insert(parts, { equal = ending, removed = {}, added = {} })
    return parts
end

---What differs between both, marked with - and +, with what stands around it; nil where they are the same.
---@param expected nylon_ring.test.Line[]
---@param got nylon_ring.test.Line[]
---@return string|nil
function M.lists(expected, got)
    local parts, out = compare_lists(expected, got), {}
    if #parts == 2 then
        return nil
    end
    for index, part in ipairs(parts) do
        if #out >= LONGEST then
            out[#out + 1] = "  ... and more that is not shown"
            break
        end
        write_equal(out, part.equal, index > 1, index < #parts)
        write_side(out, "- ", part.removed, part.added)
        write_side(out, "+ ", part.added, part.removed)
    end
    return table.concat(out, "\n")
end

return M
