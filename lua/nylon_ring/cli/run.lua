--- `nylon-ring run`: runs a script, or code from the command line, as the main task.
local dependencies = require "nylon_ring.cli.dependencies"
local errors = require "nylon_ring.errors"
local files = require "nylon_ring.cli.files"
local say = require "nylon_ring.io.say"

local M = { name = "run", summary = "run a script" }

function M.define(command)
    command:usage "Usage: nylon-ring [run] [-i] [-e CODE] [--console SOCKET] [SCRIPT [ARG ...]]"
    command:option("-e", "Run CODE, before the script if there is one; may be given again.")
        :argname("CODE"):count("*"):target("code")
    command:flag("-i", "Go on in the REPL, at a terminal also after an error."):target("interactive")
    command:option("--console", "Let `nylon-ring repl --connect SOCKET` in while it runs."):argname("SOCKET")
    command:argument("script", "The script; `-` reads it from standard input."):args("?"):argname("SCRIPT")
    command:argument("arg", "What the script finds in `arg` and `...`."):args("*"):argname("ARG")
end

--- The words that are ours, and those that belong to the script: all that follow its name.
---@param words string[] the first is the command
---@return string[] ours, string[] rest
function M.split(words)
    local ours, rest = { words[1] }, {}
    local i = 2
    while words[i] and (words[i]:match "^%-." and words[i] ~= "--") do
        table.insert(ours, words[i])
        if (words[i] == "-e" or words[i] == "--console") and words[i + 1] then
            i = i + 1
            table.insert(ours, words[i])
        end
        i = i + 1
    end
    if words[i] == "--" then
        i = i + 1
    end
    if words[i] then
        table.insert(ours, "--")
        table.insert(ours, words[i])
    end
    for n = i + 1, #words do
        table.insert(rest, words[n])
    end
    return ours, rest
end

--- The script as a function; or nil, what is wrong with it and the exit code for that.
local function load_script(path)
    local why = path ~= "-" and files.unreadable(path)
    if why then
        return nil, why, 2
    end
    local chunk, err = loadfile(path ~= "-" and path or nil)
    return chunk, err, 1
end

local function has_terminal()
    return say.is_terminal(0) and say.is_terminal(1)
end

--- The chunks to run, in order; or nil and as above.
local function compile(args)
    local chunks = {}
    for _, code in ipairs(args.code) do
        local chunk, err = loadstring(code, "=(command line)")
        if not chunk then
            return nil, err, 1
        end
        table.insert(chunks, chunk)
    end
    if args.script then
        local chunk, err, code = load_script(args.script)
        if not chunk then
            return nil, err, code
        end
        table.insert(chunks, chunk)
    end
    return chunks
end

--- The same. What does not compile fails as a script does, where the REPL shows how that failed.
local function load_chunks(args)
    local chunks, err, code = compile(args)
    if not chunks and code == 1 and args.interactive and has_terminal() then
        return { function() error(err, 0) end }
    end
    return chunks, err, code
end

--- What a console calls the program: its script, without folder and ending.
local function program_name(args)
    return args.script and args.script:match "([^/]+)$":gsub("%.lua$", "") or "nylon-ring"
end

--- The console, where one is asked for; or nil, why it cannot be opened and the exit code for that.
local function open_console(args)
    local missing = (args.interactive or args.console) and dependencies.missing(dependencies.of.repl)
    if missing then
        return nil, missing, 2
    elseif args.console then
        local console, err = require("nylon_ring.repl.console.server").open(args.console, program_name(args))
        return console, err, 1
    end
end

local function run_all(chunks, rest)
    for _, chunk in ipairs(chunks) do
        chunk(unpack(rest))
    end
end

--- `-i`: the REPL, when the script is done; at a terminal also when it has failed, to look at what is there.
local function run_and_go_on(chunks, rest)
    local terminal = has_terminal()
    local failure
    if terminal then
        xpcall(run_all, function(err)
            failure = { err = err, traceback = debug.traceback("", 2) }
        end, chunks, rest)
    else
        run_all(chunks, rest)
    end
    if failure and errors.is(failure.err, "cancelled") then
        error(failure.err, 0)
    end
    os.exit(require("nylon_ring.repl").run {
        plugins = {}, code = {}, json = false, rc = true, terminal = terminal, failure = failure,
    })
end

function M.run(args, who)
    if not args.script and #args.code == 0 and not args.interactive then
        say.error(who, "a script is missing; see `nylon-ring run --help`")
        return 2
    end
    local chunks, console, err, code
    chunks, err, code = load_chunks(args)
    if chunks then
        console, err, code = open_console(args)
    end
    if err then
        say.error(who, err)
        return code
    end
    local rest = args.rest
    rest[0] = args.script or "-e"
    _G.arg = rest
    local session = require "nylon_ring.cli.session"
    return session.run(who, function()
        local run = args.interactive and run_and_go_on or run_all
        run(chunks, rest)
    end, { name = rest[0], on_leave = console and function() console:close() end })
end

return M
