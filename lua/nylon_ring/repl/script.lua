-- A session as a script (`:save`).

local code = require "nylon_ring.repl.code"
local records = require "nylon_ring.repl.record"

local M = {}

---@type nylon_ring.repl.Style
local script = { run = "dofile(%s)", load = function(_, record)
    return records.load_line(record)
end }

function script.stream(_, _, stream)
    return ("for _, data in %s:frames() do\n    print(data)\nend"):format(code.prefix(stream))
end

function script.expression(writer, record, index)
    local assigned, shown = writer.values:assign(index)
    local before = assigned and assigned .. "\n" or ""
    if record.stream then
        return before .. script.stream(writer, record, shown)
    elseif code.is_statement(record.code) then
        return assigned or record.code
    end
    return before .. ("print(%s)"):format(code.inline(shown))
end

---The lines as a script that runs: `nylon-ring FILE`. Also how many were entered.
---@param list nylon_ring.repl.Record[]
---@return string
---@return integer
function M.write(list)
    local lines = records.lines(list, script)
    local count = 0
    for _, record in ipairs(list) do
        count = count + (record.kind == "done" and 0 or 1)
    end
    return records.modules(lines) .. "\n" .. table.concat(lines, "\n") .. "\n", count
end

return M
