--- `nylon-ring test`: the whole of busted as one task, so that specs and all their hooks may suspend.
local coverage = require "nylon_ring.cli.test.coverage"
local crossings = require "nylon_ring.test.crossings"
local limits = require "nylon_ring.test.limits"
local process = require "nylon_ring.cli.process"
local runner = require "nylon_ring.cli.test.runner"
local say = require "nylon_ring.io.say"
local own_parent = require("nylon_ring.cli.test.process").own_parent
local test_words = require "nylon_ring.cli.test.words"
local unsaid = require "nylon_ring.test.unsaid"

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
    err = err and test_words.explain((err:gsub("^" .. who:gsub("%-", "%%-") .. ": error: ", "")))
        or complete(own, chosen)
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

--- The specs are watched as they run in this process.
local function run_here(own, words, watched, role)
    local busted_core
    return {
        words = words,
        begin = function(core)
            busted_core = core
            runner.show_callers(core)
            unsaid.watch(core)
            require "nylon_ring.busted"
            limits.start(core, watched)
            crossings.keep(own.trace ~= false)
            if role == "alone" then
                require("nylon_ring.cli.test.stuck").watch()
            end
        end,
        stop = function()
            runner.skip_the_rest(busted_core)
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
    return runner.run(plan, output, who, counted)
end

return M
