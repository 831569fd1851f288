--- `nylon-ring call --repeat`: the same call again and again, some at a time, and the summary of their times.
local answer = require "nylon_ring.cli.answer"
local latency = require "nylon_ring.io.latency"
local nr = require "nylon_ring"
local once = require "nylon_ring.cli.once"
local uv = require "luv"

local M = {}

local function ignore() end

--- What the summary calls an outcome that is not good; nil for a good one.
local function failure(status, err, stream)
    if answer.is_ok(status, stream) then
        return nil
    elseif status or err.status then
        return answer.status_name(status or err.status)
    end
    return err.code
end

--- One of those that call at the same time: calls until together they have made enough.
local function call_on(run)
    while run.begun < run.args.times do
        run.begun = run.begun + 1
        local before = uv.hrtime()
        local status, text = once(run.plugin, run.request, run.args, ignore)
        local name = failure(status, text, run.args.stream)
        run.times:add(uv.hrtime() - before, name)
        if not run.ended or (name and not run.failed) then
            run.ended, run.failed, run.status, run.text = true, name, status, text
        end
    end
end

--- Calls `args.times` times. Answers as `once` does: of the first call that failed, else of a good one. The
--- summary comes also when the run is cut short.
---@async
function M.run(plugin, request, args)
    local run = { plugin = plugin, request = request, args = args, begun = 0, times = latency.new() }
    local callers = {}
    for i = 1, math.min(args.concurrency or 1, args.times) do
        callers[i] = i
    end
    local start = uv.hrtime()
    local ok, err = pcall(nr.map, callers, function()
        call_on(run)
    end)
    local elapsed = uv.hrtime() - start
    print(args.json and run.times:json(elapsed) or run.times:text(elapsed))
    if not ok then
        error(err, 0)
    end
    return run.status, run.text
end

return M
