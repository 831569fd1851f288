--- `nylon-ring test --coverage`: LuaCov in a run of ours. By itself it saves its counts when the Lua state
--- is closed or at `os.exit`: the program closes none, and `os.exit` has to stay ours. So its end is called
--- where the run is over.
---
---     one process      counts ──▶ saves ──▶ reports
---     --isolate        each file's counts ──▶ adds them, one at a time     the one that tells ──▶ reports
local say = require "nylon_ring.io.say"
local uv = require "luv"

local M = {}

---@class nylon_ring.cli.Coverage
---@field private _who string
---@field private _role "alone"|"child"|"parent"
---@field private _runner table LuaCov's
local Coverage = {}
Coverage.__index = Coverage

-- LuaCov ends the process by `os.exit` where it can not go on, after it has said why.
local function give_up()
    error("LuaCov could not go on", 0)
end

-- Runs a function of LuaCov's so that its `os.exit` comes back here, and ours is the same after it.
local function protected(fn, ...)
    local exit = os.exit
    os.exit = give_up -- luacheck: ignore 122
    local ok, result = pcall(fn, ...)
    os.exit = exit -- luacheck: ignore 122
    return ok, result
end

--- LuaCov; nil where it is not installed.
---@return table|nil runner
function M.find()
    local ok, runner = protected(require, "luacov.runner")
    return ok and runner or nil
end

---@param who string
---@param role "alone"|"child"|"parent" runs all specs, or a file for another process, or has others run them
---@return nylon_ring.cli.Coverage
function M.new(who, role)
    return setmetatable({ _who = who, _role = role, _runner = M.find() }, Coverage)
end

local function escaped(text)
    return (text:gsub("%p", "%%%0"))
end

-- What is not the user's: we, what runs specs, and what both are made of.
local machinery = {
    "nylon_ring", "argparse", "dkjson", "inspect", "busted", "luassert", "say", "pl", "mediator", "cliargs",
}

-- LuaCov writes folders with slashes, and without ".lua".
local function exclude_machinery(exclude)
    for _, name in ipairs(machinery) do
        local path = package.searchpath(name, package.path)
            or package.searchpath(name .. ".core", package.path)
        local folder = path and path:match("^(.*/)" .. name .. "[./]")
        if folder then
            table.insert(exclude, "^" .. escaped(folder .. name) .. "$")
            table.insert(exclude, "^" .. escaped(folder .. name) .. "/")
        end
    end
end

local function lock_of(configuration)
    return configuration.statsfile .. ".lock"
end

-- LuaCov reads the file, adds, and writes it: two processes must not do that at once. The lock goes with the
-- process that has it, also when that one crashes.
local function save_one_at_a_time(runner)
    local lfs = require "lfs" -- busted needs it, and so is there
    local save = runner.save_stats
    runner.save_stats = function()
        local lock, why = io.open(lock_of(runner.configuration), "w")
        if not lock then
            error(why, 0)
        end
        while not lfs.lock(lock, "w") do
            uv.sleep(1)
        end
        local ok, err = pcall(save)
        lock:close()
        if not ok then
            error(err, 0)
        end
    end
end

--- In place of busted's own start of LuaCov, where the folder of the run is the current one already.
---@param config? string its file
---@return boolean
function Coverage:start(config)
    local runner = self._runner
    if not protected(runner.load_config, config) then
        error() -- it has said why; so does busted end a run
    end
    self._configuration = runner.configuration
    exclude_machinery(runner.configuration.exclude)
    if self._role == "child" then
        runner.configuration.runreport = false
        save_one_at_a_time(runner)
    end
    if self._role ~= "parent" then
        local exit = os.exit
        runner.init(config)
        os.exit = exit -- luacheck: ignore 122
    end
    return true
end

function Coverage:_report()
    local configuration = self._configuration
    os.remove(lock_of(configuration))
    if not configuration.runreport then
        return
    elseif not uv.fs_stat(configuration.statsfile) then
        error("no file of specs has saved its counts", 0)
    end
    self._runner.run_report()
end

--- Saves the counts and makes the report, as far as that is this process's. Answers the code of the run,
--- which is a failure where that could not be done.
---@param code integer
---@return integer code
function Coverage:finish(code)
    if not self._configuration then
        return code
    end
    local ok, err
    if self._role == "parent" then
        ok, err = protected(self._report, self)
    else
        ok, err = protected(self._runner.shutdown)
    end
    if ok then
        return code
    end
    say.error(self._who, "--coverage: " .. tostring(err):gsub("^[^:\n]*%.lua:%d+: ", ""))
    return code == 0 and 1 or code
end

return M
