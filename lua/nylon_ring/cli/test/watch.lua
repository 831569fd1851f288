--- `nylon-ring test --watch`: runs the specs in a process of their own, and again whenever a .lua or .so file
--- below the current folder has changed. Ctrl-C ends it.
local nr = require "nylon_ring"
local process = require "nylon_ring.cli.test.process"
local say = require "nylon_ring.cli.say"
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

-- The folder and those in it, without hidden ones and symbolic links.
local function add_folders(list, folder)
    if #list >= MAX_FOLDERS then
        return
    end
    table.insert(list, folder)
    local scan = uv.fs_scandir(folder)
    while scan do
        local name, kind = uv.fs_scandir_next(scan)
        if not name then
            return
        elseif kind == "directory" and name:sub(1, 1) ~= "." then
            add_folders(list, folder .. "/" .. name)
        end
    end
end

---@class nylon_ring.cli.Watcher
---@field changed? string the file that changed last, since that was asked for
---@field private _handles table<string, userdata> by folder
---@field private _on_change? fun()
local Watcher = {}
Watcher.__index = Watcher

function Watcher:_note(folder, name)
    if name and is_watched(name) then
        self.changed = folder .. "/" .. name
        if self._on_change then
            self._on_change()
        end
    end
end

--- Watches the folders that are there now.
function Watcher:look()
    local folders = {}
    add_folders(folders, ".")
    for _, folder in ipairs(folders) do
        local handle = not self._handles[folder] and uv.new_fs_event()
        if handle then
            self._handles[folder] = handle
            handle:start(folder, {}, function(_, name)
                self:_note(folder, name)
            end)
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
    local run = assert(process.start { args = { "test", unpack(words) }, stdio = { 0, 1, 2 } })
    local ok, err = pcall(run.await_end, run)
    if not ok then
        nr.shield(run.stop, run, ended_by.interrupt and MOMENT or 0, LAST)
        error(err, 0)
    end
end

local function run_again_and_again(who, words, ended_by)
    local watcher = setmetatable({ _handles = {} }, Watcher)
    local _, err = pcall(function()
        while true do
            watcher:look()
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
    return require("nylon_ring.cli.session").run(who, function()
        run_again_and_again(who, words, ended_by)
    end, {
        on_signal = function(interrupted)
            ended_by.interrupt = interrupted
        end,
    })
end

return M
