--- `nylon-ring test`: the whole of busted as one task, so that specs and all their hooks may suspend.
local coverage = require "nylon_ring.cli.test.coverage"
local crossings = require "nylon_ring.test.crossings"
local limits = require "nylon_ring.test.limits"
local process = require "nylon_ring.cli.process"
local say = require "nylon_ring.io.say"
local own_parent = require("nylon_ring.cli.test.process").own_parent
local test_words = require "nylon_ring.cli.test.words"
local waits = require "nylon_ring.test.waits"

local M = { name = "test", summary = "run specs with busted; they may suspend anywhere" }

function M.define(command)
    command:usage "Usage: nylon-ring test [OPTION ...] [SPEC ...]"
    command:argument("spec", "A spec file, or a folder of them; default is spec.")
        :args("*"):argname("SPEC"):target("rest")
    for _, option in ipairs(test_words.options) do
        if option.value then
            command:option(option.name, option.help):argname(option.value)
        else
            command:flag(option.name .. " " .. test_words.negated(option.name), option.help)
        end
    end
    command:epilog("Takes every option of busted, among them -o OUTPUT, -t TAGS, --filter PATTERN, "
        .. "--shuffle, --repeat COUNT, --list; `busted --help` tells all. After each spec nothing may be "
        .. "left open.")
end

--- All words are busted's, but those that ask for help.
function M.split(words)
    local rest = {}
    for i = 2, #words do
        if words[i] == "-h" or words[i] == "--help" then
            return { words[1], "--help" }, {}
        end
        rest[i - 1] = words[i]
    end
    return { words[1] }, rest
end

--- What busted makes of its words; or nil and what it says about them.
local function busted_options(words, output, who)
    local cli = require "busted.modules.cli" { standalone = false, output = output }
    cli:set_name(who)
    return cli:parse(words)
end

local home = debug.getinfo(1, "S").source:match "^(.*/nylon_ring/)"

--- Where busted would show a place in our code, which raised an error, it shows the line that called it.
local function show_callers(core)
    local get_trace = core.getTrace
    core.getTrace = function(element, level, message)
        local trace = get_trace(element, (level or 3) + 1, message)
        if trace.source == "=nylon_ring" or trace.source:sub(1, #home) == home then
            local file, line = (waits.here() or ""):match "^(.*):(%d+)$"
            trace.short_src, trace.currentline = file or trace.short_src, tonumber(line) or trace.currentline
        end
        return trace
    end
end

--- Takes hold of busted's core when the runner makes it, and puts our helper where the runner is about to
--- load the user's, and our start of LuaCov for its own. All are modules that the runner calls exactly there.
---@param plan nylon_ring.cli.TestPlan begun there
---@param counted? nylon_ring.cli.Coverage
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
local function skip_the_rest(core)
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
local function run_busted(session, runner, seen, output)
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

--- The line of the spec that called `os.exit`.
local function exit_place()
    local level = 1
    while debug.getinfo(level, "f") and debug.getinfo(level, "f").func ~= os.exit do
        level = level + 1
    end
    local info = debug.getinfo(level + 1, "Sl")
    return info and ("%s:%d"):format(info.short_src, info.currentline) or "a spec"
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
            say.error(who, ("%s called os.exit(%d): the other specs had no turn"):format(exit_place(), code))
            return code == 0 and 1 or code
        end,
        -- Only the spec that waits is to fail: the others go on in the same task.
        on_dry = limits.deadlock,
    }
end

--- Adds the options of ours that only the configuration file has. For a spec's limit the environment comes
--- before it. Answers what is wrong with them.
local function complete(own, chosen)
    local config, err = test_words.from_config(chosen)
    local limit, wrong = test_words.environment_limit()
    if err or wrong then
        return err or wrong
    end
    own.timeout = own.timeout or limit
    for name, value in pairs(config) do
        if own[name] == nil then
            own[name] = value
        end
    end
end

