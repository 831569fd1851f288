--- The calls of `nylon-ring call`: one answer, one stream, or many of them and their times.
local answer = require "nylon_ring.cli.answer"
local json = require "nylon_ring.cli.json"
local latency = require "nylon_ring.cli.latency"
local nr = require "nylon_ring"
local session = require "nylon_ring.cli.session"
local uv = require "luv"

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

--- Makes one call, or reads one stream to its end; answers the last status and its text, or nil, err.
local function once(plugin, request, args, on_answer)
    if not args.stream then
        local status, body = plugin:call(request, args.limits)
        if status then
            on_answer(status, body)
        end
        return status, body
    end
    local stream, err = plugin:call_stream(request, args.limits)
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
    local status, text = once(plugin, request, args, print_answer)
    if not status and args.json and text.code == "plugin_handle_failed" then
        answer.json(text.status, "") -- refused at once: a status, and nothing with it
    end
    return status, text
end

local function ignore() end

--- Calls again and again. Answers as `once` does, of the first call that failed, else of the last.
local function many_calls(plugin, request, args)
    local times = latency.new()
    local status, text, failed
    local start = uv.hrtime()
    for _ = 1, args.times do
        local before = uv.hrtime()
        local now_status, now_text = once(plugin, request, args, ignore)
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

--- Loads the plugin and makes the calls that the command line asks for. Ends the main task with a message
--- when one of them was not answered well.
---@async
---@param args table as argparse made it
---@param body string
function M.run(args, body)
    local plugin, err = nr.load(args.plugin)
    local request
    if plugin then
        request, err = nr.request(make_request(args, body, plugin.abi))
    end
    if not request then
        session.fail(tostring(err))
    end
    args.limits = { timeout = args.timeout }
    local status, text = (args.times and many_calls or one_call)(plugin, request, args)
    if not answer.is_ok(status, args.stream) then
        session.fail(explain(plugin, status, text))
    end
end

return M
