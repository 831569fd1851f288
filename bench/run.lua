-- The benchmark: the same work done by a bare C loop on the plugin, by the C core, and by Lua, in one
-- run, told as ratios. usage: nylon-ring bench/run.lua BUILD_FOLDER [--rounds N]
local nr = require "nylon_ring"
local ffi = require "ffi"
local uv = require "luv"

local build = assert(arg[1], "usage: nylon-ring bench/run.lua BUILD_FOLDER [--rounds N]")
local rounds = arg[2] == "--rounds" and tonumber(arg[3]) or 3

local SLICE_NS = 60e6

package.cpath = build .. "/bench/?.so;" .. package.cpath
local floor_c = require "bench_floor"
ffi.cdef "const char *bench_floor_body(void);"
local floor_ffi = ffi.load(package.searchpath("bench_floor", package.cpath))

-- Nanoseconds of one operation: `op(count)` is repeated with a growing count until it fills a slice.
local function measure(op, count)
    while true do
        local start = uv.hrtime()
        op(count)
        local ns = uv.hrtime() - start
        if ns >= SLICE_NS then
            return ns / count
        end
        count = math.ceil(count * math.min(16, math.max(2, 1.2 * SLICE_NS / ns)))
    end
end

local function median(values)
    table.sort(values)
    return values[math.floor(#values / 2) + 1]
end

-- Runs one of the C programs; its lines are added to `times[name]`.
local function run_program(name, times)
    local plugin = ("%s/plugins/bench.so"):format(build)
    local pipe = assert(io.popen(("'%s/bench/%s' '%s'"):format(build, name, plugin)))
    for line in pipe:lines() do
        local case, ns = line:match("^(.-)\t([%d.]+)$")
        times[case] = times[case] or {}
        table.insert(times[case], tonumber(ns))
    end
    assert(pipe:close(), name .. " failed")
end

local plugin = assert(nr.load(build .. "/plugins/bench.so"))

local function inside(size)
    local request = nr.request { path = "/inside", body = ("x"):rep(size) }
    return function(count)
        for _ = 1, count do
            local status = plugin:call(request)
            if status ~= nr.OK then
                error("unexpected answer")
            end
        end
    end
end

local function stream(size)
    local request = nr.request { path = "/frames", body = ("x"):rep(size) }
    return function(count)
        for _ = 1, count do
            local frames = assert(plugin:call_stream(request))
            while frames:recv() do -- luacheck: ignore 542
            end
            frames:close()
        end
    end
end

local function thread(size, in_flight)
    local request = nr.request { path = "/thread", body = ("x"):rep(size) }
    return function(count)
        local left = count
        local function caller()
            while left > 0 do
                left = left - 1
                if plugin:call(request) ~= nr.OK then
                    error("unexpected answer")
                end
            end
        end
        local tasks = {}
        for i = 1, in_flight do
            tasks[i] = nr.spawn(caller)
        end
        for i = 1, in_flight do
            tasks[i]:join()
        end
    end
end

local function floor_of(body, size)
    return function(count)
        local last
        for _ = 1, count do
            last = body(size)
        end
        return last
    end
end

local function ffi_body(size)
    return ffi.string(floor_ffi.bench_floor_body(), size)
end

local cases = {
    { "inside 0 B", inside(0), 0 },
    { "inside 128 B", inside(128), 128 },
    { "inside 1024 B", inside(1024), 1024 },
    { "inside 4096 B", inside(4096), 4096 },
    { "stream of 9 frames", stream(16) },
    { "thread, 1 in flight", thread(16, 1), in_flight = 1 },
    { "thread, 16 in flight", thread(16, 16), in_flight = 16 },
    { "thread, 256 in flight", thread(16, 256), in_flight = 256 },
    { "thread, 4096 in flight", thread(16, 4096), in_flight = 4096 },
    { "thread, 65536 in flight", thread(16, 65536), in_flight = 65536 },
}

local function run_lua(lua, c_api, plain_ffi)
    local function add(times, name, ns)
        times[name] = times[name] or {}
        table.insert(times[name], ns)
    end
    for _, case in ipairs(cases) do
        local name, op, floor_size = case[1], case[2], case[3]
        local least = math.max(64, 4 * (case.in_flight or 0)) -- starting and joining tasks is no call
        op(least) -- warm up
        add(lua, name, measure(op, least))
        if floor_size then
            add(c_api, name, measure(floor_of(floor_c, floor_size), least))
            add(plain_ffi, name, measure(floor_of(ffi_body, floor_size), least))
        end
    end
end

local bare, core, lua, c_api, plain_ffi = {}, {}, {}, {}, {}
for round = 1, rounds do
    io.stderr:write(("round %d of %d\n"):format(round, rounds))
    run_program("bench_bare", bare)
    run_program("bench_core", core)
    run_lua(lua, c_api, plain_ffi)
end

local function cell(times, name, base)
    if not times[name] then
        return ("%9s %7s"):format("-", "")
    end
    local ns = median(times[name])
    return ("%9.1f %6.1fx"):format(ns, ns / base)
end

print("nanoseconds an operation (median of the rounds), and as a ratio to the plugin's own time;")
print("floors: what a plain C-API function and a plain FFI call take to hand over a fresh body")
print(("%-24s %9s %17s %17s %17s %17s"):format("case", "plugin", "C core", "Lua", "C-API floor", "FFI floor"))
for _, case in ipairs(cases) do
    local name = case[1]
    local base = median(bare[name])
    print(("%-24s %9.1f %s %s %s %s"):format(name, base, cell(core, name, base), cell(lua, name, base),
        cell(c_api, name, base), cell(plain_ffi, name, base)))
end
