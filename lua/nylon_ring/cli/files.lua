--- Files that the command line names, looked at without opening them: a pipe gives its bytes only once.
local uv = require "luv"

local M = {}

--- Why a file cannot be read, with its name; nil where it can.
---@param path string
---@return string|nil
function M.unreadable(path)
    local stat, err = uv.fs_stat(path)
    if stat and stat.type == "directory" then
        return path .. ": is a directory"
    elseif stat then
        local _, refused = uv.fs_access(path, "R")
        err = refused
    end
    return err and ("%s: %s"):format(path, err:match "^%u+: ([^:]*)" or err)
end

return M
