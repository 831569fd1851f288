-- The sessions of this program that are open: whoever has something for all of them finds them here.

local M = {}

---@type table<nylon_ring.repl.Session, true>
local open = {}

---@param session nylon_ring.repl.Session
function M.add(session)
    open[session] = true
end

---@param session nylon_ring.repl.Session
function M.remove(session)
    open[session] = nil
end

---@param session nylon_ring.repl.Session
---@return boolean
function M.has(session)
    return open[session] ~= nil
end

function M.each()
    return pairs(open)
end

return M
