-- What is asked of a plugin, to be compared with what was asked before, and shown.

local describe = require "nylon_ring.test.describe"

local M = {}

---The lines that a request is known by, and compared in.
---@param take nylon_ring.test.Take
---@param with_headers boolean|nil
---@return nylon_ring.test.Line[]
function M.lines(take, with_headers)
    local lines = { { ("%s %s"):format(take.method or "GET", take.call) } }
    if take.query then
        lines[#lines + 1] = { "query ", take.query }
    end
    for _, pair in ipairs(with_headers and take.headers or {}) do
        lines[#lines + 1] = { ("header %s: "):format(pair[1]), pair[2] }
    end
    if take.body then
        lines[#lines + 1] = { "body ", take.body }
    end
    local kind = take.notify and "as a notification" or take.stream and "as a stream"
    if kind then
        lines[#lines + 1] = { kind }
    end
    return lines
end

---A text that is the same for the same requests.
---@param take nylon_ring.test.Take
---@param with_headers boolean|nil
---@return string
function M.key(take, with_headers)
    local parts = {}
    for index, line in ipairs(M.lines(take, with_headers)) do
        local text = table.concat(line)
        parts[index] = ("%d %s"):format(#text, text) -- a body may look like the next line
    end
    return table.concat(parts, "\n")
end

-- How far two texts are apart: what is left without their common begin and end.
local function distance(a, b)
    local from, to = describe.common_bytes(a, b), 0
    local shorter = math.min(#a, #b)
    while to < shorter - from and a:byte(-to - 1) == b:byte(-to - 1) do
        to = to + 1
    end
    return math.max(#a, #b) - from - to
end

-- Two requests: the path counts most, then what else there is.
local function apart(a, b, with_headers)
    local path = distance(a.call, b.call) / math.max(#a.call, #b.call, 1)
    local mine, other = M.key(a, with_headers), M.key(b, with_headers)
    return path * 4 + distance(mine, other) / math.max(#mine, #other, 1)
end

---The one of a list that is most like a request.
---@param request nylon_ring.test.Take
---@param takes nylon_ring.test.Take[]
---@param with_headers boolean|nil
---@param complete? fun(request: nylon_ring.test.Take, take: nylon_ring.test.Take): nylon_ring.test.Take the
--- request as it is compared with one of them
---@return nylon_ring.test.Take|nil
function M.nearest(request, takes, with_headers, complete)
    local best, least
    for _, take in ipairs(takes) do
        local far = apart(complete and complete(request, take) or request, take, with_headers)
        if not least or far < least then
            best, least = take, far
        end
    end
    return best
end

return M
