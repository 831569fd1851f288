-- Searching the history backwards (Ctrl-R): each key refines the search, Ctrl-R goes on to the next
-- older entry, Ctrl-G gives up, Escape takes the entry that was found, and so does any other key, which is
-- then used on it.

local M = {}

---@class nylon_ring.repl.Search
---@field text string
---@field failed boolean
---@field found? string
---@field at? integer where in `found` the text begins
---@field private _history nylon_ring.repl.History
---@field private _index integer
local Search = {}
Search.__index = Search

---@param history nylon_ring.repl.History
---@return nylon_ring.repl.Search
function M.new(history)
    local search = { text = "", failed = false, _history = history, _index = #history.entries + 1 }
    return setmetatable(search, Search)
end

function Search:_look(from)
    local index, at = self._history:search(self.text, from)
    self.failed = index == nil
    if index then
        self._index, self.found, self.at = index, self._history.entries[index], at
    end
end

---Uses one key. "search": it goes on; "take": the entry is taken, and the key is then used on it; "cancel":
---the line is as it was.
---@param key string
---@return "search"|"take"|"cancel"
function Search:key(key)
    local byte = key:byte()
    if key == "\18" then
        self:_look(self._index - 1)
    elseif key == "\7" then
        return "cancel"
    elseif byte == 127 or byte == 8 then
        self.text = self.text:gsub("[^\128-\191][\128-\191]*$", "")
        self:_look(self._index)
    elseif byte < 32 then
        return "take"
    else
        self.text = self.text .. key
        self:_look(self._index)
    end
    return "search"
end

---What stands in place of the prompt.
---@return string
function Search:prompt()
    return ("(%ssearch)'%s': "):format(self.failed and "failed " or "", self.text)
end

return M
