--- `nylon-ring repl`: lines of Lua and commands, from a terminal, a pipe or the command line, in this
--- program or in a running one.
local say = require "nylon_ring.io.say"

local M = { name = "repl", summary = "poke at plugins, line by line" }

function M.define(command)
    command:argument("plugin", "Plugins to load; each is a name of the session."):args("*"):argname("PLUGIN")
        :target("plugins")
    command:option("-e", "Run CODE as a line instead of reading lines; may be given again.")
        :argname("CODE"):count("*"):target("code")
    command:option("--connect", "Join a program that runs with `--console SOCKET`."):argname("SOCKET")
    command:flag("--json", "Tell results as JSON, one object a line.")
    command:flag("--no-rc", "Do not run ~/.config/nylon-ring/repl.lua."):target("no_rc")
    command:epilog "Without a terminal there is no prompt, and the first error ends it with exit code 1."
end

local function has_terminal(args)
    local line_by_line = #args.code == 0 and not args.json
    return line_by_line and say.is_terminal(0) and say.is_terminal(1)
end

function M.run(args, who)
    if args.connect and #args.plugins > 0 then
        say.error(who, "--connect joins a running program: load plugins there with :load")
        return 2
    end
    local session = require "nylon_ring.cli.session"
    return session.run(who, function()
        local terminal = has_terminal(args)
        local code
        if args.connect then
            code = require("nylon_ring.repl.console.client").run {
                path = args.connect, terminal = terminal, code = args.code, json = args.json, who = who,
            }
        else
            code = require("nylon_ring.repl").run {
                plugins = args.plugins, code = args.code, json = args.json, rc = not args.no_rc,
                terminal = terminal,
            }
        end
        os.exit(code)
    end)
end

return M
