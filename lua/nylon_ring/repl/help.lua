-- What `:help` tells.

local fail = require "nylon_ring.repl.fail"
local text = require "nylon_ring.io.text"

local M = {}

M.topics = {
    values = [[
An expression shows its values. `_1`, `_2` ... are the values of the last expression, `_` is what it
was about: the body of an answer, else the first value. `_err` is the last error. A `;` at the end
silences, values are kept. The first `local` of a line makes a name that later lines see as well.]],
    await = [[
A call suspends the line, not the program: timers, streams and background lines go on. An `&` at the
end of a line sends it to the background at once, Ctrl-Z while it runs; its result is shown above
the line being edited. :tasks tells what runs, :cancel ends it, Ctrl-C cancels what runs in the
foreground.]],
    streams = [[
A line that answers a stream shows it as it comes: number, time since the last frame, size. Of one
that is too fast to be read, frames are left out; `:set frames all` shows all. Ctrl-C cancels it. With
`&` it is shown above the line being edited, and takes input by `:send ID TEXT` and `:close ID`. A
stream that is assigned is not read: `s = echo:call_stream "/stream"`, then `s:recv()`.]],
    keys = [[
Tab completes, Ctrl-R searches the history, Up and Down walk through it. An unfinished line goes on
in the next one; Alt-Enter begins a new one anywhere. Ctrl-C drops the line, Ctrl-L clears the
screen, Ctrl-W, Ctrl-U and Ctrl-K kill, Ctrl-Y yanks, Ctrl-_ takes the last change back. Ctrl-D on an
empty line leaves, and so does Ctrl-C twice. A line that begins with a space is not kept in the
history.]],
}

-- Commands of the terminal itself, which a session does not see.
M.terminal = {
    { name = "edit", args = "[N[..M]]", example = ":edit 3..7",
        help = "write the next line in $EDITOR",
        more = "It begins with the last line, or with entries of the history." },
    { name = "history", args = "[N|N..M]", help = "show the last N entries (20), or those from N to M",
        example = ":history 5" },
}

local function usage(command)
    return ":" .. command.name .. (command.args and " " .. command.args or "")
end

local function list(session, commands)
    local rows = {}
    for _, command in ipairs(commands.list) do
        table.insert(rows, { usage(command), command.help })
    end
    for _, command in ipairs(M.terminal) do
        table.insert(rows, { usage(command), command.help })
    end
    session:write(text.columns(rows) .. "\n")
    local topics = {}
    for topic in pairs(M.topics) do
        table.insert(topics, topic)
    end
    table.sort(topics)
    session:write(("Topics: %s. Everything else is Lua.\n"):format(table.concat(topics, ", ")))
end

local function find(topic, commands)
    for _, command in ipairs(M.terminal) do
        if command.name == topic then
            return command
        end
    end
    return commands.get(topic)
end

---@param session nylon_ring.repl.Session
---@param topic string
---@param commands table
function M.show(session, topic, commands)
    topic = topic:gsub("^:", "")
    if topic == "" then
        return list(session, commands)
    elseif M.topics[topic] then
        return session:write(M.topics[topic] .. "\n")
    end
    local command = find(topic, commands)
    if not command then
        local names = commands.names()
        for name in pairs(M.topics) do
            table.insert(names, name)
        end
        local near = text.nearest(topic, names)
        fail("there is no help on %s%s", topic, near and ("; did you mean %s?"):format(near) or "")
    end
    session:write(("%s\n  %s\n"):format(usage(command), command.help))
    if command.more then
        session:write("  " .. command.more:gsub("\n", "\n  ") .. "\n")
    end
    if command.example then
        session:write(("  for example: %s\n"):format(command.example))
    end
end

return M
