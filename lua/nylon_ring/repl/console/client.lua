-- The other end of a console: lines are edited here and run there.

local channels = require "nylon_ring.repl.console.channel"
local errors = require "nylon_ring.errors"
local history = require "nylon_ring.repl.history"
local nr = require "nylon_ring"
local pipe = require "nylon_ring.repl.pipe"
local say = require "nylon_ring.io.say"
local settings = require "nylon_ring.repl.settings"
local terminals = require "nylon_ring.repl.terminal"
local uv = require "luv"
local wire = require "nylon_ring.repl.console.wire"

local M = {}

local PATIENCE = 2 -- interrupts without an answer, before another one leaves
local GREETING = 2000 -- milliseconds that a program may take to answer at all

---@class nylon_ring.repl.Remote: nylon_ring.repl.Backend, nylon_ring.repl.Target
---@field private _channel nylon_ring.repl.Channel
---@field on_ready fun(failed: boolean)
---@field on_out fun(text: string)
---@field on_err fun(text: string)
---@field on_hello fun(message?: table)
---@field private _on_left fun(code: integer, why?: string)
---@field private _asked integer completions that were asked for
---@field private _answers table<integer, fun(found?: nylon_ring.repl.Completion)> those that have not come
---@field private _left? { [1]: integer, [2]: string? } what the console has left with
---@field private _unanswered integer interrupts since something came
local Remote = {}
Remote.__index = Remote

function Remote:submit(text)
    local ok, err = self._channel:send { op = "line", text = text }
    if not ok then
        self.on_err(("the line can not be sent: %s\n"):format(err))
        self.on_ready(true)
    end
end

-- Sends something and waits for what comes of it.
local function await_ready(remote, send)
    return nr.await(function(resume)
        remote.on_ready = function(failed)
            resume(not failed)
        end
        send()
    end)
end

---@async
function Remote:run(text)
    return await_ready(self, function()
        self:submit(text)
    end)
end

---@async
function Remote:wait()
    return await_ready(self, function()
        self._channel:send { op = "wait" }
    end)
end

---Calls a function when the console has ended the connection, with a code and a reason; at once where it has.
---@param fn fun(code: integer, why?: string)
function Remote:when_left(fn)
    self._on_left = fn
    if self._left then
        fn(unpack(self._left, 1, 2))
    end
end

function Remote:_leave(code, why)
    if not self._left then
        self._left = { code, why }
        self._on_left(code, why)
    end
end

function Remote:complete(before, answer)
    self._asked = self._asked + 1
    self._answers[self._asked] = answer
    self._channel:send { op = "complete", before = before, id = self._asked }
end

-- A program that answers nothing any more, because compiled code of it never comes back to its loop, must not
-- keep whoever joined it.
function Remote:interrupt()
    self._unanswered = self._unanswered + 1
    if self._unanswered > PATIENCE then
        return self:_leave(130, "the program does not answer, and is left as it is")
    elseif self._unanswered == PATIENCE then
        self.on_out "\n(the program does not answer; Ctrl-C again leaves it)\n"
    end
    self._channel:send { op = "interrupt" }
end

function Remote:background()
    self._channel:send { op = "background" }
end

function Remote:resize(width)
    self._channel:send { op = "resize", width = settings.width_for(width) }
end

function Remote:close()
    self._channel:close()
end

local receive = {}

function receive.hello(self, message)
    self.on_hello(message)
end

function receive.out(self, message)
    self.on_out(message.text)
end

function receive.err(self, message)
    self.on_err(message.text)
end

function receive.ready(self, message)
    self.on_ready(message.failed)
end

function receive.completion(self, message)
    local answer = self._answers[message.id]
    self._answers[message.id] = nil
    if answer then
        answer(message.found)
    end
end

function receive.bye(self, message)
    self:_leave(message.code or 1, message.text)
end

local function ignore() end

---@async
local function dial(path)
    local stream = uv.new_pipe(false)
    local err = nr.await(function(resume)
        return stream:connect(path, resume)
    end)
    if err then
        stream:close()
        local text = "no program listens at %s (%s); start one with nylon-ring run --console %s SCRIPT"
        return nil, text:format(path, err, path)
    end
    return stream
end

-- Says what this end wants, and waits for what the console says of itself; nil where that is nothing.
---@async
function Remote:_greet(stream, wishes)
    return nr.timeout(GREETING, nr.await, function(resume)
        self.on_hello = resume
        self._channel = channels.open(stream, wire.console, function(message)
            self._unanswered = 0
            receive[message.op](self, message)
        end, function(reason)
            resume(nil)
            self:_leave(1, reason or "the program is gone")
        end)
        wishes.op = "hello"
        self._channel:send(wishes)
    end)
end

-- Answers the backend and what the console has said of itself, or nil, err.
---@async
local function connect(path, wishes)
    local stream, refused = dial(path)
    if not stream then
        return nil, refused
    end
    local self = setmetatable({
        on_out = ignore, on_err = ignore, on_ready = ignore, _on_left = ignore,
        _unanswered = 0, _asked = 0, _answers = {},
    }, Remote)
    local hello, err = self:_greet(stream, wishes)
    if hello then
        return self, hello
    end
    self:close()
    local text = errors.is(err, "timeout") and "the program at %s does not answer: its loop does not turn"
        or "what listens at %s is no console"
    return nil, text:format(path)
end

---@async
local function converse(remote, hello)
    local leave
    local terminal, err = terminals.new {
        fd = 0, history = history.open(history.default_path()), prompt = hello.name .. "> ",
        on_leave = function(code)
            leave(code or 0)
        end,
    }
    if not terminal then
        return 1, err
    end
    remote.on_out = function(text)
        terminal:write(text)
    end
    remote.on_err = remote.on_out
    remote.on_ready = function()
        terminal:ready()
    end
    local ok, code, why = pcall(nr.await, function(resume)
        leave = resume
        remote:when_left(resume)
        terminal:open(remote)
        terminal:write(("joined %s, process %d; Ctrl-D leaves it running\n"):format(hello.name, hello.pid))
        terminal:ready()
        return function() end
    end)
    terminal:close()
    if not ok then
        error(code, 0)
    end
    return code, why
end

---@async
local function run_lines(remote, given)
    remote.on_out, remote.on_err = pipe.write, pipe.write_err
    local lines = pipe.lines(given)
    local code, why
    nr.race {
        function()
            code, why = nr.await(function(resume)
                remote:when_left(resume)
                return ignore
            end)
            code = why and math.max(code, 1) or code -- not all was run
        end,
        function()
            local ok, err = pipe.run_all(remote, lines)
            code, why = ok and 0 or 1, err
        end,
    }
    lines.close()
    return code, why
end

---Joins a running program.
---@async
---@param options { path: string, terminal: boolean, code: string[], json: boolean, who: string }
---@return integer code
function M.run(options)
    local remote, hello = connect(options.path, {
        color = options.terminal and say.has_color(1), lines = not options.terminal,
        json = options.json or nil,
    })
    if not remote then
        say.error(options.who, hello)
        return 1
    end
    local code, why
    if options.terminal then
        code, why = converse(remote, hello)
    else
        code, why = run_lines(remote, options.code)
    end
    remote:close()
    if why then
        pipe.tell(options.who, why, options.json)
    end
    return code
end

return M
