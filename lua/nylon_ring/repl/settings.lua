-- What `:set` sets: each with what it means, its default, and how a word becomes its value.

local M = {}

local LEAST_WIDTH, MOST_WIDTH = 20, 1000
local MANY = 1000000

local function whole(least, most)
    return function(word)
        local number = tonumber(word)
        if number and number >= least and number <= most and number % 1 == 0 then
            return number
        end
        return nil, ("a whole number from %d to %d"):format(least, most)
    end
end

local function whole_or_all(least, most)
    local read = whole(least, most)
    return function(word)
        if word == "all" then
            return math.huge
        end
        local number, wanted = read(word)
        return number, wanted and wanted .. ", or all"
    end
end

---The width that is nearest to a terminal's own.
---@param width integer
---@return integer
function M.width_for(width)
    return math.max(LEAST_WIDTH, math.min(width, MOST_WIDTH))
end

local function switch(word)
    if word == "on" or word == "off" then
        return word == "on"
    end
    return nil, "on or off"
end

---@type { name: string, default: any, help: string, read: fun(word: string): any, string }[]
M.list = {
    { name = "depth", default = 4, read = whole(0, 100), help = "tables inside tables that are shown" },
    { name = "items", default = 50, read = whole(1, MANY), help = "items of one table that are shown" },
    { name = "lines", default = 40, read = whole(1, MANY), help = "lines of one value that are shown" },
    { name = "frames", default = 1000, read = whole_or_all(1, MANY),
        help = "frames of a stream that are shown a second" },
    { name = "width", default = 80, read = whole(LEAST_WIDTH, MOST_WIDTH),
        help = "cells of a line; a terminal's own at first" },
    { name = "json", default = false, read = switch, help = "JSON in answers is indented" },
    { name = "timing", default = false, read = switch, help = "every line tells how long it took" },
    { name = "logs", default = true, read = switch, help = "plugins' log lines are shown as they come" },
}

M.by_name = {}
for _, setting in ipairs(M.list) do
    M.by_name[setting.name] = setting
end

---@return table<string, any>
function M.new()
    local values = {}
    for _, setting in ipairs(M.list) do
        values[setting.name] = setting.default
    end
    return values
end

return M
