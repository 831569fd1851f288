--- `nylon-ring help`: what `--help` of the program and of its commands prints.
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.io.say"

local M = { name = "help", summary = "show the help of a command, or of the program" }

function M.define(command)
    command:argument("topic", "The command; none is the whole program."):args("?"):argname("COMMAND")
end

function M.run(args, who)
    local program = require "nylon_ring.cli.program"
    local element = program.grammar()
    if args.topic then
        element = program.find(element, args.topic)
    end
    if not element then
        say.error(who, ("there is no command '%s'%s"):format(args.topic, program.meant(args.topic)))
        return 2
    end
    print(options.help_of(element))
    return 0
end

return M
