-- Files of which one program at a time has the use. Whoever holds one may rename or remove it.

local editor = require "nylon_ring.editor"
local uv = require "luv"

local M = {}

local MODE = tonumber("600", 8)
local TRIES = 100

---Opens a file for adding to it, makes it if need be, and locks it. Where another program has it, tries again
---after a millisecond, so many times. Closing it lets go.
---@param path string
---@param tries? integer 100 by default
---@return integer|nil fd
---@return string? err
function M.open(path, tries)
    local why
    for _ = 1, tries or TRIES do
        local fd, err = uv.fs_open(path, "a", MODE)
        if not fd then
            return nil, err
        end
        local is_ours = editor.lock(fd)
        local opened, named = uv.fs_fstat(fd), uv.fs_stat(path)
        if is_ours and named and opened.ino == named.ino and opened.dev == named.dev then
            return fd
        end
        uv.fs_close(fd)
        why = is_ours and "does not stay in place" or "is locked by another program"
        uv.sleep(1)
    end
    return nil, ("%s %s"):format(path, why)
end

return M
