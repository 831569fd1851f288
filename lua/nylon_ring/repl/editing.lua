-- Commands of the terminal itself: they work on what is entered, on this side also of a socket.

local text = require "nylon_ring.io.text"
local uv = require "luv"

local M = {}

-- The entries that `N..M` or `N` mean; nil for anything else.
local function range(history, words)
    local first, last = words:match "^(%d+)%s*%.%.%s*(%d+)$"
    first = tonumber(first or words:match "^%d+$")
    if first then
        return math.max(1, first), math.min(#history.entries, tonumber(last) or first)
    end
end

-- Says that the words behind a command mean no entries.
local function refuse(terminal, name, words)
    terminal:write(("error: :%s takes a number, or a range as 3..7, not '%s'\n"):format(name, words))
    terminal:ready()
end

-- `:history`, `:history N` (the last ones) and `:history N..M`.
---@param terminal nylon_ring.repl.Terminal
local function show_history(terminal, rest)
    local entries = terminal.history.entries
    local first, last = range(terminal.history, rest)
    if not first and rest ~= "" then
        return refuse(terminal, "history", rest)
    elseif not rest:find "%.%." then
        first, last = math.max(1, #entries - (tonumber(rest) or 20) + 1), #entries
    end
    for index = first, last do
        terminal:write(("%5d  %s\n"):format(index, (text.plain(entries[index]):gsub("\n", "\n       "))))
    end
    terminal:ready()
end

-- The first of these variables that is set, and not to nothing.
local function setting(...)
    for _, name in ipairs { ... } do
        local value = os.getenv(name)
        if value and value ~= "" then
            return value
        end
    end
end

-- Answers the path of a file with this content and its folder, or nil, err.
local function temporary(content)
    local folder, err = uv.fs_mkdtemp((setting "TMPDIR" or "/tmp") .. "/nylon-ring-XXXXXX")
    if not folder then
        return nil, err
    end
    local path = folder .. "/line.lua"
    local file, why = io.open(path, "wb")
    local written = file and file:write(content)
    if file and file:close() and written then
        return path, folder
    end
    os.remove(path)
    uv.fs_rmdir(folder)
    return nil, why or path .. " can not be written"
end

local function read_back(path, folder)
    local file = io.open(path, "rb")
    local content = file and file:read "*a" or ""
    if file then
        file:close()
    end
    os.remove(path)
    uv.fs_rmdir(folder)
    return (content:gsub("%s+$", ""))
end

-- The line before `:edit` itself, or the entries of the history that were asked for; nil for anything else.
local function entries_for(history, words)
    local first, last = range(history, words)
    if first then
        return table.concat(history.entries, "\n", first, last)
    elseif words ~= "" then
        return nil
    end
    for index = #history.entries, 1, -1 do
        if not history.entries[index]:match "^%s*:edit" then
            return history.entries[index]
        end
    end
    return ""
end

-- Lets the user's editor have the terminal and the file; what is saved is the next line.
---@param terminal nylon_ring.repl.Terminal
local function run_editor(terminal, path, folder)
    local program = setting("VISUAL", "EDITOR") or "vi"
    terminal:take(false)
    local handle, err
    handle, err = uv.spawn("/bin/sh", {
        args = { "-c", program .. ' "$1"', "sh", path },
        stdio = { 0, 1, 2 },
    }, function(code)
        handle:close()
        terminal:take(true)
        local content = read_back(path, folder)
        if code ~= 0 then
            terminal:write(("%s ended with code %d; nothing was taken\n"):format(program, code))
            content = ""
        end
        terminal:ready(content)
    end)
    if not handle then
        terminal:take(true)
        read_back(path, folder)
        terminal:write(("%s can not be started: %s\n"):format(program, err))
        terminal:ready()
    end
end

-- `:edit`, `:edit N` and `:edit N..M`.
---@param terminal nylon_ring.repl.Terminal
local function edit(terminal, rest)
    local entries = entries_for(terminal.history, rest)
    if not entries then
        return refuse(terminal, "edit", rest)
    end
    local path, folder = temporary(entries .. "\n")
    if path then
        return run_editor(terminal, path, folder)
    end
    terminal:write(("error: there is no file to edit: %s; is TMPDIR a folder, and has it room?\n"):format(
        folder))
    terminal:ready()
end

M.commands = { edit = edit, history = show_history }

return M
