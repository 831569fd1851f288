--- One spec file in a process of its own: starts it, keeps what it writes, and says what became of it.
local nr = require "nylon_ring"
local record = require "nylon_ring.cli.test.record"
local uv = require "luv"

local M = {}

-- How long a process is waited for that should have ended by itself at the file's limit.
local GRACE = 2000

-- How long what it has started may keep its output open after its end.
local DRAIN = 500

local aliases = { SIGIOT = "SIGABRT", SIGCLD = "SIGCHLD", SIGPOLL = "SIGIO" }
local signal_names = {}
for name, number in pairs(uv.constants) do
    if name:match "^SIG%u" and not aliases[name] then
        signal_names[number] = name
    end
end

--- Why a process has not told of its end, in words; nil where all is told.
local function premature(child, told, limit)
    if child.late then
        return ("the process of this file did not end within %d ms (--file-timeout) and was killed%s"):format(
            limit, told:circumstances())
    elseif child.signal ~= 0 then
        return ("the process of this file was ended by %s%s"):format(
            signal_names[child.signal] or "signal " .. child.signal, told:circumstances())
    elseif not told.finished then
        return ("the process of this file left early with exit code %d%s"):format(
            child.code, told:circumstances())
    elseif child.code ~= 0 and not told:failed() then
        return ("the process of this file left with exit code %d, though no spec failed"):format(child.code)
    end
end

-- Reads a pipe to its end; `take` gets what comes.
local function read(child, pipe, take)
    child.open = child.open + 1
    local closed
    local function close()
        if not closed then
            closed = true
            pipe:close()
            child.open = child.open - 1
            child.changed()
        end
    end
    table.insert(child.closers, close)
    pipe:read_start(function(_, data)
        if data then
            take(data)
        else
            close()
        end
    end)
end

-- Collects what a pipe brings. A list: a file may print a lot.
local function collect(child, pipe)
    local pieces = {}
    read(child, pipe, function(data)
        table.insert(pieces, data)
    end)
    return pieces
end

local function environment()
    local list = {}
    for name, value in pairs(uv.os_environ()) do
        if name ~= "NYLON_RING_TEST_EVENTS" then
            table.insert(list, name .. "=" .. value)
        end
    end
    table.insert(list, "NYLON_RING_TEST_EVENTS=3")
    return list
end

local function start(words, cwd, told)
    local out, err, events = uv.new_pipe(false), uv.new_pipe(false), uv.new_pipe(false)
    local child = { open = 0, closers = {}, changed = function() end }
    local why
    child.process, why = uv.spawn(uv.exepath(), {
        args = words,
        stdio = { 0, out, err, events },
        env = environment(),
        cwd = cwd,
    }, function(code, signal)
        child.code, child.signal = code, signal
        child.process:close()
        child.changed()
    end)
    if not child.process then
        for _, pipe in ipairs { out, err, events } do
            pipe:close()
        end
        return nil, why
    end
    child.out, child.err = collect(child, out), collect(child, err)
    read(child, events, function(data)
        told:feed(data)
    end)
    return child
end

local function await(child, done)
    nr.await(function(resume)
        child.changed = function()
            if done() then
                child.changed = function() end
                resume()
            end
        end
        child.changed()
        return function() end
    end)
end

local function await_end(child, limit)
    local function ended()
        return child.code ~= nil
    end
    if limit > 0 then
        local _, late = nr.timeout(limit + GRACE, await, child, ended)
        if late then
            child.late = true
            child.process:kill "sigkill"
        end
    end
    await(child, ended)
    nr.timeout(DRAIN, await, child, function()
        return child.open == 0
    end)
end

local function close(child)
    child.changed = function() end
    if not child.code then
        child.process:kill "sigterm"
    end
    for _, closer in ipairs(child.closers) do
        closer()
    end
end

local function finish(child, told, limit)
    await_end(child, limit)
    told.out, told.err = table.concat(child.out), table.concat(child.err)
    return premature(child, told, limit)
end

--- Runs one file to its end.
---@async
---@param words string[] of `nylon-ring test`
---@param cwd string
---@param limit integer milliseconds; 0: none
---@return nylon_ring.cli.FileRecord
function M.run(words, cwd, limit)
    local told = record.new()
    local child, why = start(words, cwd, told)
    if not child then
        told:note_end("the process of this file could not be started: " .. why)
        return told
    end
    local ok, message = pcall(finish, child, told, limit)
    close(child)
    if not ok then
        error(message, 0)
    elseif message then
        told:note_end(message)
    end
    return told
end

return M
