--- What `nylon-ring call -v` tells beside the answer, on standard error: what was loaded and asked, how long
--- each step took, and how much came back.
local duration = require "nylon_ring.cli.latency".duration
local json = require "nylon_ring.cli.json"
local uv = require "luv"

---@class nylon_ring.cli.Timing
---@field private _since number when the step began that runs, as `uv.hrtime`
---@field plugin? string
---@field version? string
---@field abi? integer
---@field load_us? number
---@field method? string
---@field path? string
---@field query? string
---@field first_us? number from the call to its first frame or its answer
---@field total_us? number
---@field sent integer bytes of the body
---@field received integer bytes of all frames
---@field frames integer
---@field sid? string
local Timing = {}
Timing.__index = Timing

function Timing.new()
    return setmetatable({ _since = uv.hrtime(), sent = 0, received = 0, frames = 0 }, Timing)
end

function Timing:_elapsed()
    return (uv.hrtime() - self._since) / 1e3
end

--- The plugin is loaded.
function Timing:loaded(plugin)
    self.load_us = self:_elapsed()
    self.plugin, self.version, self.abi = plugin.name, plugin.version, plugin.abi
end

--- The call begins.
function Timing:begin(request)
    self.method, self.path, self.query, self.sent = request.method, request.path, request.query, #request.body
    self._since = uv.hrtime()
end

--- A frame came, or the answer.
function Timing:got(data)
    self.first_us = self.first_us or self:_elapsed()
    self.frames, self.received = self.frames + 1, self.received + #data
end

--- The call is over.
function Timing:finish(sid)
    self.total_us, self.sid = self:_elapsed(), sid
end

local function counted(number, noun)
    return ("%d %s%s"):format(number, noun, number == 1 and "" or "s")
end

local function target(self)
    local query = self.query ~= "" and "?" .. self.query or ""
    return self.abi == 1 and ("%s %s%s"):format(self.method, self.path, query) or self.path
end

--- For people: the line that tells what was loaded.
---@return string
function Timing:loaded_text()
    return ("* loaded %s %s (ABI v%d) in %s"):format(
        self.plugin, self.version, self.abi, duration(self.load_us))
end

--- For people: the lines that tell of the call.
---@return string
function Timing:text()
    local sid = self.sid and ", sid " .. self.sid or ""
    local first = self.first_us and duration(self.first_us) or "-"
    return ("* asked %s with %s%s\n* got %s in %s; first after %s, all after %s"):format(
        target(self), counted(self.sent, "byte"), sid,
        counted(self.received, "byte"), counted(self.frames, "frame"), first, duration(self.total_us))
end

local order = {
    "plugin", "version", "abi", "load_us", "method", "path", "query", "sid", "sent", "received", "frames",
    "first_us", "total_us",
}

--- All of it as a JSON object.
---@return string
function Timing:json()
    local fields = {}
    for i, key in ipairs(order) do
        fields[i] = { key, self[key] }
    end
    return json.object(fields)
end

return Timing
