-- The terminal's side of a REPL: reads keys as the loop brings them, edits lines, draws, and hands what
-- was entered to a backend, which is a session of this process or of another one (repl/session.lua,
-- repl/console/client.lua). While the backend works, what is typed waits.
--
--     tty.lua ──▶ editor ──▶ line.lua ──▶ events ──▶ backend:submit ─ ─ ▶ ready ──▶ next line
--     descriptors 1, 2 ──▶ capture ──▶ above the line, while one is edited
--     SIGINT  ──▶ interrupts.lua   SIGTSTP, SIGCONT, SIGWINCH ──▶ luv signals

local editing = require "nylon_ring.repl.editing"
local editor = require "nylon_ring.editor"
local interrupts = require "nylon_ring.repl.interrupts"
local lines = require "nylon_ring.repl.line"
local plain_terminals = require "nylon_ring.repl.plain_terminal"
local process = require "nylon_ring.cli.process"
local report = require "nylon_ring.report"
local say = require "nylon_ring.io.say"
local screens = require "nylon_ring.repl.screen"
local ttys = require "nylon_ring.repl.tty"
local uv = require "luv"

local M = {}

---@class nylon_ring.repl.Backend
---@field submit fun(self, text: string) calls `terminal:ready()` when the next line may come
---@field complete fun(self, before: string, answer: fun(found: nylon_ring.repl.Completion|nil))
---@field interrupt fun(self) cancels what runs in the foreground
---@field background fun(self) sends it to the background
---@field resize fun(self, width: integer, height: integer)

---@class nylon_ring.repl.Terminal
---@field backend nylon_ring.repl.Backend
---@field history nylon_ring.repl.History
---@field screen nylon_ring.repl.Screen
---@field private _editor userdata
---@field private _editing boolean
---@field private _taken? boolean the terminal is ours; else whoever it was lent to reads it
---@field private _tty nylon_ring.repl.Tty
---@field private _line nylon_ring.repl.Line
---@field private _handles userdata[]
local Terminal = {}
Terminal.__index = Terminal

M.PROMPT, M.MORE = "> ", "… "

local ESCAPE = 100 -- milliseconds after which Escape is a key by itself

---@param options { fd: integer, history: nylon_ring.repl.History, prompt?: string, on_leave: fun() }
---@return nylon_ring.repl.Terminal|nylon_ring.repl.PlainTerminal|nil what the terminal can do
---@return string|nil err
function M.new(options)
    if say.is_dumb() then
        return plain_terminals.new(options, options.prompt or M.PROMPT, M.MORE)
    end
    local ed, err = editor.new(options.fd)
    if not ed then
        return nil, err
    end
    process.before_exit(editor.restorer())
    local tty = ttys.new(ed:fd())
    local screen = screens.new(tty)
    function tty.on_lost(bytes)
        screen:tell_lost(bytes)
    end
    return setmetatable({
        prompt = options.prompt or M.PROMPT,
        history = options.history,
        screen = screen,
        _tty = tty,
        _editor = ed,
        _line = lines.new(ed, options.history),
        _editing = false,
        _handles = {},
        _warned = false,
        _on_leave = options.on_leave,
    }, Terminal)
end

-- ---- The line on the screen ---------------------------------------------------------------------

function Terminal:_draw()
    local prompt, before, after = self._line:shown()
    self.screen:draw { prompt = prompt or self.prompt, more = M.MORE, before = before, after = after }
end

function Terminal:_begin(text)
    self._editing = true
    editor.capture(true)
    self._line:begin(text or "")
    self:_draw()
    self:_pump()
end

-- Ends editing with what stands there; answers it.
function Terminal:_finish()
    self._line:end_search()
    self:_draw()
    self.screen:finish()
    editor.capture(false)
    self._editing = false
    return self._line:finish()
end

---Writes output, above the edited line if there is one.
---@param text string
function Terminal:write(text)
    if self._editing then
        self.screen:write(editor.captured())
    end
    self.screen:write(text)
end

---The backend is ready for the next line.
---@param text? string that it begins with
function Terminal:ready(text)
    if self._open and not self._editing then
        self._warned = false
        self:_begin(text)
    end
end

-- ---- Keys that are more than editing ------------------------------------------------------------

function Terminal:_accept()
    if self._line:accept() then
        self:_enter(self:_finish())
    end
end

function Terminal:_leave()
    self:_finish()
    self._on_leave()
end

function Terminal:_complete()
    self._line:complete(self.backend, function(listing)
        if listing then
            self.screen:write(listing .. "\n")
        end
        self:_draw()
    end)
end

function Terminal:_redraw()
    self.screen:clear()
end

function Terminal:_refuse_paste()
    self.screen:write "(more than 1 MiB was pasted, and nothing is taken; :run FILE runs a file)\n"
end

local on = {
    accept = Terminal._accept, complete = Terminal._complete, eof = Terminal._leave,
    redraw = Terminal._redraw, overlong = Terminal._refuse_paste,
}

local function deliver(err)
    report.deliver(err, debug.traceback("", 2))
end

local function use_keys(self)
    local changed = false
    while self._editing and self._line:use_key(on, self) do
        changed, self._warned = true, false
    end
    if changed and self._editing then
        self:_draw()
    end
end

-- Uses what was typed, key by key, until there is no whole key or a line that was entered is at work. A
-- line that is done at once lets the next one begin in here; one that ends in an error of ours must not be
-- the last.
function Terminal:_pump()
    if self._pumping then
        return
    end
    self._pumping = true
    local ok = xpcall(use_keys, deliver, self)
    self._pumping = false
    if not ok then
        self:ready()
    end
