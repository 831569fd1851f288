--- The command line, which opens only where the Lua modules are installed that all of it needs.
local dependencies = require "nylon_ring.cli.dependencies"

local M = {}

--- Runs the program.
---@param argv string[] with the program itself at 0
---@return integer code
function M.main(argv)
    local missing = dependencies.missing(dependencies.always)
    if missing then
        io.stderr:write("nylon-ring: ", missing, "\n")
        return 2
    end
    return require("nylon_ring.cli.program").main(argv)
end

return M
