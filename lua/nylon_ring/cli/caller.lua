--- The calls of `nylon-ring call`: one answer, one stream, or many of them and their times.
local answer = require "nylon_ring.cli.answer"
local input = require "nylon_ring.cli.input"
local json = require "nylon_ring.cli.json"
local many = require "nylon_ring.cli.many"
local nr = require "nylon_ring"
local once = require "nylon_ring.cli.once"
local say = require "nylon_ring.cli.say"
local session = require "nylon_ring.cli.session"
local timing = require "nylon_ring.cli.timing"

local M = {}

--- The request as the command line says it; the part after `?` is the query, but in a v2 entry's name.
local function make_request(args, body, abi)
    local path, query = args.target, ""
    if abi == 1 then
        path, query = args.target:match "^([^?]*)%??(.*)$"
    end
    return {
        method = args.method or (args.data and "POST" or "GET"),
        path = path,
        query = query,
        headers = args.headers,
        body = body,
    }
end

--- Sends the lines of `source` into the stream, beside the task that reads its frames. Input that fails ends
--- the stream, and is then what went wrong.
local function start_feeding(feeding, source, stream)
    feeding.task = nr.spawn(function()
        local ok, err = source:feed(stream)
        if not ok then
            feeding.err = err
            stream:close()
        end
    end)
end

local function with_input(path, run)
    local source, err = input.open(path)
    if not source then
        return nil, "cannot read the input: " .. err
    end
    local feeding = {}
    local status, text = run(function(stream)
        start_feeding(feeding, source, stream)
    end)
    if feeding.task then
        feeding.task:cancel "the stream has ended"
    end
    source.close()
    if feeding.err then
        return nil, feeding.err
    end
    return status, text
end

--- One call whose answers are printed as they come.
local function one_call(plugin, request, args, times)
    local print_answer = args.json and answer.json or args.stream and answer.frame or answer.raw
    local sid
    local function run(on_open)
        return once(plugin, request, args, function(status, data)
            times:got(data)
            print_answer(status, data)
        end, function(stream)
            sid = stream:sid()
            if on_open then
                on_open(stream)
            end
        end)
    end
    times:begin(request)
    local status, text
    if args.input then
        status, text = with_input(args.input, run)
    else
        status, text = run()
    end
    times:finish(sid or (not status and type(text) == "table" and text.sid or nil))
    return status, text
end

--- One line about an answer that was not good.
local function explain(plugin, status, text)
    if not status then
        return tostring(text)
    end
    text = json.is_utf8(text) and text or ("%d bytes that are no text"):format(#text)
    local colon = text ~= "" and ": " or ""
    return ("%s answered %s%s%s"):format(plugin.name, answer.status_name(status), colon, text)
end

--- Ends the main task because no answer came.
local function fail(err, in_json)
    if in_json then
        answer.json_error(err)
    end
    session.fail(tostring(err))
end

local function load(args, body, times)
    local plugin, err = nr.load(args.plugin)
    local request
    if plugin then
        times:loaded(plugin)
        if args.verbose and not args.json then
            say.plain(times:loaded_text())
        end
        request, err = nr.request(make_request(args, body, plugin.abi))
    end
    if not request then
        fail(err, args.json)
    end
    return plugin, request
end

--- Loads the plugin and makes the calls that the command line asks for. Ends the main task with a message
--- when one of them was not answered well.
---@async
---@param args table as argparse made it
---@param body string
function M.run(args, body)
    local times = timing.new()
    local plugin, request = load(args, body, times)
    args.limits = {
        timeout = args.timeout,
        deadline = args.deadline,
        max_frames = args.max_frames,
        max_bytes = args.max_bytes,
    }
    local status, text = (args.times and many.run or one_call)(plugin, request, args, times)
    if args.verbose and not args.times then
        say.plain(args.json and times:json() or times:text())
    end
    if not status then
        fail(text, args.json and not args.times) -- a summary has counted it
    elseif not answer.is_ok(status, args.stream) then
        session.fail(explain(plugin, status, text))
    end
end

return M
