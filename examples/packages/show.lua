-- Requests and their answers as text for people, or as JSON with `--json`.

local cjson = require "cjson"

local M = {}

local WIDTH = 100 -- longer values are cut

-- Fields that come first, in this order; the others follow by name.
local FIRST = {
    "error", "name", "section", "maintainer", "summary", "version", "packages", "installed_gib",
    "installed_kib",
}
local RANK = {}
for rank, field in ipairs(FIRST) do
    RANK[field] = rank
end

local function sorted_fields(object)
    local fields = {}
    for field in pairs(object) do
        table.insert(fields, field)
    end
    table.sort(fields, function(a, b)
        local first, second = RANK[a] or math.huge, RANK[b] or math.huge
        return first < second or first == second and a < b
    end)
    return fields
end

-- The first `count` characters at most; never cuts one of UTF-8 in two.
local function cut(text, count)
    if #text <= count then
        return text
    end
    while text:byte(count + 1) and text:byte(count + 1) >= 128 and text:byte(count + 1) < 192 do
        count = count - 1
    end
    return text:sub(1, count) .. "..."
end

local function scalar(value)
    if value == cjson.null or value == nil then
        return "-"
    elseif type(value) == "number" then
        return ("%.14g"):format(value)
    end
    return (tostring(value):gsub("%s+", " "))
end

-- One line of a table: the first column as wide as all need it, then numbers, then texts.
local function row(object, names, width)
    local columns = { ("%-" .. width .. "s"):format(scalar(object[names[1]])) }
    for _, kind in ipairs { "number", "string" } do
        for index = 2, #names do
            local value = object[names[index]]
            if type(value) == kind then
                table.insert(columns, (kind == "number" and "%9s" or "%s"):format(scalar(value)))
            end
        end
    end
    return cut(table.concat(columns, "  "), WIDTH)
end

local function rows(list)
    if #list == 0 then
        return {}
    end
    local names, width, lines = sorted_fields(list[1]), 0, {}
    for _, object in ipairs(list) do
        width = math.max(width, #scalar(object[names[1]]))
    end
    for index, object in ipairs(list) do
        lines[index] = row(object, names, math.min(width, 50))
    end
    return lines
end

-- One field a line, but those that are empty; lists below their name.
local function fields(object)
    local lines = {}
    for _, field in ipairs(sorted_fields(object)) do
        local value = object[field]
        if type(value) == "table" then
            table.insert(lines, field)
            for _, line in ipairs(rows(value)) do
                table.insert(lines, "  " .. line)
            end
        elseif value ~= cjson.null and value ~= "" then
            table.insert(lines, cut(("%-14s %s"):format(field, scalar(value)), WIDTH))
        end
    end
    return lines
end

local function lines_of(body)
    local ok, value = pcall(cjson.decode, body)
    if not ok or type(value) ~= "table" then
        return body == "" and {} or { body }
    end
    return #value > 0 and rows(value) or fields(value)
end

-- Frames are rows where they are objects.
local function lines_of_frames(frames)
    local list = {}
    for index, frame in ipairs(frames) do
        local ok, value = pcall(cjson.decode, frame)
        if not ok or type(value) ~= "table" then
            return frames
        end
        list[index] = value
    end
    return rows(list)
end

---Takes a response whole: `frames` in place of a stream.
---@async
---@param response nylon_ring.Response
---@return string[]|nil frames
function M.drain(response)
    if not response.stream then
        return nil
    end
    local frames = {}
    response.stream:each(function(_, data)
        if data ~= "" then
            table.insert(frames, data)
        end
    end)
    return frames
end

---@param request string
---@param code integer
---@param ms number
---@return string
function M.head(request, code, ms)
    return ("%-52s %d %9.1f ms"):format(request, code, ms)
end

---The body of a response, indented, cut to `limit` lines.
---@param body string
---@param frames string[]|nil
---@param limit integer
---@return string
function M.body(body, frames, limit)
    local lines = frames and lines_of_frames(frames) or lines_of(body)
    local shown = {}
    for index = 1, math.min(#lines, limit) do
        shown[index] = "    " .. lines[index] .. "\n"
    end
    if #lines > limit then
        table.insert(shown, ("    ... and %d more lines\n"):format(#lines - limit))
    end
    return table.concat(shown)
end

---One line of JSON for a request and what it came to.
function M.json(request, code, ms, body, frames)
    return cjson.encode {
        request = request,
        code = code,
        ms = math.floor(ms * 10 + 0.5) / 10,
        body = not frames and body or nil,
        frames = frames,
    }
end

return M
