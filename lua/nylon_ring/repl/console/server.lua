-- The console of a running program: a local socket, for its owner alone, behind which every client has a
-- session of its own. It keeps nothing alive, and whoever leaves takes only what his session runs.

local cjson = require "cjson"
local complete = require "nylon_ring.repl.complete"
local editor = require "nylon_ring.editor"
local logs = require "nylon_ring.repl.logs"
local nr = require "nylon_ring"
local sessions = require "nylon_ring.repl.session"
local uv = require "luv"
local wire = require "nylon_ring.repl.console.wire"

local M = {}

local OWNER_ONLY = tonumber("600", 8)

-- A client that does not read while this much is waiting for it is dropped.
local MOST_QUEUED = 8 * 1024 * 1024

---@class nylon_ring.repl.Console
---@field path string
---@field private _listener userdata
---@field private _clients table<userdata, nylon_ring.repl.Session>
local Console = {}
Console.__index = Console

local receive = {}

function receive.line(session, message, client)
    session:submit(message.text, function()
        wire.send(client, { op = "ready", failed = session.failed })
    end)
end

function receive.complete(session, message, client)
    wire.send(client, {
        op = "completion", id = message.id, found = complete.complete(session, message.before) or cjson.null,
    })
end

function receive.interrupt(session)
    session:interrupt()
end

function receive.background(session)
    session:background()
end

function receive.resize(session, message)
    session.settings.width = message.width
end

-- Whether what runs now is a client's line that he interrupts, or has left: a loop that never suspends would
-- keep the console from reading that.
function Console:_is_unwanted()
    local running = nr.current()
    for client, session in pairs(self._clients) do
        local job, foreground = session:job_of(running)
        if job then
            local waiting = editor.peek(client:fileno())
            return waiting == "" or foreground and waiting ~= nil
                and waiting:find('"op":"interrupt"', 1, true) ~= nil
        end
    end
    return false
end

function Console:_drop(client)
    local session = self._clients[client]
    self._clients[client] = nil
    if session then
        session:close()
    end
    if not client:is_closing() then
        client:close()
    end
end

-- The client's own wishes: colours, JSON, the width of its terminal.
function Console:_greet(client, message)
    local session
    session = sessions.new {
        write = function(text)
            wire.send(client, { op = "out", text = text })
            if not client:is_closing() and client:get_write_queue_size() > MOST_QUEUED then
                self:_drop(client)
            end
        end,
        color = message.color == true,
        out = message.json and require "nylon_ring.repl.json_result" or nil,
        on_quit = function(code)
            wire.send(client, { op = "bye", code = code })
            session:close()
        end,
    }
    session.settings.width = tonumber(message.width) or session.settings.width
    self._clients[client] = session
    wire.send(client, { op = "hello", pid = uv.os_getpid(), name = self.name })
    return session
end

function Console:_accept()
    local client = uv.new_pipe(false)
    self._listener:accept(client)
    client:unref()
    editor.watch_socket(client:fileno())
    wire.read(client, function(message)
        local session = self._clients[client]
        if not session and message.op == "hello" then
            self:_greet(client, message)
        elseif session and receive[message.op] then
            receive[message.op](session, message, client)
        end
    end, function()
        self:_drop(client)
    end)
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

-- A socket that a program left behind answers nobody, and may go.
local function remove_stale(path)
    local stat = uv.fs_lstat(path)
    if not stat then
        return true
    elseif stat.type ~= "socket" then
        return nil, ("%s is there already and no socket"):format(path)
    end
    local probe, answered = uv.new_pipe(false), nil
    probe:connect(path, function(err)
        answered = err or "in use"
    end)
    while not answered do
        uv.run "nowait"
    end
    close_now(probe)
    if answered == "in use" then
        return nil, ("%s is the console of a running program"):format(path)
    end
    return uv.fs_unlink(path)
end

---Opens a console. To be called before any task runs.
---@param path string
---@param name string what clients are shown as the program's name
---@return nylon_ring.repl.Console|nil
---@return string|nil err
function M.open(path, name)
    local ok, err = remove_stale(path)
    if not ok then
        return nil, err
    end
    local self = setmetatable({ path = path, name = name, _clients = {} }, Console)
    self._listener = uv.new_pipe(false)
    ok, err = self._listener:bind(path)
    -- Nobody can connect before `listen`, so the mode is right for all.
    ok = ok and uv.fs_chmod(path, OWNER_ONLY)
    if ok then
        ok, err = self._listener:listen(16, function(failed)
            if not failed then
                self:_accept()
            end
        end)
    end
    if not ok then
        close_now(self._listener)
        return nil, ("the console can not be opened at %s: %s"):format(path, err)
    end
    self._listener:unref()
    editor.watch_sockets(function()
        return self:_is_unwanted()
    end)
    self._stop_logs = logs.open()
    return self
end

---Closes the console: clients are told, the socket is removed.
function Console:close()
    if self._listener:is_closing() then
        return
    end
    self._stop_logs()
    self._listener:close()
    uv.fs_unlink(self.path)
    for client in pairs(self._clients) do
        wire.send(client, { op = "bye", text = "the program ends" })
        self:_drop(client)
    end
    editor.leave_sockets()
end

return M
