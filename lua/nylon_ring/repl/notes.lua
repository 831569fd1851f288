-- What a session has done, for `:save` and `:spec`: repl/record.lua writes it down.

local errors = require "nylon_ring.errors"
local uv = require "luv"

local M = {}

local ROOM = 16 * 1024 * 1024 -- bytes of answers and frames that are kept

---@class nylon_ring.repl.Notes
---@field records nylon_ring.repl.Record[]
---@field room integer bytes of answers and frames that may still be kept
local Notes = {}
Notes.__index = Notes

---@return nylon_ring.repl.Notes
function M.new()
    return setmetatable({ records = {}, room = ROOM }, Notes)
end

---Notes what a command did.
---@param record nylon_ring.repl.Record
function Notes:add(record)
    table.insert(self.records, record)
end

---Notes Lua that is going to run; the record is the entry's from then on.
---@param entry nylon_ring.repl.Entry
function Notes:begin(entry)
    entry.record = {
        kind = entry.expression and "expression" or "statement",
        code = entry.code,
        head = entry.head ~= "" and entry.head or nil,
        background = entry.background or nil,
    }
    self:add(entry.record)
end

---Notes what an expression came to.
---@param record nylon_ring.repl.Record
---@param kind nylon_ring.repl.Kind
---@param values { n: integer }
function Notes:came(record, kind, values)
    local first, second = values[1], values[2]
    record.values = values.n
    if kind == "failure" then
        record.refused = true
        record.failure = errors.is(second) and second.code or nil
    elseif kind == "answer" then
        record.answer = { status = first, body = self:fits(#second) and second or nil }
    end
end

---Notes that Lua has run to its end. What was begun in the background was done here: lines that were entered
---meanwhile may have been for it, and later ones may rest on it.
---@param record nylon_ring.repl.Record
---@param start number nanoseconds
function Notes:done(record, start)
    record.took = (uv.hrtime() - start) / 1e6
    if record.background then
        self:add { kind = "done", of = record }
    end
end

---Takes room for what came, where there is any.
---@param bytes integer
---@return boolean
function Notes:fits(bytes)
    local fits = bytes <= self.room
    self.room = fits and self.room - bytes or self.room
    return fits
end

---Forgets all that was noted.
function Notes:forget()
    self.records = {}
end

return M
