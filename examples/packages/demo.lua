-- What `./dev demo` shows: one request of each kind, then slow ones and fast ones at the same time.

local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

local EACH = {
    "GET /packages/luajit",
    "GET /packages/no-such-package",
    "GET /search?q=lua",
    "GET /largest?n=5",
    "GET /summary",
    "POST /summary",
    "GET /slow?ms=200",
}

local SLOW = "GET /slow?ms=1000"
local LOOK_UPS = { "GET /packages/bash", "GET /packages/git", "GET /packages/libc6", "GET /packages/luajit" }

-- `count` requests, those of the list in turn.
local function repeated(list, count)
    local requests = {}
    for index = 1, count do
        requests[index] = list[(index - 1) % #list + 1]
    end
    return requests
end

-- Answers a list of requests, `limit` at the same time; the times that they took, in order of length.
local function times_of(answer, list, limit)
    local times = assert(nr.map(list, function(request)
        return answer(request).ms
    end, { limit = limit }))
    table.sort(times)
    return times
end

local FORM = "  %-44s %6s %9s %9s %9s\n"

local function line(label, times)
    local function ms(index)
        return ("%.2f"):format(times[index])
    end
    return FORM:format(label, #times, ms(1), ms(math.ceil(#times / 2)), ms(#times))
end

-- The plugin answers also when nobody waits any more; then its statements have stopped.
local function owed_after(sqlite, limit_ms)
    local until_ms = uv.now() + limit_ms
    while sqlite:stats().owed > 0 and uv.now() < until_ms do
        nr.sleep(5)
    end
    return sqlite:stats().owed
end

---@async
---@param answer fun(request: string): { code: integer, ms: number }
---@param show fun(request: string)
---@param sqlite nylon_ring.Plugin
function M.run(answer, show, sqlite)
    for _, request in ipairs(EACH) do
        show(request)
    end
    local times = assert(nr.all {
        slow = function() return times_of(answer, repeated({ SLOW }, 4), 4) end,
        ticks = function() return times_of(answer, { "GET /ticks?n=5" }, 1) end,
        searches = function() return times_of(answer, repeated({ "GET /search?q=editor" }, 10), 1) end,
        look_ups = function() return times_of(answer, repeated(LOOK_UPS, 2000), 4) end,
    })
    io.write("\nAt the same time (milliseconds):\n", FORM:format("", "count", "fastest", "median", "slowest"),
        line(SLOW .. ", each a 504", times.slow),
        line("GET /ticks?n=5, a stream that sleeps", times.ticks),
        line("GET /search?q=editor, one after the other", times.searches),
        line("GET /packages/..., four at a time", times.look_ups))
    local form = "\nBeside %d queries without an end the slowest look-up took %.2f ms. Of those queries, "
        .. "%d still run.\n"
    io.write(form:format(#times.slow, times.look_ups[#times.look_ups], owed_after(sqlite, 2000)))
end

return M
