-- The console of a running program: a local socket, for its owner alone, behind which every client has a
-- session of its own. It keeps nothing alive, and whoever leaves takes only what his session runs.

local channels = require "nylon_ring.repl.console.channel"
local complete = require "nylon_ring.repl.complete"
local editor = require "nylon_ring.editor"
local logs = require "nylon_ring.repl.logs"
local nr = require "nylon_ring"
local pipe = require "nylon_ring.repl.pipe"
local sessions = require "nylon_ring.repl.session"
local sockets = require "nylon_ring.repl.console.socket"
local uv = require "luv"
local wire = require "nylon_ring.repl.console.wire"

local M = {}

-- A client for which this much waits, because it does not read, is dropped.
local MOST_WAITING = 32 * 1024 * 1024

-- Output goes out in messages of this size.
local PIECE = 1024 * 1024

-- Milliseconds that a client may take to say hello.
local GREETING = 2000

---@class nylon_ring.repl.Client
---@field channel nylon_ring.repl.Channel
---@field session? nylon_ring.repl.Session once it has said hello
---@field lines? boolean it has no terminal
---@field greeting userdata the timer of its hello

---@class nylon_ring.repl.Console
---@field path string
---@field private _socket nylon_ring.repl.Socket
---@field private _clients table<nylon_ring.repl.Client, true>
local Console = {}
Console.__index = Console

local receive = {}

local function ready(client)
    client.channel:send { op = "ready", failed = client.session.has_failed }
end

function receive.line(client, message)
    local submit = client.lines and pipe.submit or client.session.submit
    submit(client.session, message.text, function()
        ready(client)
    end)
end

function receive.wait(client)
    client.session:when_idle(function()
        ready(client)
    end)
end

function receive.complete(client, message)
    client.channel:send {
        op = "completion", id = message.id, found = complete.complete(client.session, message.before),
    }
end

function receive.interrupt(client)
    client.session:interrupt()
end

function receive.background(client)
    client.session:background()
end

function receive.resize(client, message)
    client.session.settings.width = message.width
end

-- Whether what runs now is a client's line that he interrupts, or has left: a loop that never suspends would
-- keep the console from reading that.
function Console:_is_unwanted()
    local running = nr.current()
    for client in pairs(self._clients) do
        local job, foreground
        if client.session then
            job, foreground = client.session:job_of(running)
        end
        if job then
            local waiting = client.channel:peek()
            return waiting == "" or foreground and waiting ~= nil
                and waiting:find('"op":"interrupt"', 1, true) ~= nil
        end
    end
    return false
end

-- Ends what a client has here; where it is still there, it is told why.
function Console:_drop(client, bye)
    if not self._clients[client] then
        return
    end
    self._clients[client] = nil
    client.greeting:close()
    if client.session then
        client.session:close()
    end
    if bye then
        bye.op = "bye"
        client.channel:finish(bye)
    else
        client.channel:close()
    end
end

-- Where a piece of a text ends that begins at `from`: no character is split.
local function piece_end(text, from)
    local last = from + PIECE - 1
    for at = last, last - 3, -1 do
        local next_byte = text:byte(at + 1)
        if not next_byte or next_byte < 128 or next_byte >= 192 then
            return at
        end
    end
    return last
end

function Console:_write(client, op, text)
    if client.channel.waiting > MOST_WAITING then
        return self:_drop(client, { text = "more output came than was read" })
    end
    local at = 1
    while at <= #text do
        local last = piece_end(text, at)
        client.channel:send { op = op, text = text:sub(at, last) }
        at = last + 1
    end
end

-- Begins the client's session, as the client wishes it: for lines or a terminal, with colours, as JSON.
function Console:_greet(client, message)
    client.greeting:stop()
    client.lines = message.lines
    local make = client.lines and pipe.session or sessions.new
    client.session = make {
        write = function(text)
            self:_write(client, "out", text)
        end,
        write_err = function(text)
            self:_write(client, client.lines and "err" or "out", text)
        end,
        color = message.color == true,
        json = message.json == true,
        on_quit = function(code)
            self:_drop(client, { code = code })
        end,
    }
    client.channel:send { op = "hello", pid = uv.os_getpid(), name = self.name }
end

function Console:_take(client, message)
    if message.op == "hello" and not client.session then
        self:_greet(client, message)
    elseif client.session and receive[message.op] then
        receive[message.op](client, message)
    else
        self:_drop(client, { text = "the console is to be greeted once, and first" })
    end
end

function Console:_accept(listener)
    local stream = uv.new_pipe(false)
    if not listener:accept(stream) then
        return stream:close()
    end
    stream:unref()
    editor.watch_socket(stream:fileno())
    local client = { greeting = uv.new_timer() }
    self._clients[client] = true
    client.channel = channels.open(stream, wire.client, function(message)
        self:_take(client, message)
    end, function(err)
        self:_drop(client, err and { text = err })
    end)
    client.greeting:unref()
    client.greeting:start(GREETING, 0, function()
        self:_drop(client, { text = ("no hello came within %d s"):format(GREETING / 1000) })
    end)
end

---Opens a console. To be called before any task runs.
---@param path string
---@param name string what clients are shown as the program's name
---@return nylon_ring.repl.Console|nil
---@return string|nil err
function M.open(path, name)
    local self = setmetatable({ path = path, name = name, _clients = {} }, Console)
    local err
    self._socket, err = sockets.listen(path, function(listener)
        self:_accept(listener)
    end)
    if not self._socket then
        return nil, err
    end
    editor.watch_sockets(function()
        return self:_is_unwanted()
    end)
    self._stop_logs = logs.open()
    return self
end

---Closes the console: clients are told, the socket is removed.
function Console:close()
    if not self._stop_logs then
        return
    end
    self._stop_logs()
    self._stop_logs = nil
    self._socket:close()
    for client in pairs(self._clients) do
        self:_drop(client, { code = 0, text = "the program has ended" })
    end
    editor.leave_sockets()
end

return M
