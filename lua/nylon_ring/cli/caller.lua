--- The calls of `nylon-ring call`: one answer, one stream, or many of them and their times.
local answer = require "nylon_ring.cli.answer"
local input = require "nylon_ring.io.input"
local json = require "nylon_ring.io.json"
local many = require "nylon_ring.cli.many"
local nr = require "nylon_ring"
local once = require "nylon_ring.cli.once"
local Patience = require "nylon_ring.cli.patience"
local say = require "nylon_ring.io.say"
local session = require "nylon_ring.cli.session"
local timing = require "nylon_ring.cli.timing"

local M = {}

--- Who the messages come from.
local WHO = "nylon-ring call"

--- With -v: what `method` says of the times, for people.
local function tell(args, method, times, ...)
    if args.verbose and not args.json then
        say.plain(method(times, ...))
    end
end

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
local function start_feeding(feeding, source, stream, times)
    feeding.task = nr.spawn(function()
        local ok, err = source:feed(stream, function(line)
            times:sends(line)
        end)
        if not ok then
            feeding.err = err
            stream:close()
        end
    end)
end

local function with_input(path, times, run)
    local source, err = input.open(path)
    if not source then
        return nil, "cannot read the input: " .. err
    end
    local feeding = {}
    local ok, status, text = pcall(run, function(stream)
        start_feeding(feeding, source, stream, times)
    end)
    if feeding.task then
        feeding.task:cancel "the stream has ended"
    end
    source.close()
    if not ok then
        error(status, 0)
    elseif feeding.err then
        return nil, feeding.err
    end
    return status, text
end

--- Starts the call that `run` makes, with what it is to be fed.
local function start(args, times, run)
    if args.input then
        return with_input(args.input, times, run)
    end
    return run()
end

--- One call whose answers are printed as they come. What came is told also where it was cut short.
local function one_call(plugin, request, args, times)
    local print_answer = args.json and answer.json or args.stream and answer.frame or answer.raw
    local patience = Patience.new(WHO)
    local function on_answer(status, data)
        times:got(status, data)
        print_answer(status, data)
        if args.stream then
            patience:frame()
        end
    end
    times:begin(request)
    local ok, status, text = pcall(start, args, times, function(feed)
        local function on_open(sid, stream)
            times.sid = sid
            tell(args, times.asked_text, times)
            if feed then
                feed(stream)
            end
        end
        return once(plugin, request, args, on_answer, (args.stream or args.verbose) and on_open)
    end)
    times:finish()
    patience:stop()
    tell(args, times.text, times)
    if args.verbose and args.json then
        say.plain(times:json())
    end
    if not ok then
        error(status, 0)
    end
    return status, text
end

--- Many calls, and their summary.
local function many_calls(plugin, request, args, times)
    times:begin(request)
    tell(args, times.repeated_text, times, args.times, args.concurrency or 1)
    return many.run(plugin, request, args)
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

--- Why the request cannot be what the words say; nil where it can.
local function unfit(plugin, args)
    if plugin.abi ~= 1 and (args.method or #args.headers > 0) then
        return ("plugin '%s' has ABI v%d, whose calls have no method and no headers: leave %s out"):format(
            plugin.name, plugin.abi, args.method and "-X" or "-H")
    end
end

local function load(args, body, times)
    local plugin, err = nr.load(args.plugin)
    local request
    if plugin then
        times:loaded(plugin)
        tell(args, times.loaded_text, times)
        local wrong = unfit(plugin, args)
        if wrong then
            session.fail(wrong, 2)
        end
        request, err = nr.request(make_request(args, body, plugin.abi))
    end
    if not request then
        fail(err, args.json)
    end
    return plugin, request
end

--- Tells that a plugin answered a unary call more often than once, which only a stream shows.
local function note_duplicates(plugin, args)
    if not args.stream and tonumber(plugin:stats().duplicate) > 0 then
        say.error(WHO, "the plugin sent more than one answer: --stream shows them all")
    end
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
    local status, text = (args.times and many_calls or one_call)(plugin, request, args, times)
    note_duplicates(plugin, args)
    if not status then
        fail(text, args.json and not args.times) -- a summary has counted it
    elseif not answer.is_ok(status, args.stream) then
        session.fail(explain(plugin, status, text))
    end
end

return M
