--- What `nylon-ring call -v` tells beside the answer, on standard error: what was loaded and asked, how long
--- each step took, and how much came back.
local answer = require "nylon_ring.cli.answer"
local json = require "nylon_ring.io.json"
local text = require "nylon_ring.io.text"
local uv = require "luv"

---@class nylon_ring.cli.Timing
---@field private _since number when the step began that runs, as `uv.hrtime`
---@field plugin? string
---@field version? string
---@field abi? integer
---@field load_us? number
---@field method? string as the query, of a plugin of ABI v1 only
---@field path? string
---@field query? string
---@field first_us? number from the call to its first frame or its answer
---@field total_us? number
---@field sent integer bytes of the body, and of the input
---@field received integer bytes of all frames
---@field frames integer
---@field status? integer of the last frame, or the answer
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
    self.path, self.sent = request.path, #request.body
    if self.abi == 1 then
        self.method, self.query = request.method, request.query
    end
    self._since = uv.hrtime()
end

--- A frame of input went.
function Timing:sends(data)
    self.sent = self.sent + #data
end

--- A frame came, or the answer.
function Timing:got(status, data)
    self.first_us = self.first_us or self:_elapsed()
    self.status = status
    self.frames, self.received = self.frames + 1, self.received + #data
end

--- The call is over.
function Timing:finish()
    self.total_us = self:_elapsed()
end

local function duration(microseconds)
    return text.time(microseconds * 1e3)
end

local function target(self)
    if not self.method then
        return self.path
    end
    return ("%s %s%s"):format(self.method, self.path, self.query ~= "" and "?" .. self.query or "")
end

--- For people: the line that tells what was loaded.
---@return string
function Timing:loaded_text()
    return ("* loaded %s %s (ABI v%d) in %s"):format(
        self.plugin, self.version, self.abi, duration(self.load_us))
end

--- For people: what was asked, told as soon as it was.
---@return string
function Timing:asked_text()
    local sid = self.sid and ", sid " .. self.sid or ""
    return ("* asked %s with %s%s"):format(target(self), text.plural(self.sent, "byte"), sid)
end

--- For people: what is asked again and again.
---@param times integer
---@param at_once integer
---@return string
function Timing:repeated_text(times, at_once)
    return ("%s, %s, %d at a time"):format(self:asked_text(), text.plural(times, "time"), at_once)
end

--- For people: what came.
---@return string
function Timing:text()
    if self.frames == 0 then
        return "* got no answer in " .. duration(self.total_us)
    end
    return ("* got %s in %s, status %s; first after %s, all after %s"):format(
        text.plural(self.received, "byte"), text.plural(self.frames, "frame"),
        answer.status_name(self.status), duration(self.first_us), duration(self.total_us))
end

local order = {
    "plugin", "version", "abi", "load_us", "method", "path", "query", "sid", "sent", "received", "frames",
    "status", "first_us", "total_us",
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
