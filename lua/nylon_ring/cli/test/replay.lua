--- Tells busted what became of a file that ran in another process, as if it ran here: blocks and specs of the
--- same names, which fail as the real ones did. Every output handler and count of busted works as ever.
local M = {}

-- What `getTrace` answers next: where a spec was written, or where it failed.
local trace = {}

-- Which record a replayed spec is of.
local record_of = setmetatable({}, { __mode = "k" })

--- Part of busted's loader of files: the place of a block, spec or failure.
function M.get_trace(_, info)
    info.short_src = trace.short_src or info.short_src
    info.currentline = trace.currentline or info.currentline
    info.traceback = trace.traceback or ""
    return info
end

local function message_of(problem)
    return problem.message or "Nil error"
end

local function fail(core, problem)
    trace = problem.trace or trace
    if problem.kind == "failure" then
        core.fail(message_of(problem), 0)
    elseif problem.kind == "pending" then
        core.pending(message_of(problem))
    end
    error(message_of(problem), 0)
end

-- A spec may fail more than once: by itself, and by what it left. The last is the one that it raises.
local function replay_spec(core, spec)
    local element = core.context.get()
    local parent = core.context.parent(element)
    record_of[element] = spec
    parent.randomseed = spec.seed
    for index = 1, #spec.problems - 1 do
        local problem = spec.problems[index]
        local place = problem.trace or spec.trace
        core.publish({ problem.kind, "it" }, element, parent, message_of(problem), place)
    end
    local last = spec.problems[#spec.problems]
    if last then
        fail(core, last)
    end
end

local function register_spec(core, spec)
    trace = spec.trace
    if spec.status == "pending" and #spec.problems == 0 then
        return core.executors.pending(spec.name)
    end
    core.executors.it(spec.name, function()
        replay_spec(core, spec)
    end)
end

-- The last of the specs from `first` to `limit` that are in one block of this depth.
local function same_block(specs, first, limit, depth)
    local last = first
    while last < limit and specs[last + 1].path[depth] == specs[first].path[depth] do
        last = last + 1
    end
    return last
end

-- Registers the specs from `first` to `limit`, which are in the same block above this depth.
local function register(core, specs, first, limit, depth)
    while first <= limit do
        local name = specs[first].path[depth]
        local from, to = first, name and same_block(specs, first, limit, depth) or first
        if name then
            trace = specs[first].trace
            core.executors.describe(name, function()
                register(core, specs, from, to, depth + 1)
            end)
        else
            register_spec(core, specs[first])
        end
        first = to + 1
    end
end

local function tell_problem(core, file, problem)
    local raised = problem.trace or { short_src = file, currentline = 0 }
    local element = {
        descriptor = problem.within,
        name = problem.name or file,
        trace = problem.place or raised,
    }
    core.publish({ problem.kind, problem.within }, element, nil, message_of(problem), raised)
end

--- Registers what a file's process has told, in the file that busted executes now.
---@param core table busted's
---@param file string
---@param record nylon_ring.cli.FileRecord
function M.file(core, file, record)
    io.stdout:write(record.out)
    io.stdout:flush()
    io.stderr:write(record.err)
    for _, problem in ipairs(record.problems) do
        tell_problem(core, file, problem)
    end
    register(core, record.specs, 1, #record.specs, 1)
end

--- Gives replayed specs the time that the real ones took.
function M.keep_durations(core)
    core.subscribe({ "test", "end" }, function(element)
        local spec = record_of[element]
        element.duration = spec and spec.duration or element.duration
        return nil, true
    end, { priority = 1 })
end

return M
