--- Stands in for LuaCov where it is not installed: what `nylon-ring test --coverage` calls of it, with its
--- habits. It keeps the `os.exit` that it finds when it is loaded, and calls that where it can not go on; it
--- puts its own in the place of `os.exit` when it begins; and it saves by reading its file, adding, and
--- writing.
---
--- With `meet` in the configuration it waits between reading and writing for another process to be there as
--- well, up to that many milliseconds.
local uv = require "luv"

local runner = { initialized = false, data = {} }
local leave = os.exit
local over = false

local function read(path)
    local counts = {}
    local file = io.open(path)
    local text = file and file:read "*a" or ""
    if file then
        file:close()
    end
    for name, line in text:gmatch "%d+:([^\n]+)\n([^\n]*)\n" do
        counts[name] = {}
        for number in line:gmatch "%d+" do
            table.insert(counts[name], tonumber(number))
        end
    end
    return counts
end

local function write(path, counts)
    local file = assert(io.open(path, "w"))
    for name, lines in pairs(counts) do
        file:write(("%d:%s\n%s\n"):format(#lines, name, table.concat(lines, " ")))
    end
    file:close()
end

local function count_files(folder)
    local scan, count = assert(uv.fs_scandir(folder)), 0
    while uv.fs_scandir_next(scan) do
        count = count + 1
    end
    return count
end

local function meet(ms)
    local folder = runner.configuration.statsfile .. ".meet"
    uv.fs_mkdir(folder, 448)
    assert(io.open(folder .. "/" .. uv.os_getpid(), "w")):close()
    local due = uv.hrtime() + ms * 1e6
    while uv.hrtime() < due and count_files(folder) < 2 do
        uv.sleep(5)
    end
    os.remove(folder .. "/" .. uv.os_getpid())
end

function runner.save_stats()
    local counts = read(runner.configuration.statsfile)
    if runner.configuration.meet then
        meet(runner.configuration.meet)
    end
    for name, lines in pairs(runner.data) do
        local all = counts[name] or {}
        for line = 1, math.max(#all, table.maxn(lines)) do
            all[line] = (all[line] or 0) + (lines[line] or 0)
        end
        counts[name] = all
    end
    runner.data = {}
    write(runner.configuration.statsfile, counts)
end

local function is_included(name)
    for _, pattern in ipairs(runner.configuration.exclude) do
        if name:gsub("%.lua$", ""):match(pattern) then
            return false
        end
    end
    return true
end

function runner.run_report()
    local file = io.open(runner.configuration.reportfile, "w")
    if not file then
        print "no report"
        os.exit(1)
    end
    for name in pairs(read(runner.configuration.statsfile)) do
        if is_included(name) then
            file:write(name, "\n")
        end
    end
    file:close()
end

local function finish()
    if not over then
        over = true
        debug.sethook()
        runner.save_stats()
        if runner.configuration.runreport then
            runner.run_report()
        end
    end
end

runner.shutdown = finish

function runner.load_config(path)
    if runner.configuration then
        return runner.configuration
    end
    local values = { statsfile = "luacov.stats.out", reportfile = "luacov.report.out" }
    local chunk, err = loadfile(path or ".luacov")
    if chunk then
        setfenv(chunk, values)()
    elseif path or uv.fs_stat ".luacov" then
        io.stderr:write("could not load: ", err, "\n")
        leave(1)
    end
    for _, name in ipairs { "statsfile", "reportfile" } do
        if values[name]:sub(1, 1) ~= "/" then
            values[name] = uv.cwd() .. "/" .. values[name]
        end
    end
    values.exclude = {}
    runner.configuration = values
    return values
end

local function count(_, line)
    local name = debug.getinfo(2, "S").source:match "^@(.*)"
    if name and is_included(name) then
        runner.data[name] = runner.data[name] or {}
        runner.data[name][line] = (runner.data[name][line] or 0) + 1
    end
end

function runner.init(config)
    runner.load_config(config)
    os.exit = function(...) -- luacheck: ignore 122
        finish()
        leave(...)
    end
    runner.initialized = true
    debug.sethook(count, "l")
end

return runner
