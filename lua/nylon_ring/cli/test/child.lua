--- One spec file in a process of its own: starts it, keeps what it writes, and makes a list of what became of
--- its specs out of the events that it tells.
local cjson = require "cjson"
local nr = require "nylon_ring"
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

---@class nylon_ring.cli.Problem
---@field kind "failure"|"error"|"pending"
---@field within string the descriptor of what it was in; "it" for specs
---@field name? string
---@field message? string
---@field trace? table

---@class nylon_ring.cli.SpecRecord
---@field path string[] the names of its blocks
---@field name string
---@field status? string
---@field duration? number
---@field seed? integer
---@field trace table
---@field problems nylon_ring.cli.Problem[]

---@class nylon_ring.cli.FileRecord
---@field specs nylon_ring.cli.SpecRecord[]
---@field problems nylon_ring.cli.Problem[] outside of specs
---@field finished boolean every spec had its turn
---@field plugins string[] that were loaded last
---@field loading? string path of one that was about to be
---@field out string
---@field err string

local on = {}

function on.load(record, event)
    record.loading = event.path
end

function on.start(record, event)
    record.plugins, record.loading = event.plugins, nil
    record.spec = { path = event.path, name = event.name, trace = event.trace or {}, problems = {} }
    table.insert(record.specs, record.spec)
end

function on.problem(record, event)
    local spec = (event.within == "it" or event.within == "pending") and record.specs[#record.specs]
    table.insert(spec and spec.problems or record.problems, event)
end

on["end"] = function(record, event)
    local spec = record.spec
    if not spec then
        return
    end
    spec.status, spec.duration, spec.seed = event.status, event.duration, event.seed
    record.spec = nil
end

function on.exit(record)
    record.finished = true
end

local function read_events(text, record)
    for line in text:gmatch "[^\n]+" do
        local ok, event = pcall(cjson.decode, line)
        if ok then -- the last line of one that crashed may be torn
            on[event.event](record, event)
        end
    end
end

local function quoted(names)
    return "'" .. table.concat(names, "', '") .. "'"
end

local function full_name(spec)
    local names = { unpack(spec.path) }
    table.insert(names, spec.name)
    return table.concat(names, " ")
end

-- What it was doing at its end: " in the spec 'x', with the plugin 'y' loaded"; or what the process itself
-- has said of its end (src/host/crash.c).
local function circumstances(record)
    local text = record.spec and (" in the spec '%s'"):format(full_name(record.spec)) or ""
    local culprit = record.err:match "%f[^%z\n]nylon%-ring: (plugin '[^\n]-' crashed: [^\n]*)"
    if culprit then
        return ("%s: %s"):format(text, culprit)
    elseif #record.plugins > 0 then
        text = ("%s, with the plugin%s %s loaded"):format(text, #record.plugins > 1 and "s" or "",
            quoted(record.plugins))
    end
    if record.loading then
        text = ("%s; the last to be loaded was %s"):format(text, record.loading)
    end
    return text
end

--- Why a process has not told of its end, in words; nil where all is told.
local function premature(child, record, limit)
    if child.late then
        return ("the process of this file did not end within %d ms (--file-timeout) and was killed%s"):format(
            limit, circumstances(record))
    elseif child.signal ~= 0 then
        return ("the process of this file was ended by %s%s"):format(
            signal_names[child.signal] or "signal " .. child.signal, circumstances(record))
    elseif not record.finished then
        return ("the process of this file left early with exit code %d%s"):format(
            child.code, circumstances(record))
    elseif child.code ~= 0 and not record.failed then
        return ("the process of this file left with exit code %d, though no spec failed"):format(child.code)
    end
end

-- An early end is a failure of the file, and not another one of the spec that it was in.
local function note_end(record, message)
    if not message then
        return
    end
    local unfinished = record.spec and table.remove(record.specs)
    table.insert(record.problems, {
        kind = "error",
        within = "file",
        message = message,
        trace = unfinished and unfinished.trace,
    })
end

local function note_failures(record)
    record.failed = #record.problems > 0
    for _, spec in ipairs(record.specs) do
        record.failed = record.failed or spec.status ~= "success" and spec.status ~= "pending"
    end
end

local function read(child, pipe, into)
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
            child[into] = child[into] .. data
        else
            close()
        end
    end)
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

local function start(words, cwd)
    local out, err, events = uv.new_pipe(false), uv.new_pipe(false), uv.new_pipe(false)
    local child = { out = "", err = "", events = "", open = 0, closers = {}, changed = function() end }
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
    assert(child.process, why)
    read(child, out, "out")
    read(child, err, "err")
    read(child, events, "events")
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

--- Runs one file to its end.
---@async
---@param words string[] of `nylon-ring test`
---@param cwd string
---@param limit integer milliseconds; 0: none
---@return nylon_ring.cli.FileRecord
function M.run(words, cwd, limit)
    local child = start(words, cwd)
    local ok, err = pcall(await_end, child, limit)
    close(child)
    if not ok then
        error(err, 0)
    end
    local record = { specs = {}, problems = {}, plugins = {}, finished = false }
    record.out, record.err = child.out, child.err
    read_events(child.events, record)
    note_failures(record)
    note_end(record, premature(child, record, limit))
    return record
end

return M
