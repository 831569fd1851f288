--- `nylon-ring completion`: a script from which a shell learns to complete our words, made from the grammar
--- that also parses them.
local M = { name = "completion", summary = "print a script that teaches a shell to complete these commands" }

function M.define(command)
    command:command_target "shell"
    command:command("bash"):summary "for bash: source <(nylon-ring completion bash)"
    command:command("zsh"):summary "for zsh: source <(nylon-ring completion zsh), after compinit"
end

function M.run(args)
    local write = require("nylon_ring.cli.completion." .. args.shell)
    io.write(write(require("nylon_ring.cli.program").grammar()))
    return 0
end

return M
