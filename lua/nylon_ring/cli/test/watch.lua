--- `nylon-ring test --watch`: runs the specs in a process of their own, and again whenever a .lua or .so file
--- below the current folder has changed. Ctrl-C ends it.
local nr = require "nylon_ring"
local process = require "nylon_ring.cli.test.process"
local say = require "nylon_ring.io.say"
local session = require "nylon_ring.cli.session"
local uv = require "luv"

local M = {}

-- How long it has to be quiet after a change: a build writes many files.
local QUIET = 200

-- How long a run has to leave in order, by itself after a Ctrl-C and after SIGTERM: it may have to end
-- processes of its own first.
local MOMENT, LAST = 3000, 1800

-- Folders beyond this are not watched: each one costs the system something.
local MAX_FOLDERS = 4096

local function is_watched(name)
    return name:match "%.lua$" or name:match "%.so$"
end

---@class nylon_ring.cli.Watcher
---@field changed? string the file that changed last, since that was asked for
---@field private _who string
---@field private _handles table<string, userdata> by folder
---@field private _count integer of those
---@field private _is_full? boolean there was no room for another folder
---@field private _on_change? fun()
local Watcher = {}
Watcher.__index = Watcher

function Watcher:_note(path)
    self.changed = path
    if self._on_change then
        self._on_change()
    end
end

-- False where the system has no room for another one, which is said once.
function Watcher:_add(folder)
    local handle = uv.new_fs_event()
    local ok, why = handle:start(folder, {}, function(_, name, events)
        if name then
            self:_look(folder, name, events)
        end
    end)
    if ok then
        self._handles[folder], self._count = handle, self._count + 1
        return true
    end
    handle:close()
    if not self._is_full then
        self._is_full = true
        say.error(self._who, ("changes below '%s' are not seen: %s"):format(folder, why))
    end
    return false
end

--- Watches a folder and those in it, without hidden ones and symbolic links. Where it is new, so are its
--- files; they are looked for when changes are told already.
---@param folder string
---@param is_new? boolean
function Watcher:watch(folder, is_new)
    if self._handles[folder] or self._count >= MAX_FOLDERS or not self:_add(folder) then
        return
    end
    local scan = uv.fs_scandir(folder)
    while scan do
        local name, kind = uv.fs_scandir_next(scan)
        if not name then
            return
        elseif kind == "directory" and name:sub(1, 1) ~= "." then
            self:watch(folder .. "/" .. name, is_new)
        elseif is_new and is_watched(name) then
            self:_note(folder .. "/" .. name)
        end
    end
end

---@return boolean
function Watcher:is_blind()
    return self._count == 0
end

-- Forgets a folder that may be gone, and those in it.
function Watcher:_forget(folder)
    for path, handle in pairs(self._handles) do
        if path == folder or path:sub(1, #folder + 1) == folder .. "/" then
            handle:close()
            self._handles[path], self._count = nil, self._count - 1
        end
    end
end

-- Something was told of a name in a folder. Names that come and go may be folders.
function Watcher:_look(folder, name, events)
    local path = folder .. "/" .. name
    if is_watched(name) then
        self:_note(path)
    elseif events.rename and name:sub(1, 1) ~= "." then
        self:_forget(path)
        local stat = uv.fs_lstat(path)
        if stat and stat.type == "directory" then
            self:watch(path, true)
        end
    end
end

--- Waits until something has changed and it is quiet again; answers a file.
---@async
---@return string
function Watcher:await()
    if not self.changed then
        nr.await(function(resume)
            self._on_change = resume
            return function() end
        end)
        self._on_change = nil
    end
    local file
    repeat
        file, self.changed = self.changed, nil
        nr.sleep(QUIET)
    until not self.changed
    return file
end

function Watcher:close()
    for _, handle in pairs(self._handles) do
        handle:close()
    end
end

-- One run, with our own input and output. It is ended with us.
local function run_once(words, ended_by)
    local run, why = process.start { args = { "test", unpack(words) }, stdio = { 0, 1, 2 } }
    if not run then
        session.fail("the run could not be started: " .. why)
    end
    local ok, err = pcall(run.await_end, run)
    if not ok then
        nr.shield(run.stop, run, ended_by.interrupt and MOMENT or 0, LAST)
        error(err, 0)
    end
end

local function run_again_and_again(who, words, ended_by)
    local watcher = setmetatable({ _who = who, _handles = {}, _count = 0 }, Watcher)
    local _, err = pcall(function()
        watcher:watch "."
        if watcher:is_blind() then
            session.fail "nothing here can be watched"
        end
        while true do
            run_once(words, ended_by)
            say.error(who, "waiting for a change; Ctrl-C ends")
            say.error(who, watcher:await() .. " has changed")
        end
    end)
    watcher:close()
    error(err, 0)
end

---@param who string
---@param words string[] of the runs
---@return integer code
function M.run(who, words)
    local ended_by = {}
    return session.run(who, function()
        run_again_and_again(who, words, ended_by)
    end, {
        on_signal = function(interrupted)
            ended_by.interrupt = interrupted
        end,
    })
end

return M
