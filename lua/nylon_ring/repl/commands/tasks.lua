-- Commands about what runs: tasks, calls in flight, streams that take input.

local fail = require "nylon_ring.repl.fail"
local nr = require "nylon_ring"
local result = require "nylon_ring.repl.result"
local streams = require "nylon_ring.repl.streams"
local text = require "nylon_ring.io.text"

local function entry_of(session, id)
    local job = session.jobs[id]
    return job and job.text:gsub("%s+", " ") or nil
end

local function age(info)
    if not info.since then
        return ""
    end
    return info.since < 1 and "just now" or ("since %s"):format(text.time(info.since * 1e6))
end

local function list_tasks(session)
    local current, shown = nr.current(), false
    for _, info in ipairs(nr.tasks()) do
        if info.task ~= current and not info.task._own then
            shown = true
            local awaits = info.awaits and ("awaits %s %s"):format(info.awaits, age(info)) or info.status
            session:write(("%s %s: %s\n"):format(session.paint("name", ("[%d]"):format(info.id)),
                entry_of(session, info.id) or info.name, (awaits:gsub(" $", ""))))
            for _, frame in ipairs(result.own_frames(info.task:traceback())) do
                session:write(session.paint("dim", "      " .. frame) .. "\n")
            end
        end
    end
    if not shown then
        session:write "nothing runs\n"
    end
end

-- Open streams that globals hold and nobody waits for; where others are is not known.
local function held_streams(awaited)
    local rows = {}
    for name, value in next, _G do
        local sid = streams.is_stream(value) and value:_probe()() and value:sid()
        if sid and not awaited[sid] then
            local target, frames = value:_progress()
            table.insert(rows, { tostring(name), ("%s %s"):format(value.plugin.name, target), "sid " .. sid,
                text.plural(frames, "frame") .. " read", "held by a variable" })
        end
    end
    table.sort(rows, function(a, b)
        return a[1] < b[1]
    end)
    return rows
end

local function list_calls(session)
    local rows, awaited = {}, {}
    for _, info in ipairs(nr.tasks()) do
        if info.sid then
            awaited[info.sid] = true
            table.insert(rows, { ("[%d]"):format(info.id), info.awaits, "sid " .. info.sid, age(info),
                entry_of(session, info.id) or info.name })
        end
    end
    for _, row in ipairs(held_streams(awaited)) do
        table.insert(rows, row)
    end
    local flying = {}
    for _, plugin in ipairs(nr.plugins()) do
        local count = tonumber(plugin:stats().in_flight)
        if count > 0 then
            table.insert(flying, ("%s %d"):format(plugin.name, count))
        end
    end
    session:write(#rows > 0 and text.columns(rows) .. "\n" or "")
    if #flying > 0 then
        session:write(("in flight: %s\n"):format(table.concat(flying, ", ")))
    elseif #rows == 0 then
        session:write "no call is in flight\n"
    end
end

local function cancel(session, rest)
    local id = tonumber(rest)
    for _, info in ipairs(nr.tasks()) do
        if info.id == id and not info.task._own then
            if not info.task:cancel "cancelled by hand" then
                fail("task %d is done already", id)
            elseif session.jobs[id] then
                session.jobs[id].ends_quietly = true
            end
            session:write(("task %d is being cancelled\n"):format(id))
            return
        end
    end
    fail("no task has the number '%s'; :tasks lists them", rest)
end

local function stream_of(session, word)
    local stream = session.streams[tonumber(word)]
    if not stream then
        fail("no stream is shown as '%s'; start one with & at the end of the line", word)
    end
    return stream, session.jobs[tonumber(word)].entry.record
end

local function send(session, rest)
    local word, data = rest:match "^(%S*)%s?(.*)$"
    local stream, record = stream_of(session, word)
    local ok, err = stream:send(data)
    if not ok then
        fail("%s", tostring(err))
    end
    session.notes:add { kind = "send", of = record, data = data }
end

local function close(session, rest)
    local stream, record = stream_of(session, rest)
    local ok, err = stream:finish()
    if not ok and err then
        fail("%s", tostring(err))
    end
    session.notes:add { kind = "finish", of = record }
end

return {
    { name = "tasks", example = ":tasks", run = list_tasks,
        help = "list tasks: what each awaits, since when, and its stack" },
    { name = "calls", help = "list the calls in flight", example = ":calls", run = list_calls },
    { name = "cancel", args = "ID", completes = "task", help = "cancel a task and what it made",
        example = ":cancel 3", run = cancel },
    { name = "send", args = "ID TEXT", completes = "task", example = ":send 3 hello", run = send,
        help = "send a frame into a stream that is shown" },
    { name = "close", args = "ID", completes = "task", example = ":close 3", run = close,
        help = "tell a stream that is shown that no more input comes" },
}
