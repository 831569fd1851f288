--- Busted as the main task of the program: what happens in its runner is heard where it calls its own
--- modules, and the run ends as the program's runs do.
local limits = require "nylon_ring.test.limits"
local process = require "nylon_ring.cli.process"
local say = require "nylon_ring.io.say"
local session = require "nylon_ring.cli.session"
local waits = require "nylon_ring.test.waits"

local M = {}

---@class nylon_ring.cli.TestPlan
---@field words string[] busted's
---@field begin fun(core: table) busted is ready to load files
---@field begun? boolean
---@field interrupted? boolean there was a signal: a Ctrl-C, else SIGTERM
---@field stop fun(interrupted: boolean) the run is to end early, once it was begun

--- Where busted would show a place that is no script's, it shows the line of the script that called that; its
--- tracebacks are without us.
function M.show_callers(core)
    local get_trace = core.getTrace
    core.getTrace = function(element, level, message)
        local trace = get_trace(element, (level or 3) + 1, message)
        trace.traceback = trace.traceback and waits.without_ours(trace.traceback)
        local file = element.descriptor == "file" and element or core.getFile(element)
        return waits.outside(trace, file and file.name)
    end
end

--- Takes hold of busted's core when the runner makes it, and puts our helper where the runner is about to
--- load the user's, and our start of LuaCov for its own. All are modules that the runner calls exactly there.
---@param plan nylon_ring.cli.TestPlan begun there
---@param counted nylon_ring.cli.Coverage|nil
---@return table seen `finished` once every spec had its turn
local function watch_busted(plan, counted)
    local make, prepare_ffi = require "busted.core", require "busted.luajit"
    local seen, core = {}, nil
    package.loaded["busted.core"] = function()
        core = make()
        core.subscribe({ "exit" }, function()
            seen.finished = true
            return nil, true
        end)
        return core
    end
    package.loaded["busted.luajit"] = function()
        prepare_ffi()
        plan.begin(core)
        plan.begun = true
        if plan.interrupted ~= nil then
            plan.stop(plan.interrupted)
        end
    end
    package.loaded["busted.modules.luacov"] = function()
        return function(config)
            return not counted or counted:start(config)
        end
    end
    return seen
end

--- Lets busted leave out what it has not begun. Its runner forgets that at the next error, hence once more
--- after each.
function M.skip_the_rest(core)
    local function skip()
        core.skipAll = true
        return nil, true
    end
    skip()
    core.subscribe({ "error" }, skip)
    core.subscribe({ "failure" }, skip)
end

--- A spec that yields to nobody would end the task that runs them all: it is to fail alone.
local function guard_yield()
    local main, yield = coroutine.running(), coroutine.yield
    coroutine.yield = function(...) -- luacheck: ignore 122
        if coroutine.running() == main then
            error("this yields to nobody: a spec is a task; to wait for something use nr.await", 2)
        end
        return yield(...)
    end
end

--- Runs busted. It ends a run with failures by an error without a value.
local function run_busted(runner, seen, output)
    local trace
    local ok, err = xpcall(function()
        runner { standalone = false, output = output }
    end, function(problem)
        trace = problem ~= nil and debug.traceback(tostring(problem), 2)
        return problem
    end)
    if trace then
        session.fail("busted failed: " .. trace)
    elseif not ok then
        session.fail(err)
    elseif not seen.finished then
        session.fail "busted ended before every spec had its turn"
    end
end

--- How the run of the program meets what a spec may do to it.
local function guards(plan, who, counted)
    return {
        on_end = counted and function(code)
            return counted:finish(code)
        end,
        on_signal = function(interrupted)
            limits.stop()
            plan.interrupted = interrupted
            if plan.begun then
                plan.stop(interrupted)
            end
        end,
        on_exit = function(code)
            local place = waits.here() or "a spec"
            say.error(who, ("%s called os.exit(%d): the other specs had no turn"):format(place, code))
            return code == 0 and 1 or code
        end,
        -- Only the spec that waits is to fail: the others go on in the same task.
        on_dry = limits.deadlock,
    }
end

--- Runs busted as the main task of the program.
---@param plan nylon_ring.cli.TestPlan
---@param output string|nil
---@param who string
---@param counted nylon_ring.cli.Coverage|nil
---@return integer code
function M.run(plan, output, who, counted)
    plan.words[0] = "nylon-ring"
    _G.arg = plan.words
    local seen = watch_busted(plan, counted)
    -- busted names itself after the chunk that calls it, and ends without os.exit where that has a name. Its
    -- place is among our files, so that it counts as ours.
    local cli = debug.getinfo(1, "S").source:match "^(.*/)test/"
    local runner = loadstring("local options = ... require 'busted.runner' (options)", cli .. who)
    process.must_finish()
    return session.run(who, function()
        guard_yield()
        run_busted(runner, seen, output)
    end, guards(plan, who, counted))
end

return M