--- What busted is to do with these words; or nil and the exit code where that is all there is to do.
local function choose(own, words, output, who)
    local chosen, err = busted_options(words, output, who)
    err = err and err:gsub("^" .. who:gsub("%-", "%%-") .. ": error: ", "") or complete(own, chosen)
    if err then
        say.error(who, err)
        return nil, 2
    elseif chosen.version then
        local version = require("nylon_ring.core").version
        print(("nylon-ring %s, busted %s"):format(version, require "busted.core"().version))
        return nil, 0
    end
    if chosen.coverage and not coverage.find() then
        say.error(who, "--coverage needs LuaCov, which is not installed: "
            .. "luarocks --lua-version 5.1 install luacov")
        return nil, 2
    end
    return chosen
end

--- What this process is in the run.
local function role_of(own, chosen)
    if chosen.output == test_words.EVENTS then
        return "child"
    end
    local isolated = own.isolate or own.isolate == nil and own.jobs
    return isolated and not chosen.list and "parent" or "alone"
end

---@class nylon_ring.cli.TestPlan
---@field words string[] busted's
---@field begin fun(core: table) busted is ready to load files
---@field begun? boolean
---@field interrupted? boolean there was a signal: a Ctrl-C, else SIGTERM
---@field stop fun(interrupted: boolean) the run is to end early, once it was begun

--- The specs are watched as they run in this process.
local function run_here(own, words, watched, role)
    local busted_core
    return {
        words = words,
        begin = function(core)
            busted_core = core
            show_callers(core)
            require "nylon_ring.busted"
            limits.start(core, watched)
            crossings.keep(own.trace ~= false)
            if role == "alone" then
                require("nylon_ring.cli.test.stuck").watch()
            end
        end,
        stop = function()
            skip_the_rest(busted_core)
        end,
    }
end

--- Other processes run the files.
local function run_elsewhere(own, words, chosen, watched)
    if (chosen["shuffle-files"] or chosen["shuffle-tests"]) and not tonumber(chosen.seed) then
        table.insert(words, "--seed=" .. os.time() % 100000)
    end
    local isolation = require("nylon_ring.cli.test.isolate").new {
        words = test_words.for_child(own, words),
        jobs = own.jobs or 1,
        file = watched.file,
        loaders = chosen.loaders,
    }
    watched.spec, watched.file = 0, 0
    return {
        words = test_words.for_parent(words),
        begin = function(core)
            isolation:begin(core)
            limits.start(core, watched)
        end,
        stop = function(interrupted)
            isolation:stop(interrupted)
        end,
    }
end

---@return nylon_ring.cli.TestPlan
local function make_plan(own, words, chosen, role)
    local watched = {
        spec = own.timeout or limits.DEFAULT,
        file = own["file-timeout"] or 0,
        suite = own["suite-timeout"] or 0,
        keep_going = chosen["keep-going"],
    }
    if role == "parent" then
        return run_elsewhere(own, words, chosen, watched)
    end
    return run_here(own, words, watched, role)
end

--- Runs busted as the main task of the program.
local function run(plan, output, who, counted)
    plan.words[0] = "nylon-ring"
    _G.arg = plan.words
    local seen = watch_busted(plan, counted)
    -- busted names itself after the chunk that calls it, and ends without os.exit where that has a name. Its
    -- place is beside this file, so that it counts as ours.
    local runner = loadstring("local options = ... require 'busted.runner' (options)", home .. "cli/" .. who)
    local session = require "nylon_ring.cli.session"
    process.must_finish()
    return session.run(who, function()
        guard_yield()
        run_busted(session, runner, seen, output)
    end, guards(plan, who, counted))
end

function M.run(args, who)
    local parent = own_parent()
    if parent then
        process.end_with(parent)
    end
    local own, words = test_words.take(args.rest)
    if not own then
        say.error(who, words)
        return 2
    end
    local run_words = test_words.for_watched(own, words)
    local output = not say.has_color(1) and "plainTerminal" or nil
    table.insert(words, 1, "--ignore-lua")
    local chosen, code = choose(own, words, output, who)
    if not chosen then
        return code
    end
    local role = role_of(own, chosen)
    if own.watch and role ~= "child" then
        return require("nylon_ring.cli.test.watch").run(who, run_words)
    end
    local plan = make_plan(own, words, chosen, role)
    local counted = chosen.coverage and not chosen.list and coverage.new(who, role) or nil
    return run(plan, output, who, counted)
end

return M
