-- What an edited line was before its changes (Ctrl-_). Characters that were typed one after the other are one
-- change, by words.

local M = {}

local KEPT = 200

---@class nylon_ring.repl.Undo
---@field private _states { before: string, after: string }[]
---@field private _typing boolean the last change was a character that was typed
local Undo = {}
Undo.__index = Undo

---@return nylon_ring.repl.Undo
function M.new()
    return setmetatable({ _states = {}, _typing = false }, Undo)
end

-- Whether a change has put one character before the cursor; a space begins another word.
local function is_typing(before, after, now, rest)
    return rest == after and now:sub(1, #before) == before
        and now:sub(#before + 1):match "^[^%s%c\128-\191][\128-\191]*$" ~= nil
end

---Notes what a key has made of the line.
---@param before string the line as it was, up to the cursor
---@param after string
---@param now string as it is
---@param rest string
function Undo:note(before, after, now, rest)
    if before .. after == now .. rest then
        self._typing = self._typing and before == now
        return
    end
    local typing = is_typing(before, after, now, rest)
    if not (typing and self._typing) then
        table.insert(self._states, { before = before, after = after })
        if #self._states > KEPT then
            table.remove(self._states, 1)
        end
    end
    self._typing = typing
end

---The line as it was before the last change that was not taken back; nil where there is none.
---@return string|nil before the cursor
---@return string|nil after
function Undo:back()
    local state = table.remove(self._states)
    self._typing = false
    if state then
        return state.before, state.after
    end
end

return M
