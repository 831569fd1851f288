--- `nylon-ring test --isolate`: busted as ever, but each file is run by a process of its own, some of them
--- at once, and only its outcome is told here.
---
---     busted ── file a ──▶ wait for process a ──▶ replay its specs ── file b ──▶ ...
---                          processes b, c ... are begun meanwhile (--jobs)
local child = require "nylon_ring.cli.test.child"
local nr = require "nylon_ring"
local replay = require "nylon_ring.cli.test.replay"
local uv = require "luv"

local EVENTS = require "nylon_ring.cli.test.words".EVENTS

local M = {}

---@class nylon_ring.cli.Pool
---@field files string[] in the order of their turns
---@field tasks table<string, nylon_ring.Task> of the files that were begun in this round
---@field running integer
---@field jobs integer
---@field limit integer of a file
---@field words string[]
---@field cwd string
local Pool = {}
Pool.__index = Pool

local function words_for(pool, file)
    local words = { "test", unpack(pool.words) }
    table.insert(words, "-o")
    table.insert(words, EVENTS)
    table.insert(words, file)
    return words
end

function Pool:_begin(file)
    self.running = self.running + 1
    self.tasks[file] = nr.spawn(function()
        local record = child.run(words_for(self, file), self.cwd, self.limit)
        self.running = self.running - 1
        self:_fill()
        return record
    end)
end

-- Begins files that had no turn yet, as many as may run at once.
function Pool:_fill()
    for _, file in ipairs(self.files) do
        if self.running >= self.jobs or self.core.skipAll then
            return
        elseif not self.tasks[file] then
            self:_begin(file)
        end
    end
end

--- What became of a file.
---@async
---@return nylon_ring.cli.FileRecord
function Pool:outcome(file)
    if not self.tasks[file] then
        self:_begin(file)
    end
    self:_fill()
    local record, err = self.tasks[file]:join()
    return record or error(err, 0)
end

-- A round is one run of the suite; --repeat has several.
function Pool:_begin_round()
    self.files, self.tasks = {}, {}
    for _, element in ipairs(self.core.context.children(self.core.context.get())) do
        if element.descriptor == "file" then
            table.insert(self.files, element.name)
        end
    end
end

--- Puts the processes in the place of busted's loaders of files.
local function replace_loaders(pool, names)
    local loader = {
        match = function()
            return true
        end,
        load = function(core, file)
            return function()
                replay.file(core, file, pool:outcome(file))
            end, replay.get_trace
        end,
    }
    for _, name in ipairs(names) do
        package.loaded["busted.modules.files." .. name] = loader
    end
end

--- Prepares a run of busted whose files are run by processes. Answers what to call when busted is made.
---@param options { words: string[], jobs: integer, file: integer, loaders: string[] }
---@return fun(core: table)
function M.prepare(options)
    local pool = setmetatable({
        files = {},
        tasks = {},
        running = 0,
        jobs = options.jobs,
        limit = options.file,
        words = options.words,
        cwd = uv.cwd(),
    }, Pool)
    replace_loaders(pool, options.loaders)
    return function(core)
        require "nylon_ring.test.outputs"
        pool.core = core
        replay.keep_durations(core)
        core.subscribe({ "suite", "start" }, function()
            pool:_begin_round()
            return nil, true
        end)
    end
end

return M
