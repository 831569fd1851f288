-- What scripts do with the terminal by themselves, while it is the REPL's: what they print goes above the
-- edited line, whether by `print`, `io.write` or a method of the two files; and while they read from it, or
-- run a program, it is theirs, as it was before us.

local say = require "nylon_ring.io.say"

local M = {}

-- luacheck: push ignore 122

local function redirect_output(session, files)
    local shown = { [io.stdout] = say.is_terminal(1), [io.stderr] = say.is_terminal(2) }
    local write_to = files.write
    _G.print = rawget(session.env, "print")
    function files.write(file, ...)
        if not shown[file] then
            return write_to(file, ...)
        end
        session:write(table.concat { ... })
        return true
    end
    function io.write(...)
        return io.output():write(...)
    end
end

local function lend_for_input(terminal, files)
    local read_from, execute = files.read, os.execute
    function files.read(file, ...)
        if file ~= io.stdin then
            return read_from(file, ...)
        end
        return terminal:lend(read_from, file, ...)
    end
    function io.read(...)
        return io.input():read(...)
    end
    function os.execute(command)
        if not command then
            return execute()
        end
        return terminal:lend(execute, command)
    end
end

---Takes these functions over, until what it answers is called.
---@param session nylon_ring.repl.Session
---@param terminal nylon_ring.repl.Terminal
---@return fun() restore
function M.open(session, terminal)
    local files = getmetatable(io.stdout).__index
    local former = { print, io.write, io.read, os.execute, files.write, files.read }
    redirect_output(session, files)
    lend_for_input(terminal, files)
    return function()
        _G.print, io.write, io.read, os.execute, files.write, files.read = unpack(former)
    end
end

-- luacheck: pop

return M
