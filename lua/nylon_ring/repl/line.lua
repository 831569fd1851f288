-- The line that is edited: what each key does to it. Most of that is done by the editor; this adds what looks
-- beyond the line, which are the history, searching in it, and what the line was before.

local evaluate = require "nylon_ring.repl.evaluate"
local searches = require "nylon_ring.repl.search"
local undos = require "nylon_ring.repl.undo"
local walks = require "nylon_ring.repl.walk"

local M = {}

---@class nylon_ring.repl.Line
---@field private _editor nylon_ring.Editor
---@field private _history nylon_ring.repl.History
---@field private _walk nylon_ring.repl.Walk
---@field private _undo? nylon_ring.repl.Undo of the line that has begun and not ended
---@field private _search? nylon_ring.repl.Search
local Line = {}
Line.__index = Line

---@param editor nylon_ring.Editor
---@param history nylon_ring.repl.History
---@return nylon_ring.repl.Line
function M.new(editor, history)
    return setmetatable({ _editor = editor, _history = history }, Line)
end

---Begins another line.
---@param text string that stands there at first
function Line:begin(text)
    self._walk, self._undo = walks.new(self._history), undos.new()
    self._editor:set(text)
end

---Ends it.
---@return string text
function Line:finish()
    self._undo = nil
    return self:text()
end

---@return string
function Line:text()
    local before, after = self._editor:line()
    return before .. after
end

---@return boolean
function Line:is_empty()
    return not self._search and self:text() == ""
end

---Whether it may be entered; where it is unfinished, wherever the cursor stands, another row begins in place
---of that.
---@return boolean
function Line:accept()
    local goes_on = evaluate.is_incomplete(self:text())
    if goes_on then
        self._editor:insert "\n"
    end
    return not goes_on
end

-- What was found, up to the end of what was searched for, and the rest.
local function split_found(search)
    local cut = search.at + #search.text - 1
    return search.found:sub(1, cut), search.found:sub(cut + 1)
end

---What is to be shown of it.
---@return string|nil prompt nil: the usual one
---@return string before the cursor
---@return string after
function Line:shown()
    local search = self._search
    if search and search.found then
        return search:prompt(), split_found(search)
    end
    return search and search:prompt(), self._editor:line()
end

-- Inserts what all candidates have in common; where that is nothing new it answers them, for people.
function Line:_take_completion(before, found)
    local typed = before:sub(found.start)
    if found.common ~= typed then
        self._editor:erase(select(2, typed:gsub("[^\128-\191]", "")))
        self._editor:insert(found.common .. (found.only and found.suffix or ""))
    elseif found.only then
        self._editor:insert(found.suffix or "")
    else
        return found.listing
    end
end

---Completes what stands before the cursor. Calls `show` when that is done, with the candidates where there
---are several.
---@param backend nylon_ring.repl.Backend
---@param show fun(listing?: string)
function Line:complete(backend, show)
    local undo, before, after = self._undo, self._editor:line()
    if before:match "^%s*$" or before:match "\n[ \t]*$" then
        return self._editor:insert "    "
    end
    backend:complete(before, function(found)
        if not found or self._undo ~= undo then
            return
        end
        local now, rest = self._editor:line()
        if now == before and rest == after then
            show(self:_take_completion(before, found))
        end
    end)
end

---Gives up searching.
function Line:end_search()
    self._search = nil
end

-- ---- Keys ---------------------------------------------------------------------------------------

local on = {}

function on.undo(self)
    local before, after = self._undo:back()
    if before then
        self._editor:set(before, after)
    end
end

function on.search(self)
    self._search = searches.new(self._history)
end

function on.paste(self, text)
    self._editor:insert((text:gsub("\r\n?", "\n")))
end

for _, key in ipairs { "up", "down", "first", "last" } do
    on[key] = function(self)
        self._walk[key](self._walk, self._editor)
    end
end

function Line:_take_found()
    if self._search.found then
        self._editor:set(split_found(self._search))
    end
    self:end_search()
end

---@return boolean
function Line:is_searching()
    return self._search ~= nil
end

---Ends searching by Escape, once it is clear that this is not the beginning of another key.
---@return boolean used
function Line:use_escape()
    local used = self:is_searching() and self._editor:take_escape()
    if used then
        self:_take_found()
    end
    return used
end

function Line:_search_key()
    local key = self._editor:key()
    if not key then
        return false
    end
    local outcome = self._search:key(key)
    if outcome == "take" then
        self:_take_found()
        self._editor:put_back()
    elseif outcome == "cancel" then
        self:end_search()
    end
    return true
end

---Uses one key. What is more than editing ("accept", "complete", "redraw", "eof") is for others.
---@generic T
---@param others table<nylon_ring.EditorEvent, fun(owner: T)>
---@param owner T
---@return boolean used false: there is no whole key
function Line:use_key(others, owner)
    if self._search then
        return self:_search_key()
    end
    local undo, before, after = self._undo, self._editor:line()
    local event, text = self._editor:step()
    if on[event] then
        on[event](self, text)
    elseif others[event] then
        others[event](owner)
    end
    if event and event ~= "undo" and self._undo == undo then
        undo:note(before, after, self._editor:line())
    end
    return event ~= nil
end

return M
