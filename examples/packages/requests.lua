-- Where requests come from: lines of standard input, read through luv whatever it is.

local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

-- Chunks of standard input until its end.
local function from_stream(handle)
    return function()
        local err, chunk = nr.await(function(resume)
            handle:read_start(function(err, chunk)
                handle:read_stop()
                resume(err, chunk)
            end)
            return function()
                handle:close()
            end
        end)
        if err or not chunk then
            handle:close()
        end
        return chunk
    end
end

local function from_file()
    return function()
        local err, chunk = nr.await(function(resume)
            return uv.fs_read(0, 65536, -1, resume)
        end)
        return not err and chunk ~= "" and chunk or nil
    end
end

local function input()
    local kind = uv.guess_handle(0)
    if kind == "tty" then
        return from_stream(assert(uv.new_tty(0, true)))
    elseif kind == "pipe" then
        local pipe = uv.new_pipe(false)
        assert(pipe:open(0))
        return from_stream(pipe)
    end
    return from_file()
end

-- Lines of a text that comes in chunks.
local function split(chunks)
    local text, ended = "", false
    return function()
        while not ended and not text:find "\n" do
            local chunk = chunks()
            ended = not chunk
            text = text .. (chunk or "\n")
        end
        local line, rest = text:match "^([^\n]*)\n(.*)$"
        text = rest or ""
        return line
    end
end

---The lines of standard input as they come, without empty ones.
---@async
---@return fun(): string|nil
function M.lines()
    local lines = split(input())
    return function()
        local line
        repeat
            line = lines()
        until not line or line:find "%S"
        return line
    end
end

---A request: `GET /search?q=lua`, or the path alone.
---@param line string
---@return nylon_ring.RequestTable
function M.parse(line)
    local method, target = line:match "^%s*(%u+)%s+(.-)%s*$"
    target = target or line:match "^%s*(.-)%s*$"
    local path, query = target:match "^([^?]*)%??(.*)$"
    return { method = method or "GET", path = path, query = query }
end

return M
