--- One call, or one stream to its end.

local function answered(plugin, request, args, on_answer)
    local status, body = plugin:call(request, args.limits)
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
---@param on_open? fun(stream: nylon_ring.Stream)
---@return integer|nil status the last one
---@return string|nylon_ring.Error text
return function(plugin, request, args, on_answer, on_open)
    if not args.stream then
        return answered(plugin, request, args, on_answer)
    end
    local stream, err = plugin:call_stream(request, args.limits)
    if not stream then
        return nil, err
    end
    if on_open then
        on_open(stream)
    end
    return receive(stream, on_answer)
end
