--- `nylon-ring test --isolate`: busted as ever, but each file is run by a process of its own, some of them
--- at once, and only its outcome is told here.
---
---     processes   a ──▶ b ──▶ ...        begun one after the other, some at once with --jobs
---                 │     │
---     busted      a ──▶ b ──▶ ...        waits for each in its turn, and replays its specs
local nr = require "nylon_ring"
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
                local record = outcome(run)
                if record then
                    replay.file(core, file, record)
                end
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

---@class nylon_ring.cli.Isolation
---@field private _options { words: string[], jobs: integer, file: integer, cwd: string }
---@field private _files nylon_ring.cli.Pool
---@field private _by_run table<table, nylon_ring.cli.Turn>
local Isolation = {}
Isolation.__index = Isolation

-- What became of a file. A signal is left to `stop`; the suite's limit is raised here.
function Isolation:_outcome(run)
    local turn = self._by_run[run]
    local ok, record = pcall(nr.shield, self._files.outcome, self._files, turn)
    if ok then
        return record
    end
    local limit = tostring(record):match "^[^\n]*"
    self._files:stop(limit, false)
    record = nr.shield(self._files.outcome, self._files, turn)
    if record.finished then -- else its process was ended, which is told so
        record:note_end(limit)
    end
    return record
end

--- To be called when busted's core was made.
---@param core table
function Isolation:begin(core)
    require "nylon_ring.test.outputs"
    self._files = pool.new(self._options, function()
        return core.skipAll
    end)
    replay.keep_durations(core)
    -- A seed orders hooks of the suite together with its files: as many as nylon_ring.busted has, so that the
    -- order is the same as in one process.
    core.executors.before_each(function() end)
    core.executors.after_each(function() end)
    core.subscribe({ "suite", "start" }, function()
        local turns
        turns, self._by_run = find_turns(core.context)
        self._files:begin(turns)
        return nil, true
    end)
    core.subscribe({ "suite", "end" }, function()
        core.skipAll = core.skipAll or self._files:is_stopped()
        if core.skipAll then
            self._files:stop("the run was over", false)
        end
        return nil, true
    end)
end

--- Ends the processes that run and begins no other: what was done until then is still told.
---@param interrupted boolean by a Ctrl-C, which a terminal sends to all of its processes
function Isolation:stop(interrupted)
    self._files:stop("the run was interrupted", interrupted)
end

--- A run of busted whose files are run by processes, from before busted is started.
---@param options { words: string[], jobs: integer, file: integer, loaders: string[] }
---@return nylon_ring.cli.Isolation
function M.new(options)
    options.cwd = uv.cwd()
    local self = setmetatable({ _options = options }, Isolation)
    replace_loaders(function(run)
        return self:_outcome(run)
    end, options.loaders)
    return self
end

return M
