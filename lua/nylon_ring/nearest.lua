-- The name that was meant by one that there is not, for messages.

-- Insertions, deletions, replacements and swaps of neighbours that make one word of the other.
local function distance(a, b)
    local rows = { [0] = {} }
    for column = 0, #b do
        rows[0][column] = column
    end
    for i = 1, #a do
        rows[i] = { [0] = i }
        for k = 1, #b do
            local cost = a:byte(i) == b:byte(k) and 0 or 1
            local best = math.min(rows[i - 1][k] + 1, rows[i][k - 1] + 1, rows[i - 1][k - 1] + cost)
            if i > 1 and k > 1 and a:byte(i) == b:byte(k - 1) and a:byte(i - 1) == b:byte(k) then
                best = math.min(best, rows[i - 2][k - 2] + 1)
            end
            rows[i][k] = best
        end
    end
    return rows[#a][#b]
end

---The name that was most likely meant, or nil where none is near.
---@param word string
---@param names string[]
---@return string|nil
local function nearest(word, names)
    local best, least
    for _, name in ipairs(names) do
        local far = name:find(word, 1, true) == 1 and 0 or distance(word, name)
        if not least or far < least then
            best, least = name, far
        end
    end
    if least and least <= math.max(1, math.floor(#word / 2)) then
        return best
    end
end

return nearest
