-- A terminal that knows no escape sequences, or of which nobody knows any (TERM): a prompt, and lines as
-- the system edits them. For others it is what repl/terminal.lua is. While a line is at work, what is typed
-- waits, or is for what that line reads.

local editor = require "nylon_ring.editor"
local evaluate = require "nylon_ring.repl.evaluate"
local interrupts = require "nylon_ring.repl.interrupts"
local lines = require "nylon_ring.io.lines"
local uv = require "luv"

local M = {}

local MOST = 65536 -- bytes of a line that are read at once

local write_to = io.stdout.write -- the method itself: scripts' calls of it come here (repl/redirect.lua)

---@class nylon_ring.repl.PlainTerminal
---@field backend nylon_ring.repl.Backend
---@field private _prompt string
---@field private _more string
---@field private _on_leave fun()
---@field private _editor nylon_ring.Editor it edits nothing here: it has opened the terminal
---@field private _poll userdata
---@field private _lines nylon_ring.io.Lines
---@field private _awaits boolean a line is awaited
---@field private _shown boolean the prompt stands at the screen's end
---@field private _bol boolean what was written ends with a line
---@field private _kept? string the rows of an unfinished line
---@field private _warned boolean another Ctrl-C leaves
---@field private _again userdata a timer: shows the prompt once all is written that comes now
---@field private _interrupts nylon_ring.repl.Interrupts
local PlainTerminal = {}
PlainTerminal.__index = PlainTerminal

---@param options { fd: integer, on_leave: fun() }
---@param prompt string
---@param more string what further rows of a line begin with
---@return nylon_ring.repl.PlainTerminal|nil
---@return string|nil err
function M.new(options, prompt, more)
    local ed, err = editor.new(options.fd)
    if not ed then
        return nil, err
    end
    return setmetatable({
        _prompt = prompt, _more = more, _on_leave = options.on_leave,
        _editor = ed, _lines = lines.new(), _again = uv.new_timer(),
        _awaits = false, _shown = false, _bol = true, _warned = false,
    }, PlainTerminal)
end

function PlainTerminal:_put(text)
    write_to(io.stdout, text)
    io.stdout:flush()
end

function PlainTerminal:_show_prompt()
    self:_put((self._bol and "" or "\n") .. (self._kept and self._more or self._prompt))
    self._shown, self._bol = true, true
end

---Writes output: below the prompt if that stands there, which is shown again then.
---@param text string
function PlainTerminal:write(text)
    if text == "" then
        return
    elseif self._awaits then
        self._again:start(0, 0, function()
            self:_show_prompt()
        end)
    end
    self:_put((self._shown and "\n" or "") .. text)
    self._shown, self._bol = false, text:sub(-1) == "\n"
end

-- The system hands out a line at a time, and nothing at the end.
function PlainTerminal:_read()
    local data, _, name = uv.fs_read(self._editor:fd(), MOST, -1)
    if name == "EAGAIN" or name == "EINTR" then
        return
    elseif not data or data == "" then
        self:_put "\n"
        return self._on_leave()
    end
    self._lines:feed(data)
    local line = self._lines:next()
    if line then
        self:_take(line)
    end
end

function PlainTerminal:_take(line)
    self._shown, self._warned = false, false
    local text = self._kept and self._kept .. "\n" .. line or line
    self._kept = evaluate.is_incomplete(text) and text or nil
    if self._kept then
        return self:_show_prompt()
    end
    self._awaits = false
    self._again:stop()
    self._poll:stop()
    self.backend:submit(text)
end

---The backend is ready for the next line.
function PlainTerminal:ready()
    if self._awaits or self._poll:is_closing() then
        return
    end
    self._awaits = true
    self:_show_prompt()
    assert(self._poll:start("r", function()
        self:_read()
    end))
end

-- The system has dropped what was typed.
function PlainTerminal:_interrupt()
    self._lines = lines.new()
    if not self._awaits then
        return self.backend:interrupt()
    elseif self._warned then
        return self._on_leave()
    end
    self._warned, self._kept = true, nil
    self:write "(Ctrl-C again, or Ctrl-D, leaves)\n"
end

---Calls a function that uses the terminal by itself, and must not suspend; answers what it does.
---@generic T
---@param fn fun(...): T
---@param ... any
---@return T
function PlainTerminal:lend(fn, ...)
    return fn(...)
end

---Starts; the prompt comes when the backend is ready.
---@param backend nylon_ring.repl.Backend
function PlainTerminal:open(backend)
    self.backend = backend
    self._poll = uv.new_poll(self._editor:fd())
    self._interrupts = interrupts.open(function()
        self:_interrupt()
    end)
    backend:resize(self._editor:size())
end

---Ends.
function PlainTerminal:close()
    self._awaits = false
    self._interrupts:close()
    self._again:close()
    self._poll:close()
    self._editor:close()
end

return M
