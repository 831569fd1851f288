-- What was entered before: at most 10,000 entries, the latest last, each kept once, in a file that
-- several programs may add to at the same time.
--
-- One line of the file is one entry; its line ends and backslashes are escaped. An entry is added by one
-- locked write at the end; while another program holds the lock it waits for the next entry, or the end.
-- The file is written anew (beside, then renamed) when it holds twice as many as are kept.

local locked = require "nylon_ring.repl.locked"
local uv = require "luv"

local M = {}

local LIMIT = 10000
local MODE = tonumber("600", 8)
local TRIES, LAST_TRIES = 5, 200 -- to lock the file, a millisecond each

---@class nylon_ring.repl.History
---@field path? string nil: not kept
---@field entries string[]
---@field private _unsaved string lines that are not in the file yet
---@field private _unread? string why the file could not be read
local History = {}
History.__index = History

local function escape(entry)
    return (entry:gsub("[\\\n]", { ["\\"] = "\\\\", ["\n"] = "\\n" }))
end

local function unescape(line)
    return (line:gsub("\\(.)", function(char)
        return char == "n" and "\n" or char
    end))
end

-- The latest of equal entries, and no more than are kept.
local function distinct(list)
    local seen, kept = {}, {}
    for index = #list, 1, -1 do
        if not seen[list[index]] then
            seen[list[index]] = true
            table.insert(kept, list[index])
            if #kept == LIMIT then
                break
            end
        end
    end
    local entries = {}
    for index = #kept, 1, -1 do
        table.insert(entries, kept[index])
    end
    return entries
end

-- None, and why, where the file is there and can not be read.
local function read_entries(path)
    if not uv.fs_stat(path) then
        return {}
    end
    local file, err = io.open(path, "rb")
    local content
    if file then
        content, err = file:read "*a" -- a folder can be opened, and not be read
        file:close()
    end
    local list = {}
    for line in (content or ""):gmatch "[^\n]+" do
        table.insert(list, unescape(line))
    end
    return list, not content and err or nil
end

local function make_folder(path)
    local folder = path:match "^(.*)/[^/]*$"
    if folder and folder ~= "" and not uv.fs_stat(folder) then
        make_folder(folder)
        uv.fs_mkdir(folder, tonumber("700", 8))
    end
end

-- Answers what of it could not be written, and why.
local function write(fd, content)
    local written, err = uv.fs_write(fd, content, -1)
    written = written or 0
    if written < #content then
        return content:sub(written + 1), err or "there is no room for all of it"
    end
    return "", nil
end

local function rewrite(path)
    local fd = locked.open(path, TRIES)
    if not fd then
        return
    end
    local list, err = read_entries(path)
    if err then
        uv.fs_close(fd)
        return
    end
    local lines = {}
    for _, entry in ipairs(distinct(list)) do
        table.insert(lines, escape(entry) .. "\n")
    end
    local beside = ("%s.%d"):format(path, uv.os_getpid())
    local out = uv.fs_open(beside, "w", MODE)
    if out then
        local rest = write(out, table.concat(lines))
        uv.fs_close(out)
        if rest ~= "" or not uv.fs_rename(beside, path) then
            uv.fs_unlink(beside)
        end
    end
    uv.fs_close(fd)
end

---`$XDG_STATE_HOME/nylon-ring/history`, by default below `~/.local/state`; nil without a home.
---@return string|nil
function M.default_path()
    local state = os.getenv "XDG_STATE_HOME"
    if not state or state:sub(1, 1) ~= "/" then
        local home = os.getenv "HOME"
        state = home and home .. "/.local/state"
    end
    return state and state .. "/nylon-ring/history"
end

---Opens a history.
---@param path? string nil: one that is forgotten at the end
---@return nylon_ring.repl.History
function M.open(path)
    local list, err = {}, nil
    if path then
        list, err = read_entries(path)
    end
    if #list > 2 * LIMIT then
        rewrite(path)
    end
    return setmetatable({ path = path, entries = distinct(list), _unsaved = "", _unread = err }, History)
end

---Adds an entry, unless it is empty or begins with a space. Answers why the file does not serve.
---@param entry string
---@return string|nil err
function History:add(entry)
    if entry:match "^%s" or entry == "" or entry == self.entries[#self.entries] then
        return
    end
    for index = #self.entries, 1, -1 do
        if self.entries[index] == entry then
            table.remove(self.entries, index)
            break
        end
    end
    table.insert(self.entries, entry)
    if #self.entries > LIMIT then
        table.remove(self.entries, 1)
    end
    if self.path then
        self._unsaved = self._unsaved .. escape(entry) .. "\n"
        return self:_save(TRIES) or self._unread
    end
end

function History:_save(tries)
    make_folder(self.path)
    local fd, err = locked.open(self.path, tries)
    if not fd then
        return err
    end
    self._unsaved, err = write(fd, self._unsaved)
    uv.fs_close(fd)
    return err
end

---Ends: what could not be added before is tried once more. Answers why it is not in the file.
---@return string|nil err
function History:close()
    if self._unsaved ~= "" then
        return self:_save(LAST_TRIES)
    end
end

---The latest entry before `from` that contains a text; its index and where in it the text begins.
---@param text string plain
---@param from integer
---@return integer|nil index
---@return integer|nil at
function History:search(text, from)
    for index = math.min(from, #self.entries), 1, -1 do
        local at = self.entries[index]:find(text, 1, true)
        if at then
            return index, at
        end
    end
end

return M
