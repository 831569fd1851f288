-- `nr.test.record`: a plugin that writes down what is asked of another one and what that answers.
--
--     local recorded = nr.test.record(packages, "spec/packages.tape")
--     ... use it as the plugin itself ...
--     recorded:unload()
--
-- The file is whole once the recorder is unloaded; tape.lua tells what stands in it, and `nr.test.replay`
-- plays it.

local lua_plugin = require "nylon_ring.lua_plugin"
local misuse = require "nylon_ring.misuse"
local relay = require "nylon_ring.lua_plugin.relay"
local tape = require "nylon_ring.test.tape"

local M = {}

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

local function record_stream(plugin, call, take, start)
    local stream, err = plugin:call_stream(call:request())
    if not stream then
        take_error(take, err)
        return nil, err
    end
    take.frames = {}
    err = relay.frames(call, stream, function(_, status, data)
        table.insert(take.frames, { status, data, tape.now() - start })
        return relay.send(call, status, data)
    end, function(data)
        note_input(take, data, tape.now() - start)
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
    local take, start = tape.take_of(call), tape.now()
    local ok, status, body = pcall(recorder_of(call), plugin, call, take, start)
    if not call.notified then
        take.left, take.ms = call.cancelled, tape.now() - start
    end
    write(take)
    if not ok then
        error(status, 0)
    end
    return status, body
end

---Wraps a plugin and writes each call with its answer to a file, which is made anew.
---@param plugin nylon_ring.Plugin
---@param path string
---@return nylon_ring.LuaPlugin
function M.record(plugin, path)
    if type(plugin) ~= "table" or type(plugin.call_stream) ~= "function" then
        misuse("nr.test.record takes a plugin, not %s", type(plugin))
    end
    local file, problem = io.open(path, "wb")
    if not file then
        misuse("nr.test.record: %s", problem)
    end
    assert(file:write(tape.head(plugin), "\n"))
    local recorder = lua_plugin.plugin_from_lua({
        ["*"] = function(call)
            return record(plugin, call, function(take)
                assert(file:write(tape.encode(take), "\n"))
            end)
        end,
    }, { name = plugin.name, version = plugin.version })
    function recorder._on_unload()
        assert(file:close())
    end
    return recorder
end

return M
