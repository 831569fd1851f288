--- A real terminal for specs: tmux runs a program in it, types, and shows what is on its screen.
--- Nothing waits by sleeping: `wait` looks at the screen again and again, up to a limit.
local busted = require "busted"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local M = {}

local PAUSE = 15

--- For how many milliseconds something is waited for.
M.LIMIT = support.sanitized and 40000 or 10000

---@class spec.Terminal
---@field home string a folder of its own, which is the program's HOME
---@field private _socket string
local Terminal = {}
Terminal.__index = Terminal

local function remove_tree(path)
    local scan = uv.fs_scandir(path)
    while scan do
        local name, kind = uv.fs_scandir_next(scan)
        if not name then
            break
        elseif kind == "directory" then
            remove_tree(path .. "/" .. name)
        else
            uv.fs_unlink(path .. "/" .. name)
        end
    end
    uv.fs_rmdir(path)
end

function Terminal:_tmux_with(stdin, ...)
    local child = support.start("tmux", { "-S", self._socket, "-f", "/dev/null", ... }, { stdin = stdin })
    local outcome = child:wait()
    if outcome.code ~= 0 then
        error(("tmux %s: %s"):format((...), outcome.err), 0)
    end
    return outcome.out
end

function Terminal:_tmux(...)
    return self:_tmux_with(nil, ...)
end

