--- What specs share: where the build is, and running the program as a user does.
local uv = require "luv"

local M = {}

-- For how many milliseconds a program that a spec has started may keep it waiting.
local LIMIT = 60000

local function program_folder()
    local folder, name = uv.exepath():match "^(.*)/([^/]*)$"
    return name == "nylon-ring" and folder or "build/release"
end

--- The build folder that is tested: the program's own, else that of the release preset.
M.build = os.getenv "NYLON_RING_BUILD" or program_folder()

--- The program.
M.program = M.build .. "/nylon-ring"

--- The file of a first-party plugin.
---@param name string
---@return string
function M.plugin(name)
    return ("%s/plugins/%s.so"):format(M.build, name)
end

--- Whether the build runs under a sanitizer, where images stay mapped and everything is slower.
M.sanitized = M.build:match "asan$" ~= nil or M.build:match "tsan$" ~= nil

--- Where a program of the machine is, or nil.
---@param name string
---@return string|nil
function M.which(name)
    for folder in os.getenv "PATH":gmatch "[^:]+" do
        local file = folder .. "/" .. name
        if uv.fs_access(file, "X") then
            return file
        end
    end
end

--- Whether a process runs. One that has ended stays as a zombie where nobody asks for its outcome.
---@param pid integer
---@return boolean
function M.is_alive(pid)
    local file = io.open(("/proc/%d/stat"):format(pid))
    local state = file and file:read "*a":match "%) (%a)"
    if file then
        file:close()
    end
    return state ~= nil and state ~= "Z"
end

--- Writes a file for one spec, in a fresh folder; answers its path and a function that removes both.
---@param name string
---@param content string
---@return string path, fun() remove
function M.file(name, content)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-spec-XXXXXX"))
    local path = folder .. "/" .. name
    local file = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
    return path, function()
        os.remove(path)
        uv.fs_rmdir(folder)
    end
end

---@class spec.Outcome
---@field code integer
---@field signal integer
---@field out string
---@field err string

---@class spec.Child
---@field out string so far
---@field err string so far
---@field pid integer
local Child = {}
Child.__index = Child

function Child:_closed()
    self._open = self._open - 1
    if self._open == 0 and self._resume then
        self._resume()
    end
end

function Child:_read(pipe, into)
    pipe:read_start(function(err, data)
        if data and not err then
            self[into] = self[into] .. data
            if self._on_output then
                self._on_output()
            end
        else
            pipe:close()
            self:_closed()
        end
    end)
end

--- Sends a signal.
function Child:kill(signal)
    self._process:kill(signal)
end

--- Writes to its standard input, where that was held open.
function Child:send(text)
    self._pipes.stdin:write(text)
    self:finish()
end

--- Ends its standard input.
function Child:finish()
    local stdin = self._pipes.stdin
    stdin:shutdown(function()
        stdin:close()
    end)
end

--- Closes our end of its standard output, as `head` does.
function Child:close_output()
    self._pipes.out:close()
    self:_closed()
end

--- Waits for what `start` begins, as `nr.await` does; a child that takes too long is killed, and said to.
function Child:_await(start)
    local nr = require "nylon_ring"
    local _, late = nr.timeout(LIMIT, nr.await, start)
    if late then
        self:kill "sigkill"
        error(("the program took longer than %d ms; it wrote: %s%s"):format(LIMIT, self.out, self.err), 0)
    end
end

--- Waits until its output contains `text` (plain).
---@async
function Child:wait_for(into, text)
    self:_await(function(resume)
        local function look()
            if self[into]:find(text, 1, true) or self._open == 0 then
                self._on_output = nil
                resume()
            end
        end
        self._on_output = look
        look()
    end)
    assert(self[into]:find(text, 1, true), ("'%s' never came; got: %s%s"):format(text, self.out, self.err))
end

--- Waits for its end.
---@async
---@return spec.Outcome
function Child:wait()
    if self._open > 0 then
        self:_await(function(resume)
            self._resume = resume
        end)
    end
    return { code = self.code, signal = self.signal, out = self.out, err = self.err }
end

local function environment(changes)
    local env = uv.os_environ()
    for key, value in pairs(changes or {}) do
        env[key] = value or nil
    end
    local list = {}
    for key, value in pairs(env) do
        table.insert(list, key .. "=" .. value)
    end
    return list
end

--- Starts a program.
---@param file string
---@param args string[]
---@param options? { stdin?: string, env?: table<string, string|false>, cwd?: string, hold_stdin?: boolean }
---@return spec.Child
function M.start(file, args, options)
    options = options or {}
    local pipes = { stdin = uv.new_pipe(false), out = uv.new_pipe(false), err = uv.new_pipe(false) }
    local child = setmetatable({ out = "", err = "", _open = 3, _pipes = pipes }, Child)
    child._process, child.pid = uv.spawn(file, {
        args = args,
        stdio = { pipes.stdin, pipes.out, pipes.err },
        env = environment(options.env),
        cwd = options.cwd,
    }, function(code, signal)
        child.code, child.signal = code, signal
        child._process:close()
        child:_closed()
    end)
    assert(child._process, child.pid)
    child:_read(pipes.out, "out")
    child:_read(pipes.err, "err")
    if options.stdin then
        pipes.stdin:write(options.stdin)
    end
    if not options.hold_stdin then
        child:finish()
    end
    return child
end

--- Runs the program to its end.
---@async
---@param args string[]
---@param options? table as for `start`
---@return spec.Outcome
function M.run(args, options)
    return M.start(M.program, args, options):wait()
end

--- The sanitizer's runtime that this process was started with, or nil. A stock LuaJIT has to load it first.
---@return string|nil
function M.sanitizer_runtime()
    for line in io.lines "/proc/self/maps" do
        local path = line:match "(/%S*/libasan%.so%S*)"
        if path then
            return path
        end
    end
end

--- Runs a stock LuaJIT to its end, with the module that was built.
---@async
---@param args string[]
---@param options? table as for `start`
---@return spec.Outcome
function M.stock(args, options)
    options = options or {}
    local share = M.build .. "/share/lua/5.1/"
    local env = {
        LUA_PATH = share .. "?.lua;" .. share .. "?/init.lua;;",
        LUA_CPATH = M.build .. "/lib/lua/5.1/?.so;;",
        LD_PRELOAD = M.sanitizer_runtime(),
    }
    return M.start("luajit", args, { env = env, stdin = options.stdin, cwd = options.cwd }):wait()
end

return M
