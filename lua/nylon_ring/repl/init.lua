-- The REPL: lines of Lua and commands, run in the program's loop. See `:help` for what a line may be.
--
--     terminal.lua ──▶ local.lua ──────────────────────────────▶ session.lua ──▶ tasks, plugins
--                  └─▶ console/client.lua ── socket ── console/server.lua ──┘
--     plain_terminal.lua ──▶ the same, where TERM is dumb
--     pipe.lua ────────────────────────────────────────────────▶ session.lua

local commands = require "nylon_ring.repl.commands"
local history = require "nylon_ring.repl.history"
local known_plugins = require "nylon_ring.repl.known_plugins"
local local_backend = require "nylon_ring.repl.local"
local logs = require "nylon_ring.repl.logs"
local nr = require "nylon_ring"
local pipe = require "nylon_ring.repl.pipe"
local redirect = require "nylon_ring.repl.redirect"
local say = require "nylon_ring.io.say"
local sessions = require "nylon_ring.repl.session"
local terminals = require "nylon_ring.repl.terminal"

local M = {}

---Adds a command, for every session of this program: `:name REST` calls `fn(rest, session)`, which may
---suspend; `session:write(text)` writes for whoever entered it, a raised text is shown as what is wrong.
---
---     require("nylon_ring.repl").command("hot", function(rest, session)
---         session:write(hot_paths(rest) .. "\n")
---     end, "show the hottest paths")
---@param name string letters, digits and dashes
---@param fn fun(rest: string, session: nylon_ring.repl.Session)
---@param help? string what `:help` says
function M.command(name, fn, help)
    if type(name) ~= "string" or not name:match "^[%w_-]+$" then
        error("a command's name is made of letters, digits and dashes", 2)
    elseif type(fn) ~= "function" then
        error(("a command takes a function, not a %s"):format(type(fn)), 2)
    end
    commands.add {
        name = name,
        help = help or "a command of yours",
        run = function(session, rest)
            fn(rest, session)
        end,
    }
end

---@class nylon_ring.repl.Options
---@field plugins string[] paths to load
---@field code string[] lines to run instead of standard input
---@field json boolean
---@field rc boolean whether the rc file is run
---@field terminal boolean whether lines come from a terminal
---@field failure? { err: any, traceback: string } what the script before it failed with

---`$XDG_CONFIG_HOME/nylon-ring/repl.lua`, by default below `~/.config`.
local function rc_path()
    local config = os.getenv "XDG_CONFIG_HOME"
    if not config or config == "" then
        local home = os.getenv "HOME"
        config = home and home .. "/.config"
    end
    return config and config .. "/nylon-ring/repl.lua"
end

local function run_rc(session)
    local path = rc_path()
    local file = path and io.open(path)
    if file then
        file:close()
        pipe.run(session, ":run " .. path)
        session.notes:forget() -- it is run before every session, and of none
    end
end

-- Errors that nobody waits for are shown where people look.
local function show_errors(session)
    return nr.on_error(function(err, traceback)
        session:note_failure()
        session.out.show_error(session, err, traceback)
    end)
end

local function load_plugins(session, paths)
    for _, path in ipairs(paths) do
        local ok, problem = known_plugins.load(session, path)
        if not ok then
            session:fail(problem)
            return false
        end
    end
    return true
end

-- A code to leave with, which may come before anybody waits for it.
local function new_exit()
    local code, resume
    local function leave(with)
        code = code or with or 0
        if resume then
            resume(code)
        end
    end
    local function wait(begin)
        return code or nr.await(function(fn)
            resume = fn
            begin()
        end)
    end
    return leave, wait
end

-- From now on the session shows what is logged, what fails and what scripts print, until what this answers
-- is called.
local function show_all(session, terminal)
    local stop_logs, previous = logs.open(true), show_errors(session)
    local restore = redirect.open(session, terminal)
    return function()
        restore()
        stop_logs()
        nr.on_error(previous)
    end
end

local function begin(session, options)
    if options.failure then
        session:fail(options.failure.err, options.failure.traceback)
    end
    if options.rc then
        run_rc(session)
    end
    load_plugins(session, options.plugins)
end

---@async
---@param options nylon_ring.repl.Options
---@return integer code
local function converse(options)
    local leave, wait = new_exit()
    local kept = history.open(history.default_path())
    local terminal, err = terminals.new { fd = 0, history = kept, on_leave = leave }
    if not terminal then
        say.error("nylon-ring repl", err)
        return 1
    end
    local session = sessions.new {
        write = function(text)
            terminal:write(text)
        end,
        color = say.has_color(1),
        on_quit = leave,
    }
    for _, entry in ipairs(kept.entries) do
        session:learn(entry)
    end
    local stop = show_all(session, terminal)
    local ok, code = pcall(function()
        terminal:open(local_backend.new(session, terminal))
        begin(session, options)
        return wait(function()
            terminal:ready()
        end)
    end)
    terminal:close()
    stop()
    session:close()
    if not ok then
        error(code, 0)
    end
    return code
end

---@async
---@param options nylon_ring.repl.Options
---@return integer code
local function run_lines(options)
    local quit
    local session = pipe.session {
        write = pipe.write,
        write_err = pipe.write_err,
        json = options.json,
        on_quit = function(code)
            quit = code
            os.exit(code)
        end,
    }
    local stop_logs, previous = logs.open(true), show_errors(session)
    local ok, err = load_plugins(session, options.plugins), nil
    if ok then
        local lines = pipe.lines(options.code)
        ok, err = pipe.run_all(pipe.target(session), lines)
        lines.close()
    end
    stop_logs()
    nr.on_error(previous)
    session:close()
    if err then
        pipe.tell("nylon-ring repl", err, options.json)
    end
    return quit or ok and 0 or 1
end

---Runs a REPL in the running task.
---@async
---@param options nylon_ring.repl.Options
---@return integer code what the program is to leave with
function M.run(options)
    nr.current()._own = true -- `:tasks` leaves it out
    return (options.terminal and converse or run_lines)(options)
end

return M
