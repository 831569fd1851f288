-- `:bench`: many evaluations, some at the same time; how fast, how long each took, drawn as a histogram.

local fast = require "nylon_ring.fast"
local jit = require "jit"
local latencies = require "nylon_ring.io.latency"
local nr = require "nylon_ring"
local text = require "nylon_ring.io.text"
local uv = require "luv"

local M = {}

local BARS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" }
local ROWS = 12
local TURN = 10 -- milliseconds after which the loop turns

-- A bar of so many cells, in eighths.
local function bar(cells)
    local whole = math.floor(cells)
    local part = math.floor((cells - whole) * 8)
    return ("█"):rep(whole) .. (part > 0 and BARS[part] or whole == 0 and BARS[1] or "")
end

-- Bounds of the histogram's rows: each the one before it times the same factor, so that the rows hold from
-- the fastest to the 99.9th percentile.
local function bounds_of(latency, times)
    local least, most = times[1].time, latency:quantile(0.999)
    local factor = math.max(1.2, (most / least) ^ (1 / (ROWS - 1)))
    local bounds = { least * factor }
    while bounds[#bounds] < most and #bounds < ROWS do
        table.insert(bounds, bounds[#bounds] * factor)
    end
    return bounds
end

-- How many times are in each row; the last row takes all that took longer.
local function counts_of(times, bounds)
    local counts, row = {}, 1
    for index = 1, #bounds do
        counts[index] = 0
    end
    for _, each in ipairs(times) do
        while row < #bounds and each.time > bounds[row] do
            row = row + 1
        end
        counts[row] = counts[row] + each.count
    end
    return counts
end

---A histogram of the times of one call or more, one row a line.
---@param latency nylon_ring.io.Latency
---@param width integer
---@return string
function M.histogram(latency, width)
    local times = latency:times()
    local bounds = bounds_of(latency, times)
    local counts = counts_of(times, bounds)
    local most, room = 0, math.max(10, width - 24)
    for _, count in ipairs(counts) do
        most = math.max(most, count)
    end
    local lines = {}
    for row, count in ipairs(counts) do
        local last = row == #counts and row > 1
        local head = last and "≥ " .. text.time(bounds[row - 1]) or "≤ " .. text.time(bounds[row])
        local drawn = count > 0 and bar(count / most * (room - 8)) .. " " or ""
        local pad = (" "):rep(math.max(0, 10 - #head:gsub("[\128-\191]", "")))
        table.insert(lines, ("  %s%s %s%d"):format(pad, head, drawn, count))
    end
    return table.concat(lines, "\n")
end

-- What one evaluation came to: an error as a value, or a status that is none of a success.
local function is_failure(first, second)
    if first == nil then
        return second ~= nil
    end
    return type(first) == "number" and type(second) == "string" and first ~= 0
end

local function evaluate(fn, state)
    local before = uv.hrtime()
    local _, first, second = fn()
    local after = uv.hrtime()
    local failed = is_failure(first, second)
    state.latency:add(after - before, failed and "failed" or nil)
    state.failure = state.failure or failed and second
    return after
end

-- What is answered at once does not suspend.
local function worker(fn, state)
    while state.left > 0 do
        state.left = state.left - 1
        local now = evaluate(fn, state)
        if fast.interrupted ~= 0 or now - state.turned > TURN * 1e6 then
            nr.sleep(0)
            state.turned = uv.hrtime()
        end
    end
end

local function run_workers(fn, state, width)
    local workers = {}
    for index = 1, width do
        workers[index] = function()
            worker(fn, state)
        end
    end
    if #workers == 1 then
        worker(fn, state)
    else
        nr.all(workers)
    end
end

local function show(session, state, count, width, elapsed)
    local n = state.latency:numbers(elapsed)
    if n.calls < count then
        session:write(("stopped after %d of %d\n"):format(n.calls, count))
    end
    session:write(("%d in %s, %s/s%s; p50 %s, p99 %s, max %s\n"):format(n.calls, text.time(elapsed),
        text.count(n.calls / elapsed * 1e9), width > 1 and (", %d at a time"):format(width) or "",
        text.time(n.p50_us * 1e3), text.time(n.p99_us * 1e3), text.time(n.max_us * 1e3)))
    session:write(M.histogram(state.latency, session.settings.width) .. "\n")
    if n.failed > 0 then
        session:write(("%s %d failed, the first with: %s\n"):format(session.paint("bad", "=>"), n.failed,
            text.plain(tostring(state.failure))))
    end
end

---Evaluates an entry's chunk again and again and writes what came out, also where it is stopped on the way.
---Ctrl-C can stop a loop in it the first time; after that it is compiled, as it would be in a script.
---@async
---@param session nylon_ring.repl.Session
---@param fn function
---@param count integer
---@param width integer how many at the same time
function M.run(session, fn, count, width)
    local start = uv.hrtime()
    local state = { left = count - 1, latency = latencies.new(), turned = start }
    evaluate(fn, state)
    jit.on(fn, true)
    local ok, err = pcall(run_workers, fn, state, math.min(width, count))
    show(session, state, count, width, uv.hrtime() - start)
    if not ok then
        error(err, 0)
    end
end

return M
