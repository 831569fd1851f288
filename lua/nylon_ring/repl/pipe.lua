-- A session without a terminal: lines from a pipe, a file or the command line, one after the other,
-- without prompt, colour or history. It stops at the first error. An unfinished last line is an error.
--
--     lines ──▶ run_all ──▶ target: a session of this process, or of a running program (console/client.lua)

local evaluate = require "nylon_ring.repl.evaluate"
local input = require "nylon_ring.io.input"
local json = require "nylon_ring.io.json"
local nr = require "nylon_ring"
local say = require "nylon_ring.io.say"
local sessions = require "nylon_ring.repl.session"

local M = {}

---What runs lines.
---@class nylon_ring.repl.Target
---@field run fun(self, text: string): boolean runs one entry to its end; false when something has failed
---@field wait fun(self): boolean waits for the background as well; false when something has failed

---@class nylon_ring.repl.LocalTarget: nylon_ring.repl.Target
local Local = {}
Local.__index = Local

---@param session nylon_ring.repl.Session
---@return nylon_ring.repl.Target
function M.target(session)
    return setmetatable({ session = session }, Local)
end

---Takes a line as `session:submit` does, unless something has failed: also what an earlier one left in the
---background.
---@param session nylon_ring.repl.Session
---@param text string
---@param done fun()
function M.submit(session, text, done)
    if session.has_failed then
        return done()
    end
    session:submit(text, done)
end

---@async
function Local:run(text)
    nr.await(function(resume)
        M.submit(self.session, text, resume)
    end)
    return not self.session.has_failed
end

---@async
function Local:wait()
    self.session:wait()
    return not self.session.has_failed
end

---A session whose output is read by programs: results go one way, errors and log lines another.
---@param options { write: fun(text: string), write_err: fun(text: string), json?: boolean,
---  on_quit: fun(code: integer) }
---@return nylon_ring.repl.Session
function M.session(options)
    local session = sessions.new {
        write = options.write,
        write_err = options.write_err,
        color = false,
        out = require(options.json and "nylon_ring.repl.json_result" or "nylon_ring.repl.plain_result"),
        on_quit = options.on_quit,
    }
    session.settings.frames = math.huge -- whoever reads them can count
    return session
end

---Writes errors and log lines where those of a program go, after what its output still holds.
---@param text string
function M.write_err(text)
    io.stdout:flush()
    io.stderr:write(text)
end

---Writes results.
---@param text string
function M.write(text)
    io.stdout:write(text)
    io.stdout:flush()
end

---The lines that are to be run: those given, else standard input.
---@param given string[]
---@return { line: (fun(self): string|nil, string|nil), close: fun() }
function M.lines(given)
    if #given == 0 then
        return input.open "-"
    end
    local index = 0
    return {
        line = function()
            index = index + 1
            return given[index]
        end,
        close = function() end,
    }
end

---Runs one entry of a session to its end, also what it made.
---@async
---@param session nylon_ring.repl.Session
---@param text string
function M.run(session, text)
    nr.await(function(resume)
        session:submit(text, resume)
    end)
end

---Tells why not all lines were run: on standard error, and where results are JSON as an object as well.
---@param who string
---@param err string
---@param as_json boolean|nil
function M.tell(who, err, as_json)
    if as_json then
        print(json.object { { "error", "error" }, { "message", err } })
    end
    say.error(who, err)
end

-- The first line without what marks a file as UTF-8, or as a script.
local function without_marks(line)
    return line and (line:gsub("^\239\187\191", ""):gsub("^#!.*", ""))
end

---Runs all lines, and waits for what they left in the background.
---@async
---@param target nylon_ring.repl.Target
---@param lines { line: (fun(self): string|nil, string|nil) }
---@return boolean ok
---@return string|nil err
function M.run_all(target, lines)
    local kept
    local line, unreadable = lines:line()
    line = without_marks(line)
    while line do
        local text = kept and kept .. "\n" .. line or line
        if evaluate.is_incomplete(text) then
            kept = text
        else
            kept = nil
            if not target:run(text) then
                return false
            end
        end
        line, unreadable = lines:line()
    end
    if unreadable then
        return false, ("the input can not be read: %s"):format(unreadable)
    elseif kept then
        return false, ("the last line is unfinished: %s"):format(kept:match "[^\n]*$")
    end
    return target:wait()
end

return M
