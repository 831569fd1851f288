--- `nylon-ring test --isolate`: busted as ever, but each file is run by a process of its own, some of them
--- at once, and only its outcome is told here.
---
---     processes   a ──▶ b ──▶ ...        begun one after the other, some at once with --jobs
---                 │     │
---     busted      a ──▶ b ──▶ ...        waits for each in its turn, and replays its specs
local pool = require "nylon_ring.cli.test.pool"
local replay = require "nylon_ring.cli.test.replay"
local uv = require "luv"

local M = {}

--- Puts the processes in the place of busted's loaders of files. What they load is called with itself, which
--- busted has as the `run` of the file.
local function replace_loaders(outcome, names)
    local loader = {
        match = function()
            return true
        end,
        load = function(core, file)
            return function(run)
                replay.file(core, file, outcome(run))
            end, replay.get_trace
        end,
    }
    for _, name in ipairs(names) do
        package.loaded["busted.modules.files." .. name] = loader
    end
end

--- The files of a round in their order, and by what busted runs them as.
local function find_turns(context)
    local turns, by_run = {}, {}
    for _, element in ipairs(context.children(context.get())) do
        if element.descriptor == "file" then
            local turn = { file = element.name }
            table.insert(turns, turn)
            by_run[element.run] = turn
        end
    end
    return turns, by_run
end

--- Prepares a run of busted whose files are run by processes. Answers what to call when busted is made.
---@param options { words: string[], jobs: integer, file: integer, loaders: string[] }
---@return fun(core: table)
function M.prepare(options)
    local files, by_run
    options.cwd = uv.cwd()
    replace_loaders(function(run)
        return files:outcome(by_run[run])
    end, options.loaders)
    return function(core)
        require "nylon_ring.test.outputs"
        files = pool.new(options, function()
            return core.skipAll
        end)
        replay.keep_durations(core)
        core.subscribe({ "suite", "start" }, function()
            local turns
            turns, by_run = find_turns(core.context)
            files:begin(turns)
            return nil, true
        end)
    end
end

return M
