--- What the command line says about itself: one line on standard error, with colour on a terminal only.
local uv = require "luv"

local M = {}

--- Whether a file descriptor is a terminal.
---@param fd integer
---@return boolean
function M.is_terminal(fd)
    return uv.guess_handle(fd) == "tty"
end

--- Whether terminals are to be taken for some that know no escape sequences.
---@return boolean
function M.is_dumb()
    local kind = os.getenv "TERM"
    return kind == nil or kind == "" or kind == "dumb"
end

--- Whether colour is welcome there: a terminal, and neither NO_COLOR nor a dumb one.
---@param fd integer
---@return boolean
function M.has_color(fd)
    local refused = os.getenv "NO_COLOR"
    return M.is_terminal(fd) and (refused == nil or refused == "") and not M.is_dumb()
end

--- How many cells a line of standard output has: what COLUMNS says, else its terminal, else 80.
---@return integer
function M.width()
    local width = tonumber(os.getenv "COLUMNS")
    local terminal = not width and M.is_terminal(1) and uv.new_tty(1, false)
    if terminal then
        width = terminal:get_winsize()
        terminal:close()
        uv.run "nowait" -- it is closed by the loop
    end
    return width and width > 0 and width or 80
end

--- Writes `who: text` to standard error. Further lines of `text` (a traceback) follow as they are.
---@param who string the program, or the program and its command
---@param text string
function M.error(who, text)
    io.stdout:flush()
    if M.has_color(2) then
        who = "\27[1;31m" .. who .. "\27[0m"
    end
    io.stderr:write(who, ": ", text, "\n")
end

--- Writes lines to standard error, after what standard output still holds.
---@param text string
function M.plain(text)
    io.stdout:flush()
    io.stderr:write(text, "\n")
end

return M
