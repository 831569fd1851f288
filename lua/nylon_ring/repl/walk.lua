-- Up and Down on an edited line: inside an entry of several lines the cursor moves by a line; at its first
-- and last one the history is walked.

local M = {}

---@class nylon_ring.repl.Walk
---@field private _entries string[]
---@field private _at integer the entry that is shown; one past the last: what was typed
---@field private _typed? string what was typed before the history was walked
local Walk = {}
Walk.__index = Walk

---@param history nylon_ring.repl.History
---@return nylon_ring.repl.Walk
function M.new(history)
    return setmetatable({ _entries = history.entries, _at = #history.entries + 1 }, Walk)
end

---@param editor nylon_ring.Editor
function Walk:_show(editor, index)
    local entries = self._entries
    if self._at > #entries then
        local before, after = editor:line()
        self._typed = before .. after
    end
    self._at = math.max(1, math.min(index, #entries + 1))
    editor:set(entries[self._at] or self._typed or "")
end

---@param editor nylon_ring.Editor
function Walk:up(editor)
    local before, after = editor:line()
    local head, line = before:match "^(.*)\n([^\n]*)$"
    if not head then
        return self:_show(editor, self._at - 1)
    end
    local start, above = head:match "^(.-)([^\n]*)$"
    local kept = above:sub(1, #line)
    editor:set(start .. kept, above:sub(#kept + 1) .. "\n" .. line .. after)
end

---@param editor nylon_ring.Editor
function Walk:down(editor)
    local before, after = editor:line()
    local rest, below = after:match "^([^\n]*\n)(.*)$"
    if not rest then
        return self:_show(editor, self._at + 1)
    end
    local line = before:match "[^\n]*$"
    local next_line = below:match "^[^\n]*"
    local kept = next_line:sub(1, #line)
    editor:set(before .. rest .. kept, below:sub(#kept + 1))
end

---@param editor nylon_ring.Editor
function Walk:first(editor)
    self:_show(editor, 1)
end

---@param editor nylon_ring.Editor
function Walk:last(editor)
    self:_show(editor, #self._entries + 1)
end

return M
