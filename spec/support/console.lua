--- Programs with a console, and clients of it that say what a spec wants them to say.
local cjson = require "cjson"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local M = {}

---@class spec.ConsoleClient
---@field messages table[] that came and were not taken
---@field ended boolean the console has closed the connection
---@field pipe userdata
local Client = {}
Client.__index = Client

function Client:_arrive(data)
    self._rest = self._rest .. data
    local whole, rest = self._rest:match "^(.*\n)(.*)$"
    for line in (whole or ""):gmatch "[^\n]+" do
        table.insert(self.messages, cjson.decode(line))
    end
    self._rest = rest or self._rest
end

--- Reads what comes.
function Client:read()
    self.pipe:read_start(function(_, data)
        if data then
            self:_arrive(data)
        else
            self.ended = true
            self.pipe:read_stop()
        end
        if self._changed then
            self._changed()
        end
    end)
end

--- Sends messages; a text goes out as it is.
---@param ... table|string
function Client:send(...)
    for _, message in ipairs { ... } do
        self.pipe:write(type(message) == "table" and cjson.encode(message) .. "\n" or message)
    end
end

--- Waits for a message and takes it and those before it; nil when the connection ends first.
---@async
---@param op string
---@return table|nil
function Client:wait(op)
    while true do
        local message = table.remove(self.messages, 1)
        if message and message.op == op then
            return message
        elseif not message and self.ended then
            return nil
        elseif not message then
            nr.await(function(resume)
                self._changed = resume
            end)
        end
    end
end

function Client:close()
    self.pipe:close()
end

--- Connects; reads nothing yet, and says nothing.
---@async
---@param path string
---@return spec.ConsoleClient
function M.connect(path)
    local pipe = uv.new_pipe(false)
    assert(not nr.await(function(resume)
        return pipe:connect(path, resume)
    end))
    return setmetatable({ pipe = pipe, messages = {}, ended = false, _rest = "" }, Client)
end

--- Connects, says hello and reads.
---@async
---@param path string
---@return spec.ConsoleClient
function M.greet(path)
    local client = M.connect(path)
    client:send { op = "hello" }
    client:read()
    assert(client:wait "hello")
    return client
end

---@class spec.ConsoleProgram
---@field path string of the socket
---@field child spec.Child
---@field private _folder string

local Program = {}
Program.__index = Program

--- Starts a program with a console, as `program`, and waits until it has one.
---@async
---@param code string
---@param ... string further arguments
---@return spec.ConsoleProgram
function M.program(code, ...)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-console-XXXXXX"))
    local self = setmetatable({ path = folder .. "/console", _folder = folder }, Program)
    self._script, self._remove = support.file("app.lua", code .. "\nprint 'running' io.stdout:flush()")
    self.child = support.start(support.program, { "run", "--console", self.path, self._script, ... })
    self.child:wait_for("out", "running")
    return self
end

--- Runs lines in it through the program's own client.
---@async
---@param lines string[]
---@param ... string options of the client
---@return spec.Outcome
function Program:join(lines, ...)
    local stdin = table.concat(lines, "\n") .. "\n"
    return support.run({ "repl", "--connect", self.path, ... }, { stdin = stdin })
end

--- Ends it, if it has not ended.
---@async
---@return spec.Outcome
function Program:close()
    if not self.child.code then
        self.child:kill "sigterm"
    end
    local outcome = self.child:wait()
    self._remove()
    uv.fs_rmdir(self._folder)
    return outcome
end

return M