end

-- ---- Entering -----------------------------------------------------------------------------------

-- Why the history is not kept, once.
function Terminal:_tell_history(err)
    if err and err ~= self._history_err then
        self.screen:write(("(the history is not kept: %s)\n"):format(err))
        self._history_err = err
    end
end

-- What was entered: for the terminal itself (`:edit`, `:history`), else for the backend.
function Terminal:_enter(text)
    self:_tell_history(self.history:add(text))
    local name, rest = text:match "^%s*:(%a+)%s*(.-)%s*$"
    local command = name and editing.commands[name]
    if command then
        return command(self, rest)
    end
    self.backend:submit(text)
end

function Terminal:_interrupt()
    self._editor:reset()
    if not self._editing then
        return self.backend:interrupt()
    end
    local empty = self._line:is_empty()
    if empty and self._warned then
        return self:_leave()
    end
    self._line:end_search()
    self:_draw()
    if empty then
        self.screen:write "(Ctrl-C again, or Ctrl-D, leaves)\n"
        self._warned = true
    else
        self:_finish()
        self:_begin()
    end
end

-- ---- The terminal and its signals ---------------------------------------------------------------

function Terminal:_resize()
    self.screen.width, self.screen.height = self._editor:size()
    self.backend:resize(self.screen.width, self.screen.height)
    if self._editing then
        self:_draw()
    end
end

function Terminal:_read(err)
    self._interrupts:take() -- Ctrl-C is older than what was typed after it
    if not self._open then
        return
    elseif err or self._editor:read() == 0 then
        self._on_leave()
    else
        self:_pump()
        self:_expect_escape()
    end
end

-- Escape begins other keys. What a terminal sends as one key comes at once.
function Terminal:_expect_escape()
    if not self._editing or not self._line:is_searching() then
        return
    end
    self._escape:start(ESCAPE, 0, function()
        if self._editing and self._line:use_escape() then
            self:_draw()
        end
    end)
end

---Takes the terminal, or gives it back as it was: whoever has it then also gets what is typed.
---@param taken boolean
function Terminal:take(taken)
    if taken == self._taken or taken and not self._open then
        return
    end
    self._taken = taken
    editor.capture(taken and self._editing)
    if taken then
        self._editor:raw(true) -- which empties the line
        self._editor:set(self._before or "", self._after or "")
        self._tty:take(function(err)
            self:_read(err)
        end)
        self.screen:mark_paste(true)
    else
        self._before, self._after = self._editor:line()
        self.screen:mark_paste(false)
        self._tty:lend()
        self._editor:raw(false)
    end
end

local function take_back(self, ok, ...)
    self:take(true)
    self:_show_again()
    if not ok then
        error((...), 0)
    end
    return ...
end

---Calls a function that uses the terminal by itself, and must not suspend; answers what it does.
---@generic T
---@param fn fun(...): T
---@param ... any
---@return T
function Terminal:lend(fn, ...)
    if not self._taken then
        return fn(...)
    elseif self._editing then
        self.screen:remove()
    end
    self:take(false)
    return take_back(self, pcall(fn, ...))
end

-- Ctrl-Z. Whoever the terminal is lent to has got it as well, and stops or not as he likes; a shell goes on
-- when we do.
function Terminal:_suspend()
    if not self._taken then
        return editor.stop()
    elseif not self._editing then
        return self.backend:background()
    end
    self:lend(editor.stop)
end

-- Back in the foreground. Whoever was there meanwhile may have left the terminal anyhow.
function Terminal:_continue()
    if self._taken then
        self:take(false)
        self:take(true)
        self:_show_again()
    end
end

-- Others may have left the cursor anywhere, and the terminal with another size.
function Terminal:_show_again()
    self.screen.width, self.screen.height = self._editor:size()
    if self._editing then
        self.screen:remove()
        self:_draw()
    end
end

function Terminal:_watch(handle, ...)
    table.insert(self._handles, handle)
    assert(handle:start(...))
end

local function signal(self, name, fn)
    self:_watch(uv.new_signal(), name, fn)
end

---Starts: takes the terminal and shows the prompt when the backend is ready.
---@param backend nylon_ring.repl.Backend
function Terminal:open(backend)
    self.backend, self._open = backend, true
    self._tty:open()
    self._escape = uv.new_timer()
    table.insert(self._handles, self._escape)
    self:take(true)
    local captured = editor.open_capture()
    if captured then
        self:_watch(uv.new_poll(captured), "r", function()
            self.screen:write(editor.captured())
        end)
    end
    self._interrupts = interrupts.open(function()
        if self._taken then -- others' are not for us
            self:_interrupt()
        end
    end)
    signal(self, "sigwinch", function()
        self:_resize()
    end)
    signal(self, "sigtstp", function()
        self:_suspend()
    end)
    signal(self, "sigcont", function()
        self:_continue()
    end)
    self:_resize()
end

---Gives the terminal back, for good.
function Terminal:close()
    if not self._open then
        return
    end
    self._open = false
    if self._editing then
        self:_finish()
    end
    self:_tell_history(self.history:close())
    self:take(false)
    self.screen:write(editor.close_capture())
    self._tty:close()
    for _, handle in ipairs(self._handles) do
        if not handle:is_closing() then
            handle:close()
        end
    end
    self._interrupts:close()
    self._editor:close()
end

return M
