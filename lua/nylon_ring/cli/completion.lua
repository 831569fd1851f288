--- `nylon-ring completion`: what a shell needs to know to complete our words. argparse writes it from the
--- grammar, so that an option is never told twice.
local M = { name = "completion", summary = "print a script that teaches a shell to complete these commands" }

local shells = { bash = "get_bash_complete", zsh = "get_zsh_complete" }

function M.define(command)
    command:command_target "shell"
    command:command("bash"):summary "for bash: source <(nylon-ring completion bash)"
    command:command("zsh"):summary "for zsh: nylon-ring completion zsh > _nylon-ring, in a folder of fpath"
end

function M.run(args)
    local grammar = require("nylon_ring.cli.program").grammar()
    io.write(grammar[shells[args.shell]](grammar))
    return 0
end

return M
