-- How values are shown: Lua values by `inspect` within limits, bytes as text or as a dump, JSON indented
-- when that was asked for.

local cjson = require "cjson"
local inspect = require "inspect"
local layout = require "nylon_ring.repl.layout"
local text = require "nylon_ring.repl.text"

local M = {}

---@class nylon_ring.repl.Limits
---@field depth integer tables inside tables
---@field items integer of one table
---@field width integer cells of a line
---@field lines integer of one value
---@field json boolean JSON is indented

-- A copy with the first items of each table, and a note of how many there are more. Metatables are left
-- out; what can say itself what it is does so.
local function limited(value, limits, depth, seen)
    if type(value) ~= "table" then
        return value
    end
    local meta = debug.getmetatable(value)
    if type(meta) == "table" and type(rawget(meta, "__tostring")) == "function" then
        local ok, shown = pcall(tostring, value)
        return setmetatable({}, { shown = ok and ("<%s>"):format(shown) or "<object>" })
    elseif seen[value] then
        return seen[value]
    end
    local copy = {}
    seen[value] = copy
    if depth == limits.depth then
        return next(value) and setmetatable(copy, { shown = "{…}" }) or copy
    end
    local count, dropped = 0, 0
    for key, item in next, value do
        count = count + 1
        if count <= limits.items then
            copy[limited(key, limits, depth + 1, seen)] = limited(item, limits, depth + 1, seen)
        else
            dropped = dropped + 1
        end
    end
    if dropped > 0 then
        copy["…"] = setmetatable({}, { shown = ("<%d more>"):format(dropped) })
    end
    return copy
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
    local copy = limited(value, limits, 0, {})
    local function mark(item)
        local meta = type(item) == "table" and getmetatable(item)
        if meta and meta.shown then
            table.insert(marks, meta.shown)
            return ("\1m%d\1"):format(#marks)
        end
        return item
    end
    local shown = inspect(copy, { process = function(item)
        return mark(item)
    end })
    shown = shown:gsub('%[?"\\1m(%d+)\\1"%]?', function(index)
        return marks[tonumber(index)]
    end)
    return cut_lines(shown, limits)
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

---A Lua value, for people.
---@param value any
---@param limits nylon_ring.repl.Limits
---@return string
function M.value(value, limits)
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

local function json_scalar(value)
    if value == cjson.null then
        return "null"
    elseif type(value) == "table" then
        return "[]"
    end
    return (cjson.encode(value):gsub("\\/", "/"))
end

local function json_lines(value, indent, out)
    if type(value) ~= "table" or next(value) == nil then
        table.insert(out, json_scalar(value))
        return
    end
    local inner = indent .. "  "
    local is_list = #value > 0
    local keys = {}
    for key in pairs(value) do
        table.insert(keys, key)
    end
    table.sort(keys, function(a, b)
        return is_list and a < b or not is_list and tostring(a) < tostring(b)
    end)
    table.insert(out, is_list and "[" or "{")
    for index, key in ipairs(keys) do
        table.insert(out, "\n" .. inner .. (is_list and "" or cjson.encode(tostring(key)) .. ": "))
        json_lines(value[key], inner, out)
        table.insert(out, index < #keys and "," or "")
    end
    table.insert(out, "\n" .. indent .. (is_list and "]" or "}"))
end

---A text as indented JSON, or nil where it is none.
---@param body string
---@return string|nil
function M.json(body)
    if not body:match "^%s*[%[{]" then
        return nil
    end
    local ok, value = pcall(cjson.decode, body)
    if ok then
        local out = {}
        json_lines(value, "", out)
        return table.concat(out)
    end
end

---A payload, for people: text as it is, other bytes as a dump.
---@param body string
---@param limits nylon_ring.repl.Limits
---@return string
function M.body(body, limits)
    if not text.is_text(body) then
        return text.hexdump(body, limits.lines)
    end
    local shown = limits.json and M.json(body) or body
    local most = limits.lines * limits.width
    if #shown > most then
        local kept = shown:sub(1, most):gsub("[\192-\255][\128-\191]*$", "")
        return ("%s… %s more"):format(kept, text.size(#shown - #kept))
    end
    return (shown:gsub("\n$", ""):gsub("\27", "\\27"))
end

return M
