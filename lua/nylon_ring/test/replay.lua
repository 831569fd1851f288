-- `nr.test.replay`: a plugin that answers as a recorded one did, for golden specs of routes and scripts
-- without the plugin.
--
--     local packages = nr.test.replay "spec/packages.tape"
--
-- A call is known by its path, method, query, body and kind; with `headers = true` by its headers as well.
-- Equal calls get their answers in the recorded order, and then the last one again. A call that is not on
-- the tape is answered with an Error `unknown_call` that shows the nearest one, which goes to `nr.on_error`
-- too: a spec fails even where the script that it tests copes with errors. So is input of a stream that is
-- not what was recorded, with `unknown_input`; frames wait for the input that they came after.

local accounts = require "nylon_ring.test.accounts"
local asked = require "nylon_ring.test.asked"
local await = require "nylon_ring.await"
local differ = require "nylon_ring.test.diff"
local errors = require "nylon_ring.errors"
local lua_plugin = require "nylon_ring.lua_plugin"
local misuse = require "nylon_ring.misuse"
local options = require "nylon_ring.options"
local relay = require "nylon_ring.lua_plugin.relay"
local tape = require "nylon_ring.test.tape"
local task = require "nylon_ring.task"

local ipairs, type = ipairs, type

local M = {}

local KNOWN = { times = true, headers = true, name = true }

---@class nylon_ring.ReplayOptions
---@field times? boolean answers take as long as they did; at once by default
---@field headers? boolean calls are known by their headers as well
---@field name? string the recorded plugin's by default

-- ---- The tape ----

---@class nylon_ring.test.Replay
---@field path string
---@field takes nylon_ring.test.Take[]
---@field private _by_key table<string, { [integer]: nylon_ring.test.Take, at: integer }>
local Replay = {}
Replay.__index = Replay

local function new_replay(path, takes, opts)
    local by_key = {}
    for _, take in ipairs(takes) do
        local key = asked.key(take, opts.headers)
        by_key[key] = by_key[key] or { at = 0 }
        table.insert(by_key[key], take)
    end
    return setmetatable({ path = path, takes = takes, _by_key = by_key, _opts = opts }, Replay)
end

function Replay:find(request)
    local known = self._by_key[asked.key(request, self._opts.headers)]
    if known then
        known.at = math.min(known.at + 1, #known)
        known[known.at].used = true
        return known[known.at]
    end
end

-- What is said of a call that is not on the tape.
function Replay:explain(request)
    local with_headers = self._opts.headers
    local lines = asked.lines(request, with_headers)
    local nearest = asked.nearest(request, self.takes, with_headers)
    if not nearest then
        return ("%s has no calls at all; this one came:\n%s"):format(self.path, differ.list(lines))
    end
    local diff = differ.lists(asked.lines(nearest, with_headers), lines)
    local message = "%s has no such call (+); the nearest is in line %d (-):\n%s"
    return message:format(self.path, nearest.line, diff)
end

-- An Error for the caller, told to `nr.on_error` as well.
function Replay:fail(call, code, message)
    local place = accounts.place(call._exchange)
    local err = errors.new {
        code = code,
        message = (place and place .. ": " or "") .. message,
        plugin = self.name,
    }
    task.report(err)
    return err
end

-- ---- Playing ----

local function pause(replay, from, to)
    if replay._opts.times and to > from then
        await.sleep(to - from)
    end
end

local function input_line(piece)
    return piece and { "", piece } or { "the end of the input" }
end

-- Takes the caller's next piece of input, or the end of it, where the tape has this one. Nil where the call
-- is over, and an Error where something else came.
local function take_input(replay, call, take, number, expected)
    local piece = call:recv()
    if call.cancelled then
        return nil
    elseif piece == expected then
        return true
    end
    local message = ("%s, line %d: input %d of '%s' is another one (+) than was recorded (-):\n%s"):format(
        replay.path, take.line, number, take.call,
        differ.lists({ input_line(expected) }, { input_line(piece) }))
    return nil, replay:fail(call, "unknown_input", message)
end

-- A function that takes what came before more than so many frames had come.
local function input_taker(replay, call, take)
    local input, taken, finished = take.input or {}, 0, take.finish == nil
    return function(frames)
        while input[taken + 1] and (input[taken + 1][3] or 0) <= frames do
            taken = taken + 1
            local ok, err = take_input(replay, call, take, taken, input[taken][1])
            if not ok then
                return nil, err
            end
        end
        if not finished and taken == #input and (take.finish[2] or 0) <= frames then
            finished = true
            return take_input(replay, call, take, taken + 1, nil)
        end
        return true
    end
end

-- Nil where the stream is over before its end on the tape, with an Error where the caller is to hear of one.
local function play_frames(replay, call, take)
    local at, take_until = 0, input_taker(replay, call, take)
    for index, frame in ipairs(take.frames) do
        local ok, err = take_until(index - 1)
        if not ok then
            return nil, err
        end
        pause(replay, at, frame[3] or at)
        at = frame[3] or at
        if not relay.send(call, frame[1], frame[2]) then
            return nil
        end
    end
    return take_until(math.huge)
end

-- A stream that had no end when its caller left takes no input beyond what was recorded.
local function refuse_input(replay, call, take)
    if take.left and not take.finish and replay.knows_input then
        return take_input(replay, call, take, #(take.input or {}) + 1, nil)
    end
    return true
end

local function play(replay, call, take)
    if take.frames then
        local played, err = play_frames(replay, call, take)
        if played then
            played, err = refuse_input(replay, call, take)
        end
        if not played then
            return nil, err
        end
    else
        pause(replay, 0, take.left and 0 or take.ms or 0)
    end
    if take.error then
        return nil, errors.new {
            code = take.error,
            message = take.message or take.error,
            plugin = replay.name,
            status = take.status,
        }
    elseif take.status then
        return take.status, take.answer
    end
end

local function handle(replay, call)
    local request = tape.take_of(call)
    local take = replay:find(request)
    if take then
        return play(replay, call, take)
    end
    return nil, replay:fail(call, "unknown_call", replay:explain(request))
end

---Makes a plugin of a file that `nr.test.record` wrote. Its method `unused` answers the recorded calls that
---were not asked for.
---@param path string
---@param opts? nylon_ring.ReplayOptions
---@return nylon_ring.LuaPlugin
function M.replay(path, opts)
    if type(path) ~= "string" then
        misuse("nr.test.replay takes the path of a recorded file, not %s", type(path))
    end
    opts = opts or {}
    options.check("nr.test.replay", opts, KNOWN)
    local head, takes = tape.read(path)
    if not head then
        misuse("nr.test.replay: %s", takes)
    end
    local replay = new_replay(path, takes, opts)
    replay.name, replay.knows_input = opts.name or head.plugin, head.nylon_ring_tape > 1
    local plugin = lua_plugin.plugin_from_lua({
        ["*"] = function(call)
            return handle(replay, call)
        end,
    }, { name = replay.name, version = head.version })
    function plugin.unused()
        local list = {}
        for _, take in ipairs(takes) do
            if not take.used then
                list[#list + 1] = take
            end
        end
        return list
    end
    return plugin
end

return M
