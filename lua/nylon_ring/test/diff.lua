-- Differences for failure messages: of lists of lines, and of values as JSON has them.

local describe = require "nylon_ring.test.describe"

local type = type

local M = {}

---@param lines string[]
---@return string
function M.list(lines)
    return "  " .. table.concat(lines, "\n  ")
end

-- How long the longest common part of both lists is, from every pair of places on.
local function common(a, b)
    local length = {}
    for i = #a + 1, 1, -1 do
        length[i] = {}
        for j = #b + 1, 1, -1 do
            if i > #a or j > #b then
                length[i][j] = 0
            elseif a[i] == b[j] then
                length[i][j] = length[i + 1][j + 1] + 1
            else
                length[i][j] = math.max(length[i + 1][j], length[i][j + 1])
            end
        end
    end
    return length
end

---The lines of both, those of one alone marked with - and +; nil where they are the same.
---@param expected string[]
---@param got string[]
---@return string|nil
function M.lists(expected, got)
    local length, out, differ = common(expected, got), {}, false
    local i, j = 1, 1
    while i <= #expected or j <= #got do
        if i <= #expected and j <= #got and expected[i] == got[j] then
            out[#out + 1] = "  " .. expected[i]
            i, j = i + 1, j + 1
        elseif j > #got or (i <= #expected and length[i + 1][j] >= length[i][j + 1]) then
            out[#out + 1], differ = "- " .. expected[i], true
            i = i + 1
        else
            out[#out + 1], differ = "+ " .. got[j], true
            j = j + 1
        end
    end
    return differ and table.concat(out, "\n") or nil
end

local function step(path, key)
    if type(key) == "number" then
        return ("%s[%d]"):format(path, key)
    end
    return key:find "^[%a_][%w_]*$" and path .. "." .. key or ("%s[%q]"):format(path, key)
end

local function keys_of(a, b)
    local seen, list = {}, {}
    for _, each in ipairs { a, b } do
        for key in pairs(each) do
            if not seen[key] then
                seen[key] = true
                list[#list + 1] = key
            end
        end
    end
    table.sort(list, function(x, y)
        if type(x) == type(y) then
            return x < y
        end
        return type(x) == "number"
    end)
    return list
end

local function shown(value)
    return value == nil and "nothing" or describe.value(value)
end

local function compare(expected, got, path, out)
    if type(expected) ~= "table" or type(got) ~= "table" then
        if expected ~= got then
            out[#out + 1] = ("%s\n- %s\n+ %s"):format(path, shown(expected), shown(got))
        end
        return
    end
    for _, key in ipairs(keys_of(expected, got)) do
        compare(expected[key], got[key], step(path, key), out)
    end
end

---Every place where two values differ, by its path; nil where they are the same.
---@param expected any
---@param got any
---@return string|nil
function M.values(expected, got)
    local out = {}
    compare(expected, got, "$", out)
    return #out > 0 and table.concat(out, "\n") or nil
end

return M
