-- `nr.test.record`: a plugin that writes down what is asked of another one and what that answers.
--
--     local recorded = nr.test.record(packages, "spec/packages.tape")
--     ... use it as the plugin itself ...
--     recorded:unload()
--
-- The file is written when the recorder is unloaded: where a run ends before, the old one stays. tape.lua
-- tells what stands in it, and `nr.test.replay` plays it.

local accounts = require "nylon_ring.test.accounts"
local clock = require "nylon_ring.test.clock"
local lua_plugin = require "nylon_ring.lua_plugin"
local misuse = require "nylon_ring.misuse"
local relay = require "nylon_ring.lua_plugin.relay"
local tape = require "nylon_ring.test.tape"
local uv = require "luv"

local M = {}

---@type table<nylon_ring.LuaPlugin, string> the files of those that were not unloaded yet
local open = {}

---The recorders that were not unloaded yet, and their files.
---@return table<nylon_ring.LuaPlugin, string>
function M.open()
    local copy = {}
    for recorder, path in pairs(open) do
        copy[recorder] = path
    end
    return copy
end

---Gives a recording up: its file stays as it was.
---@param recorder nylon_ring.LuaPlugin
function M.drop(recorder)
    open[recorder] = nil
end

-- A rename leaves either the old file or the new one, whole.
local function replace(path, text)
    local beside = ("%s.%d.new"):format(path, uv.os_getpid())
    local file, problem = io.open(beside, "wb")
    local written = file and file:write(text)
    if file and not (file:close() and written) then
        problem = "not all of it could be written"
    end
    if not problem then
        problem = select(2, uv.fs_rename(beside, path))
    end
    if problem then
        os.remove(beside)
        error(("nr.test.record: '%s' stays as it was: %s"):format(path, problem), 0)
    end
end

-- The file that a path leads to, which may be a link.
local function target_of(path)
    local target = uv.fs_realpath(path) or path
    local stat = uv.fs_stat(target)
    local folder = target:match "^(.*/)[^/]*$" or "."
    if not uv.fs_access(folder, "W") then
        misuse("nr.test.record: '%s' is no folder to write to", folder)
    elseif stat and stat.type ~= "file" then
        misuse("nr.test.record: '%s' is no file", path)
    end
    return target
end

local function take_error(take, err)
    take.error, take.message, take.status = err.code, err.message, err.status
end

local function record_call(plugin, call, take)
    local status, body = plugin:call(call:request())
    if status then
        take.status, take.answer = status, body
    else
        take_error(take, body)
    end
    return status, body
end

-- What comes after so many frames, a replay expects before it sends the next one.
local function note_input(take, data, ms)
    if data then
        take.input = take.input or {}
        table.insert(take.input, { data, ms, #take.frames })
    else
        take.finish = { ms, #take.frames }
    end
end

local function record_stream(plugin, call, take, elapsed)
    local stream, err = plugin:call_stream(call:request())
    if not stream then
        take_error(take, err)
        return nil, err
    end
    take.frames = {}
    err = relay.frames(call, stream, function(_, status, data)
        table.insert(take.frames, { status, data, elapsed() })
        return relay.send(call, status, data)
    end, function(data)
        note_input(take, data, elapsed())
    end)
    if err then
        take_error(take, err)
    end
end

local function record_notification(plugin, call)
    local ok, err = plugin:notify(call:request())
    return not ok and nil or "", err
end

local function recorder_of(call)
    return call.notified and record_notification or call.stream and record_stream or record_call
end

-- A caller that leaves has this task cancelled: what came until then is written all the same.
local function record(plugin, call, write)
    local take, elapsed = tape.take_of(call), clock.stopwatch()
    local ok, status, body = pcall(recorder_of(call), plugin, call, take, elapsed)
    if not call.notified then
        take.left, take.ms = call.cancelled, elapsed()
    end
    write(take)
    if not ok then
        error(status, 0)
    end
    return status, body
end

---Wraps a plugin and writes each call with its answer down. The file is made anew when what this answers is
---unloaded.
---@param plugin nylon_ring.Plugin
---@param path string
---@return nylon_ring.LuaPlugin
function M.record(plugin, path)
    if type(plugin) ~= "table" or type(plugin.call_stream) ~= "function" then
        misuse("nr.test.record takes a plugin, not %s", type(plugin))
    elseif type(path) ~= "string" then
        misuse("nr.test.record takes the path of a file, not %s", type(path))
    end
    local target, lines = target_of(path), { tape.head(plugin) }
    local recorder = lua_plugin.plugin_from_lua({
        ["*"] = function(call)
            return record(plugin, call, function(take)
                table.insert(lines, tape.encode(take))
            end)
        end,
    }, { name = plugin.name, version = plugin.version })
    open[recorder] = path
    accounts.note(recorder)
    function recorder._on_unload()
        if open[recorder] then
            open[recorder] = nil
            replace(target, table.concat(lines, "\n") .. "\n")
        end
    end
    return recorder
end

return M
