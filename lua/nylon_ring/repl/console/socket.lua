-- Where a console listens: a socket for its owner alone, which takes no other program's place.
--
--     lock PATH.lock ──▶ PATH is free, or a socket that nobody listens at any more
--                    ──▶ bind PATH.new ──▶ mode 0600 ──▶ listen ──▶ link as PATH ──▶ unlock
--
-- Nobody finds PATH before all is right. The lock keeps programs that start or end at the same time apart.
-- libuv removes the name that it has bound when it closes the socket, whoever has that name by then; so PATH
-- itself is not that name.

local locked = require "nylon_ring.repl.locked"
local uv = require "luv"

local M = {}

local OWNER_ONLY = tonumber("600", 8)
local BACKLOG = 16

local LOCK, BESIDE = ".lock", ".new"

-- Of the system's 107 bytes for the name of a socket. A longer one would be cut without a word.
local LONGEST = 107 - #BESIDE

---@class nylon_ring.repl.Socket
---@field private _path string
---@field private _listener userdata
---@field private _stat table what PATH was when it was ours
local Socket = {}
Socket.__index = Socket

local function refused(path, err)
    return nil, ("the console can not be opened at %s: %s"):format(path, err)
end

-- Calls a function while no other program opens or closes a socket of that path; answers what it does.
local function alone(path, fn)
    local fd, err = locked.open(path .. LOCK)
    if not fd then
        return refused(path, err)
    end
    local result, why = fn()
    uv.fs_unlink(path .. LOCK)
    uv.fs_close(fd)
    return result, why
end

-- Closes a handle and waits for it. The loop may never turn again: luv must not find it half closed at
-- the end.
local function close_now(handle)
    local closed = false
    handle:close(function()
        closed = true
    end)
    while not closed do
        uv.run "nowait"
    end
end

-- What a connection comes to: "" or luv's name of the failure.
local function probe(path)
    local pipe, outcome = uv.new_pipe(false), nil
    pipe:connect(path, function(err)
        outcome = err and err:match "^%u+" or ""
    end)
    while not outcome do
        uv.run "nowait"
    end
    close_now(pipe)
    return outcome
end

-- Makes sure that nothing is at a path. A socket that a program left behind refuses connections, and may go;
-- one that is busy, or of another kind, fails otherwise.
local function make_free(path)
    local stat = uv.fs_lstat(path)
    if not stat then
        return true
    elseif stat.type ~= "socket" then
        return nil, ("%s is there already and no socket"):format(path)
    end
    local outcome = probe(path)
    if outcome == "ECONNREFUSED" then
        local ok, err = uv.fs_unlink(path)
        if not ok then
            return refused(path, err)
        end
        return true
    elseif outcome == "" then
        return nil, ("%s is the console of a running program"):format(path)
    end
    return nil, ("%s is a socket that is in use (%s)"):format(path, outcome)
end

-- Binds and listens beside the path, and then takes its name.
local function bind(listener, path, on_connection)
    local beside = path .. BESIDE
    local ok, err = make_free(beside)
    if ok then
        ok, err = listener:bind(beside)
    end
    if ok then
        ok, err = uv.fs_chmod(beside, OWNER_ONLY)
    end
    if ok then
        ok, err = listener:listen(BACKLOG, function(failed)
            if not failed then
                on_connection(listener)
            end
        end)
    end
    if ok then
        ok, err = uv.fs_link(beside, path)
        uv.fs_unlink(beside)
    end
    if not ok then
        return refused(path, err)
    end
    return uv.fs_lstat(path)
end

local function absolute(path)
    return path:sub(1, 1) == "/" and path or ("%s/%s"):format(uv.cwd(), path)
end

---Listens at a path. Turns the loop; to be called before any task runs.
---@param path string
---@param on_connection fun(listener: userdata)
---@return nylon_ring.repl.Socket|nil
---@return string? err
function M.listen(path, on_connection)
    if #path > LONGEST then
        return nil, ("the console's path has %d bytes, and may have %d: %s"):format(#path, LONGEST, path)
    end
    local listener = uv.new_pipe(false)
    local stat, err = alone(path, function()
        local free, why = make_free(path)
        if not free then
            return nil, why
        end
        return bind(listener, path, on_connection)
    end)
    if not stat then
        close_now(listener)
        return nil, err
    end
    listener:unref()
    return setmetatable({ _path = absolute(path), _listener = listener, _stat = stat }, Socket)
end

---Listens no longer, and removes the socket, unless the path is another program's by now.
function Socket:close()
    alone(self._path, function()
        local now, own = uv.fs_lstat(self._path), self._stat
        if now and now.ino == own.ino and now.dev == own.dev then
            uv.fs_unlink(self._path)
        end
        self:_close_listener()
        return true
    end)
    self:_close_listener()
end

function Socket:_close_listener()
    if not self._listener:is_closing() then
        self._listener:close()
    end
end

return M
