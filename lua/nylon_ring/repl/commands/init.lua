-- The commands of a session: words that begin with a colon. Each is a table with its name, its arguments
-- in words, what it does, an example, and `run(session, rest)`, which may suspend and calls `fail` for what
-- is wrong.

local help = require "nylon_ring.repl.help"
local text = require "nylon_ring.io.text"

local M = {}

---@class nylon_ring.repl.Command
---@field name string
---@field args? string what follows the name; what may lack is in brackets
---@field help string
---@field example? string
---@field more? string further lines for `:help NAME`
---@field completes? "file"|"plugin"|"inspected"|"setting"|"topic"|"task"|"trace"
---@field run fun(session: nylon_ring.repl.Session, rest: string)

---@type table<string, nylon_ring.repl.Command>
local by_name = {}
---@type nylon_ring.repl.Command[] in the order that `:help` shows
M.list = {}

---@param command nylon_ring.repl.Command
function M.add(command)
    if by_name[command.name] then
        for index, each in ipairs(M.list) do
            if each.name == command.name then
                table.remove(M.list, index)
                break
            end
        end
    end
    by_name[command.name] = command
    table.insert(M.list, command)
end

---@param name string
---@return nylon_ring.repl.Command|nil
function M.get(name)
    return by_name[name]
end

---The names of all commands, those of the terminal too.
---@return string[]
function M.names()
    local names = {}
    for _, command in ipairs(help.terminal) do
        table.insert(names, command.name)
    end
    for name in pairs(by_name) do
        table.insert(names, name)
    end
    table.sort(names)
    return names
end

---Finds the command that a line means.
---@param session nylon_ring.repl.Session
---@param line string
---@return fun()|nil run
---@return string|nil err
function M.find(session, line)
    local name, rest = line:match "^%s*:%s*([%w_-]*)%s*(.-)%s*$"
    local command = by_name[name]
    if command and rest == "" and command.args and command.args:sub(1, 1) ~= "[" then
        return nil, (":%s takes %s, as in %s"):format(name, command.args, command.example)
    elseif command then
        return function()
            command.run(session, rest)
        end
    end
    for _, each in ipairs(help.terminal) do
        if each.name == name then
            return nil, (":%s is for terminals at which lines are edited"):format(name)
        end
    end
    if name == "" then
        return nil, "a colon begins a command. :help lists them all."
    end
    local near = text.nearest(name, M.names())
    local meant = near and (" Did you mean :%s?"):format(near) or ""
    return nil, ("there is no command :%s.%s :help lists them all."):format(name, meant)
end

for _, group in ipairs { "talk", "plugins", "trace", "tasks", "measure", "files" } do
    for _, command in ipairs(require("nylon_ring.repl.commands." .. group)) do
        M.add(command)
    end
end

return M
