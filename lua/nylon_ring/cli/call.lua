--- `nylon-ring call`: one call from the shell. The body goes to standard output as it is.
local answer = require "nylon_ring.cli.answer"
local json = require "nylon_ring.cli.json"
local latency = require "nylon_ring.cli.latency"
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.cli.say"

local M = { name = "call", summary = "call a plugin once and print its answer" }

local function header(text)
    local key, value = text:match "^([^:%s][^:]-)%s*:%s*(.-)%s*$"
    if not key then
        return nil, ("header '%s' is not of the form 'Key: value'"):format(text)
    end
    return { key, value }
end

function M.define(command)
    command:argument("plugin", "The plugin's file."):argname "PLUGIN"
    command:argument("target", "A path, with a query if need be; on a plugin of ABI v2 the entry's name.")
        :argname "TARGET"
    command:option("-d", "The body: BODY itself, or @FILE, or @- for standard input.")
        :argname("BODY"):target("data")
    command:option("-X", "The method; default is GET, or POST where there is a body.")
        :argname("METHOD"):target("method")
    command:option("-H", "A header, as 'Key: value'; may be given again.")
        :argname("HEADER"):count("*"):target("headers"):convert(header)
    command:flag("--stream", "Print every frame as it arrives, until the stream ends.")
    command:flag("--json", "Print one JSON object a line for each answer or frame.")
    command:option("--timeout", "Limit of the call, or with --stream of each wait for a frame.")
        :argname("MS"):convert(options.whole(1))
    command:option("--repeat", "Call N times, one after the other, and print a summary of the times.")
        :argname("N"):convert(options.whole(1)):target("times")
end

--- The body that `-d` names, or nil and why it cannot be read.
local function read_body(data)
    if not data or data:sub(1, 1) ~= "@" then
        return data or ""
    elseif data == "@-" then
        return io.read "*a"
    end
    local file, err = io.open(data:sub(2), "rb")
    local body
    if file then
        body, err = file:read "*a"
        file:close()
    end
    return body, err
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

--- Makes one call, or reads one stream to its end; answers the last status and its text, or nil, err.
local function once(plugin, request, args, on_answer)
    local limits = { timeout = args.timeout }
    if not args.stream then
        local status, body = plugin:call(request, limits)
        if status then
            on_answer(status, body)
        end
        return status, body
    end
    local stream, err = plugin:call_stream(request, limits)
    if not stream then
        return nil, err
    end
    local last, text
    while true do
        local status, data = stream:recv()
        if not status then
            return data == nil and last or nil, data or text
        end
        on_answer(status, data)
        last, text = status, data
    end
end

local function one_call(plugin, request, args)
    local print_answer = args.json and answer.json or args.stream and answer.frame or answer.raw
    return once(plugin, request, args, print_answer)
end

--- Calls again and again. Answers as `once` does, of the first call that failed, else of the last.
local function many_calls(plugin, request, args)
    local uv = require "luv"
    local times = latency.new()
    local status, text, failed
    local start = uv.hrtime()
    for _ = 1, args.times do
        local before = uv.hrtime()
        local now_status, now_text = once(plugin, request, args, function() end)
        local ok = answer.is_ok(now_status, args.stream)
        times:add(uv.hrtime() - before, ok)
        if not failed then
            status, text, failed = now_status, now_text, not ok
        end
    end
    local elapsed = uv.hrtime() - start
    print(args.json and times:json(elapsed) or times:text(elapsed))
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

function M.run(args, who)
    local body, err = read_body(args.data)
    if not body then
        say.error(who, "cannot read the body: " .. err)
        return 1
    end
    local session = require "nylon_ring.cli.session"
    return session.run(who, function()
        local nr = require "nylon_ring"
        local plugin, load_err = nr.load(args.plugin)
        if not plugin then
            return session.fail(tostring(load_err))
        end
        local request = make_request(args, body, plugin.abi)
        local status, text = (args.times and many_calls or one_call)(plugin, request, args)
        if not answer.is_ok(status, args.stream) then
            session.fail(explain(plugin, status, text))
        end
    end)
end

return M