local function quote(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

---@class spec.TerminalOptions
---@field width? integer
---@field height? integer
---@field cwd? string where it runs; the specs' own folder by default
---@field home? string a folder that is kept, instead of one that is made and removed
---@field env? table<string, string>
---@field program? string another than ours
---@field shell? string a command that runs in it instead of the program

--- Opens a terminal in which a program runs. When it ends, its exit code and whether the terminal is in its
--- usual state again are on the screen: `left 0 icanon`.
---@async
---@param args string[] of the program
---@param options? spec.TerminalOptions
---@return spec.Terminal
function M.open(args, options)
    options = options or {}
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-tty-XXXXXX"))
    local self = setmetatable({ home = options.home or folder, _folder = folder }, Terminal)
    self._socket = folder .. "/tmux"
    local words = { quote(options.program or uv.fs_realpath(support.program)) }
    for _, arg in ipairs(args) do
        table.insert(words, quote(arg))
    end
    -- The shell outlives Ctrl-C, the program gets it as usual.
    local script = "trap : INT; " .. table.concat(words, " ")
        .. "; echo left $? $(stty -a | tr ' ' '\\n' | grep -x -e icanon -e -icanon); trap '' INT; exec cat"
    local width, height = tostring(options.width or 80), tostring(options.height or 24)
    local command = { "new-session", "-d", "-c", options.cwd or uv.cwd(), "-x", width, "-y", height }
    local env = {
        HOME = self.home, XDG_STATE_HOME = "", XDG_CONFIG_HOME = "", LC_ALL = "C.UTF-8", NO_COLOR = "1",
        EDITOR = "", VISUAL = "", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" or "",
    }
    for name, value in pairs(options.env or {}) do
        env[name] = value
    end
    for name, value in pairs(env) do
        table.insert(command, "-e")
        table.insert(command, name .. "=" .. value)
    end
    table.insert(command, options.shell or script)
    self:_tmux(unpack(command))
    return self
end

--- Types text as it is.
---@async
function Terminal:type(text)
    self:_tmux("send-keys", "-l", "--", (text:gsub(";$", "\\;"))) -- for tmux it would end the command
end

local function write_file(path, content)
    local file = assert(io.open(path, "w"))
    file:write(content)
    file:close()
end

--- Gives the program a function `gate()`, in which a task waits for `open_gate`: for what has to happen after
--- something was seen on the screen.
---@async
function Terminal:make_gate()
    write_file(self.home .. "/gate.lua", ([[
        while not os.remove(%q) do
            require("nylon_ring").sleep(5)
        end]]):format(self.home .. "/open"))
    self:enter "gate = loadfile(os.getenv 'HOME' .. '/gate.lua');"
    self:wait_end "gate.lua');\n>"
end

--- Lets one task through the gate.
function Terminal:open_gate()
    write_file(self.home .. "/open", "")
end

--- Sends bytes, in pieces as a terminal does.
---@async
function Terminal:send(bytes)
    for at = 1, #bytes, 1000 do
        local codes = {}
        for index = at, math.min(at + 999, #bytes) do
            table.insert(codes, ("%02x"):format(bytes:byte(index)))
        end
        self:_tmux("send-keys", "-H", unpack(codes))
    end
end

--- Presses keys by tmux's names: "Enter", "Tab", "C-c", "Up".
---@async
function Terminal:press(...)
    self:_tmux("send-keys", ...)
end

--- Types a line and presses Enter.
---@async
function Terminal:enter(text)
    self:type(text)
    self:press "Enter"
end

--- Pastes text, marked as pasted where the program asked for that.
---@async
function Terminal:paste(text)
    self:_tmux_with(text, "load-buffer", "-")
    self:_tmux("paste-buffer", "-p")
end

---@async
function Terminal:resize(width, height)
    self:_tmux("resize-window", "-x", tostring(width), "-y", tostring(height))
end

--- What is on the screen, without the empty lines at its end.
---@async
---@return string
function Terminal:screen()
    return (self:_tmux("capture-pane", "-p"):gsub("[%s]*$", ""))
end

--- How many lines can be scrolled back to.
---@async
function Terminal:scrolled()
    return tonumber((self:_tmux("display-message", "-p", "#{history_size}")))
end

--- The line and the column of the cursor, from 0.
---@async
function Terminal:cursor()
    local row, column = self:_tmux("display-message", "-p", "#{cursor_y} #{cursor_x}"):match "(%d+) (%d+)"
    return tonumber(row), tonumber(column)
end

local function poll(look, wanted)
    local start = uv.now()
    while true do
        local screen = look()
        local found
        if type(wanted) == "string" then
            found = screen:find(wanted, 1, true)
        else
            found = wanted(screen)
        end
        if found then
            return screen
        elseif uv.now() - start > M.LIMIT then
            local what = type(wanted) == "string" and ("'%s'"):format(wanted) or "what was waited for"
            error(("%s never came; the screen:\n%s"):format(what, screen), 3)
        end
        nr.sleep(PAUSE)
    end
end

--- Waits until the screen contains a text, or until a function of it is true; answers the screen.
---@async
---@param wanted string|fun(screen: string): any
---@return string screen
function Terminal:wait(wanted)
    return poll(function()
        return self:screen()
    end, wanted)
end

--- Waits until a text has come that may have left the screen at its top by now.
---@async
---@param wanted string
function Terminal:wait_scrolled(wanted)
    return poll(function()
        return self:_tmux("capture-pane", "-p", "-S", "-")
    end, wanted)
end

--- Waits for a screen whose end is this text.
---@async
function Terminal:wait_end(text)
    return self:wait(function(screen)
        return screen:sub(-#text) == text
    end)
end

--- Has what the program writes from now on written into a file as well, byte by byte.
---@async
---@return string path
function Terminal:keep_bytes()
    local path = self._folder .. "/bytes"
    write_file(path, "")
    self:_tmux("pipe-pane", "cat >> " .. quote(path))
    return path
end

--- From now on the terminal takes nothing of what the program writes, until the function that this answers is
--- called. No other method may be called until then.
---@async
---@return fun() go_on
function Terminal:stall()
    local server = tonumber(self:_tmux("display-message", "-p", "#{pid}"):match "%d+")
    uv.kill(server, "sigstop")
    return function()
        uv.kill(server, "sigcont")
    end
end

--- The process that runs in it.
---@async
---@return integer pid
function Terminal:pid()
    local shell = self:_tmux("display-message", "-p", "#{pane_pid}"):match "%d+"
    local child = support.start("ps", { "-o", "pid=", "--ppid", shell }):wait()
    return tonumber(child.out:match "%d+")
end

--- Sends a signal until the program has left with this code: two at the same time are one. Ctrl-C would go to
--- what the terminal does after the program as well.
---@param name string
---@param code integer
function Terminal:signal_until_left(name, code)
    local pid = self:pid()
    self:wait(function(screen)
        uv.kill(pid, name)
        return screen:find(("left %d icanon"):format(code), 1, true)
    end)
end

--- Ends it all.
---@async
function Terminal:close()
    pcall(self._tmux, self, "kill-server")
    remove_tree(self._folder)
end

--- `open` for the specs of a block; what it has opened is closed after each of them.
---@return fun(args: string[], options?: table): spec.Terminal
function M.each()
    local opened = {}
    busted.after_each(function()
        for index, terminal in ipairs(opened) do
            terminal:close()
            opened[index] = nil
        end
    end)
    return function(...)
        table.insert(opened, (M.open(...)))
        return opened[#opened]
    end
end

return M
