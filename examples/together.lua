-- A file, a socket and a plugin, read by one task each, at the same time, on one loop. luv is used as it is:
-- nr.await turns a function with a callback into one that suspends the task.
--
--     nylon-ring examples/together.lua [FILE]

local nr = require "nylon_ring"
local uv = require "luv"

local plugin = assert(nr.load(uv.exepath():match "^.*/" .. "plugins/echo.so"))

-- Calls a luv function whose callback gets `err, value`.
local function luv(fn, ...)
    local args, n = { ... }, select("#", ...)
    local err, value = nr.await(function(resume)
        args[n + 1] = resume
        return fn(unpack(args, 1, n + 1))
    end)
    if err then
        error(err, 0)
    end
    return value
end

-- Prints what happens in the order in which it does.
local function note(who, what)
    print(("%-7s %s"):format(who, what))
end

local function read_file(path)
    local fd = luv(uv.fs_open, path, "r", 0)
    local bytes = 0
    repeat
        local chunk = luv(uv.fs_read, fd, 4096, -1)
        bytes = bytes + #chunk
    until chunk == ""
    luv(uv.fs_close, fd)
    return bytes
end

-- A server on a free port of this machine that greets everyone, slowly: a word a turn.
local function start_server()
    local server = uv.new_tcp()
    assert(server:bind("127.0.0.1", 0))
    assert(server:listen(8, function()
        local client = uv.new_tcp()
        assert(server:accept(client))
        nr.spawn(function()
            for _, word in ipairs { "good ", "morning" } do
                luv(client.write, client, word)
                nr.sleep(10)
            end
            client:close()
            server:close()
        end)
    end))
    return server:getsockname().port
end

local function read_socket(port)
    local client = uv.new_tcp()
    luv(client.connect, client, "127.0.0.1", port)
    local text = ""
    nr.await(function(resume)
        return client:read_start(function(err, chunk)
            text = text .. (chunk or "")
            if err or not chunk then
                resume()
            end
        end)
    end)
    client:close()
    return text
end

local function read_plugin()
    local frames = {}
    local stream = assert(plugin:call_stream { path = "/stream", query = "frames=3&interval=5" })
    stream:each(function(status, data)
        if status == nr.OK then
            table.insert(frames, data)
        end
    end)
    return table.concat(frames, ", ")
end

local port = start_server()
local results = assert(nr.all {
    file = function()
        note("file", "opening")
        return read_file(arg[1] or arg[0])
    end,
    socket = function()
        note("socket", "connecting")
        return read_socket(port)
    end,
    plugin = function()
        note("plugin", "calling")
        return read_plugin()
    end,
})
note("file", results.file .. " bytes")
note("socket", results.socket)
note("plugin", results.plugin)
