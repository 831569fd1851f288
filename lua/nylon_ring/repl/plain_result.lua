-- How results are told to people without a terminal: errors apart from the rest.

local result = require "nylon_ring.repl.result"

local M = setmetatable({}, { __index = result })

function M.show_error(session, err, traceback)
    result.show_error({
        paint = session.paint,
        settings = session.settings,
        write = function(_, text)
            session.write_err(text)
        end,
    }, err, traceback)
end

return M
