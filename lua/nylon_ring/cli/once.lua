--- One call, or one stream to its end.

local nr = require "nylon_ring"

--- The sid of the call that a task waits for; nil where it does not wait.
local function sid_of(task)
    for _, info in ipairs(nr.tasks()) do
        if info.task == task then
            return info.sid
        end
    end
end

--- Calls beside the task that waits, so that it can tell what was asked before the answer is there.
local function call_and_tell(plugin, request, args, on_open)
    local call = nr.spawn(function()
        return plugin:call(request, args.limits)
    end)
    on_open(sid_of(call))
    return call:join()
end

local function answered(plugin, request, args, on_answer, on_open)
    local status, body
    if on_open then
        status, body = call_and_tell(plugin, request, args, on_open)
    else
        status, body = plugin:call(request, args.limits)
    end
    if status then
        on_answer(status, body)
    end
    return status, body
end

--- The frames to the end; answers the last one's status and data, or nil, err.
local function receive(stream, on_answer)
    local last, text
    while true do
        local status, data = stream:recv()
        if not status then
            return data == nil and last or nil, data or text
        end
        on_answer(status, data, stream)
        last, text = status, data
    end
end

---@async
---@param plugin nylon_ring.Plugin
---@param request nylon_ring.Request
---@param args table as argparse made it, with `limits`
---@param on_answer fun(status: integer, data: string, stream: nylon_ring.Stream|nil)
---@param on_open? fun(sid: string|nil, stream: nylon_ring.Stream|nil) the call was made
---@return integer|nil status the last one
---@return string|nylon_ring.Error text
return function(plugin, request, args, on_answer, on_open)
    if not args.stream then
        return answered(plugin, request, args, on_answer, on_open)
    end
    local stream, err = plugin:call_stream(request, args.limits)
    if not stream then
        return nil, err
    end
    if on_open then
        on_open(stream:sid(), stream)
    end
    return receive(stream, on_answer)
end
