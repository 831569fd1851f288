--- What became of one spec file, made out of the events that its process tells (events.lua): a list of its
--- specs, and what went wrong outside of them. A line that is no event is ignored: the file's code, and what
--- it starts, may write to any descriptor.
local cjson = require "cjson"

local M = {}

---@class nylon_ring.cli.Problem
---@field kind "failure"|"error"|"pending"
---@field within string the descriptor of what it was in; "it" for specs
---@field name? string
---@field message? string
---@field trace? table where it was raised
---@field place? table where what it is in was written

---@class nylon_ring.cli.SpecRecord
---@field path string[] the names of its blocks
---@field name string
---@field status? string
---@field duration? number
---@field seed? integer
---@field trace table
---@field problems nylon_ring.cli.Problem[]

---@class nylon_ring.cli.FileRecord
---@field specs nylon_ring.cli.SpecRecord[]
---@field problems nylon_ring.cli.Problem[] outside of specs
---@field finished boolean every spec had its turn
---@field out string
---@field err string
---@field spec? nylon_ring.cli.SpecRecord the one that runs
---@field on_limit fun(ms?: integer, text?: string) it has told which limit is over next, or that none is
---@field private _plugins string[] that were loaded last
---@field private _loading? string path of one that was about to be
---@field private _whereabouts? string the plugin that it was in when it was aborted
---@field private _line string[] the pieces of one that has not ended
local Record = {}
Record.__index = Record

---@param on_limit fun(ms?: integer, text?: string)
---@return nylon_ring.cli.FileRecord
function M.new(on_limit)
    return setmetatable({
        specs = {}, problems = {}, finished = false, out = "", err = "", on_limit = on_limit,
        _plugins = {}, _line = {},
    }, Record)
end

local function is(wanted)
    return function(value)
        return type(value) == wanted
    end
end

local function optional(check)
    return function(value)
        return value == nil or check(value)
    end
end

local function is_strings(value)
    if type(value) ~= "table" then
        return false
    end
    for _, each in ipairs(value) do
        if type(each) ~= "string" then
            return false
        end
    end
    return true
end

local function has_shape(value, shape)
    for key, check in pairs(shape) do
        if not check(value[key]) then
            return false
        end
    end
    return true
end

local trace_shape = {
    short_src = optional(is "string"), currentline = optional(is "number"), traceback = optional(is "string"),
}

local function is_trace(value)
    return type(value) == "table" and has_shape(value, trace_shape)
end

local kinds = { failure = true, error = true, pending = true }

local shapes = {
    load = { path = is "string" },
    start = { path = is_strings, name = is "string", plugins = is_strings, trace = optional(is_trace) },
    problem = {
        kind = function(value) return kinds[value] end, within = is "string", name = optional(is "string"),
        message = optional(is "string"), trace = optional(is_trace), place = optional(is_trace),
    },
    ["end"] = { status = is "string", duration = optional(is "number"), seed = optional(is "number") },
    limit = { ms = optional(is "number"), text = optional(is "string") },
    exit = {},
}

local on = {}

function on.load(record, event)
    record._loading = event.path
end

function on.start(record, event)
    record._plugins, record._loading = event.plugins, nil
    record.spec = { path = event.path, name = event.name, trace = event.trace or {}, problems = {} }
    table.insert(record.specs, record.spec)
end

function on.problem(record, event)
    local spec = (event.within == "it" or event.within == "pending") and record.specs[#record.specs]
    table.insert(spec and spec.problems or record.problems, event)
end

on["end"] = function(record, event)
    local spec = record.spec
    if not spec then
        return
    end
    spec.status, spec.duration, spec.seed = event.status, event.duration, event.seed
    record.spec = nil
end

function on.limit(record, event)
    record.on_limit(event.text and event.ms, event.text)
end

function on.exit(record)
    record.finished = true
end

function Record:_take(line)
    local ok, event = pcall(cjson.decode, line)
    if not ok or type(event) ~= "table" then
        return
    end
    local shape = shapes[event.event]
    if shape and has_shape(event, shape) then
        on[event.event](self, event)
    end
end

--- Takes what the process has written; lines may come in pieces.
---@param data string
function Record:feed(data)
    local from = 1
    while true do
        local at = data:find("\n", from, true)
        table.insert(self._line, data:sub(from, (at or 0) - 1))
        if not at then
            return
        end
        local line = table.concat(self._line)
        self._line, from = {}, at + 1
        self:_take(line)
    end
end

local function quoted(names)
    return "'" .. table.concat(names, "', '") .. "'"
end

local function full_name(spec)
    local names = { unpack(spec.path) }
    table.insert(names, spec.name)
    return table.concat(names, " ")
end

-- How far the process came.
function Record:_position()
    local last = self.specs[#self.specs]
    if not last then
        return " before its first spec"
    end
    return (" %s the spec '%s'"):format(self.spec and "in" or "after", full_name(last))
end

--- The process was aborted: what it has said of that is no crash's, but where it was.
function Record:take_whereabouts()
    self.err = self.err:gsub("%f[^%z\n]nylon%-ring: (plugin '[^\n]-') crashed: SIGABRT,?([^\n]*)\n",
        function(plugin, where)
            self._whereabouts = ("%s did not return%s"):format(plugin, where)
            return ""
        end)
end

--- What the process was doing at its end: " in the spec 'x', with the plugin 'y' loaded"; or what it has said
--- of its end itself (src/host/crash.c).
---@return string
function Record:circumstances()
    local text = self:_position()
    if self._whereabouts then
        return ("%s: %s"):format(text, self._whereabouts)
    end
    local culprit = self.err:match "%f[^%z\n]nylon%-ring: (plugin '[^\n]-' crashed: [^\n]*)"
    if culprit then
        return ("%s: %s"):format(text, culprit)
    elseif #self._plugins > 0 then
        text = ("%s, with the plugin%s %s loaded"):format(text, #self._plugins > 1 and "s" or "",
            quoted(self._plugins))
    end
    if self._loading then
        text = ("%s; the last to be loaded was %s"):format(text, self._loading)
    end
    return text
end

--- Whether anything in it failed.
---@return boolean
function Record:failed()
    if #self.problems > 0 then
        return true
    end
    for _, spec in ipairs(self.specs) do
        if spec.status ~= "success" and spec.status ~= "pending" then
            return true
        end
    end
    return false
end

--- Notes an early end, which is a failure of the file, and not another one of the spec that it was in.
---@param message string
function Record:note_end(message)
    local unfinished = self.spec and table.remove(self.specs)
    table.insert(self.problems, {
        kind = "error",
        within = "file",
        message = message,
        trace = unfinished and unfinished.trace,
    })
end

return M
