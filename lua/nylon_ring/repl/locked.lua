-- Files of which one program at a time has the use. Whoever holds one may rename or remove it.

local editor = require "nylon_ring.editor"
local uv = require "luv"

local M = {}

local MODE = tonumber("600", 8)
local ATTEMPTS = 100

---Opens a file for adding to it, makes it if need be, and waits until no other program has it. Closing it
---lets go.
---@param path string
---@return integer|nil fd
---@return string? err
function M.open(path)
    for _ = 1, ATTEMPTS do
        local fd, err = uv.fs_open(path, "a", MODE)
        if not fd then
            return nil, err
        end
        editor.lock(fd)
        local opened, named = uv.fs_fstat(fd), uv.fs_stat(path)
        if named and opened.ino == named.ino and opened.dev == named.dev then
            return fd
        end
        uv.fs_close(fd)
    end
    return nil, path .. " does not stay in place"
end

return M
