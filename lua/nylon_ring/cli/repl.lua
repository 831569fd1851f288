--- `nylon-ring repl`: lines of Lua and commands, from a terminal, a pipe or the command line.
local say = require "nylon_ring.cli.say"

local M = { name = "repl", summary = "poke at plugins, line by line" }

function M.define(command)
    command:argument("plugin", "Plugins to load; each is a name of the session."):args("*"):argname("PLUGIN")
        :target("plugins")
    command:option("-e", "Run CODE as a line instead of reading lines; may be given again.")
        :argname("CODE"):count("*"):target("code")
    command:flag("--json", "Tell results as JSON, one object a line.")
    command:flag("--no-rc", "Do not run ~/.config/nylon-ring/repl.lua."):target("no_rc")
    command:epilog "Without a terminal there is no prompt, and the first error ends it with exit code 1."
end

local function has_terminal(args)
    local line_by_line = #args.code == 0 and not args.json
    return line_by_line and say.is_terminal(0) and say.is_terminal(1) and os.getenv "TERM" ~= "dumb"
end

function M.run(args, who)
    local session = require "nylon_ring.cli.session"
    return session.run(who, function()
        os.exit(require("nylon_ring.repl").run {
            plugins = args.plugins, code = args.code, json = args.json, rc = not args.no_rc,
            terminal = has_terminal(args),
        })
    end)
end

return M
