-- What a session did, as lines of Lua that do it again: repl/script.lua makes a script of them (`:save`),
-- repl/spec.lua a busted spec (`:spec`).
--
-- Both hold the lines one below the other, in one function. A line in the background that was done before
-- the next one came stands there as any other; else it begins at its place and is waited for where the
-- session saw it done:
--
--     echo:call("/slow") &          background_1 = nr.spawn(function() ... end)
--     ...                           ...
--     (it was done)                 background_1:join()

local code = require "nylon_ring.repl.code"
local values = require "nylon_ring.repl.values"

local M = {}

---@class nylon_ring.repl.Record
---@field kind "load"|"reload"|"unload"|"run"|"send"|"finish"|"done"|"expression"|"statement"
---@field code? string Lua; of an expression no more than that
---@field head? string the statements before an expression
---@field name? string of a plugin
---@field path? string where a plugin was loaded from; a script that was run
---@field of? nylon_ring.repl.Record whose stream takes input; which line in the background was done
---@field data? string what was sent into a stream
---@field failed? "error"|"cancelled"
---@field background? boolean
---@field values? integer how many an expression had
---@field answer? { status: integer, body?: string } no body where that was too much
---@field refused? boolean an error came as a value
---@field failure? string its code
---@field stream? boolean the value was a stream, which was shown
---@field frames? { [1]: integer, [2]: string }[] what came of it; nil where that was too much
---@field took? number milliseconds

---@class nylon_ring.repl.Writer
---@field records nylon_ring.repl.Record[]
---@field values nylon_ring.repl.Values
---@field names table<nylon_ring.repl.Record, string> variables of what was begun in the background
---@field begun integer how many those are
---@field count integer how many calls were written
---@field loaded table<string, boolean> plugins by name: loaded by a line, or by the spec's block
---@field style nylon_ring.repl.Style

---@class nylon_ring.repl.Style
---@field load fun(writer: nylon_ring.repl.Writer, record: nylon_ring.repl.Record): string|nil
---@field run string how a script is run, with `%s` for its path
---@field expression fun(writer: nylon_ring.repl.Writer, record: nylon_ring.repl.Record, at: integer): string?
---@field stream fun(writer: nylon_ring.repl.Writer, record: nylon_ring.repl.Record, stream: string): string

local quote, indent = code.quote, code.indent

local function comment(record, why)
    local text = (record.head and record.head .. "\n" or "") .. record.code
    return ("-- %s: %s"):format(why, (text:gsub("\n", "\n-- ")))
end

---A plugin by the variable that holds it, where its name can be one.
---@param name string
---@return string
function M.plugin(name)
    return code.is_name(name) and name or ("nr.plugin(%s)"):format(quote(name))
end

---A line that loads a plugin.
---@param record nylon_ring.repl.Record
---@return string
function M.load_line(record)
    return ("%sassert(nr.load(%s, { name = %s }))"):format(
        code.is_name(record.name) and record.name .. " = " or "", quote(record.path), quote(record.name))
end

-- ---- Lines --------------------------------------------------------------------------------------

local function lua_line(writer, record, index)
    local body = record.code
    if record.kind == "expression" then
        body = writer.style.expression(writer, record, index)
    end
    if record.head then
        body = body and record.head .. "\n" .. body or record.head
    end
    return body and code.statements(body)
end

local function done_at(records, record)
    for index, each in ipairs(records) do
        if each.kind == "done" and each.of == record then
            return index
        end
    end
end

local function begin(writer, record, format)
    writer.begun = writer.begun + 1
    writer.names[record] = format:format(writer.begun)
    return writer.names[record]
end

-- The stream is in a variable until it is read, where it ended: input comes in between.
local function begin_stream(writer, record, index)
    local name = begin(writer, record, "stream_%d")
    local assigned, stream = writer.values:assign(index)
    local body = (assigned and assigned .. "\n" or "") .. ("%s = %s"):format(name, stream)
    return code.statements(record.head and record.head .. "\n" .. body or body)
end

local function background_line(writer, record, index)
    local done = done_at(writer.records, record)
    if done == index + 1 then
        return lua_line(writer, record, index)
    elseif record.stream then
        return begin_stream(writer, record, index)
    elseif not done then
        return comment(record, "this was not done yet")
    end
    local body = lua_line(writer, record, index)
    return body and ("%s = nr.spawn(function()\n%s\nend)"):format(
        begin(writer, record, "background_%d"), indent(body))
end

local function failed_line(writer, record)
    if record.failed == "cancelled" or not writer.values:needs_error() then
        return comment(record, record.failed == "cancelled" and "this was cancelled" or "this failed")
    end
    local body = (record.head and record.head .. "\n" or "") .. record.code
    if not code.is_statement(body) then
        body = (record.head and record.head .. "\n" or "") .. "return " .. record.code
    end
    return ("_err = select(2, pcall(function()\n%s\nend))"):format(indent(body))
end

local write = {}

function write.load(writer, record)
    local line = writer.style.load(writer, record)
    writer.loaded[record.name] = true
    return line
end

function write.reload(_, record)
    return ("assert(%s:reload())"):format(M.plugin(record.name))
end

function write.unload(_, record)
    return ("assert(%s:unload())"):format(M.plugin(record.name))
end

function write.run(writer, record)
    return writer.style.run:format(quote(record.path))
end

function write.send(writer, record)
    return ("assert(%s:send(%s))"):format(writer.names[record.of], quote(record.data))
end

function write.finish(writer, record)
    return ("assert(%s:finish())"):format(writer.names[record.of])
end

function write.done(writer, record)
    local name = writer.names[record.of]
    if name and record.of.stream then
        return writer.style.stream(writer, record.of, name)
    end
    return name and name .. ":join()"
end

local function line(writer, index)
    local record = writer.records[index]
    if (record.of or record).failed then
        return record.code and failed_line(writer, record)
    elseif write[record.kind] then
        return write[record.kind](writer, record)
    end
    return (record.background and background_line or lua_line)(writer, record, index)
end

---The lines as Lua, in the style of a script or a spec.
---@param records nylon_ring.repl.Record[]
---@param style nylon_ring.repl.Style
---@return string[] lines
---@return integer count how many calls they compare
function M.lines(records, style)
    local writer = { records = records, values = values.new(records), names = {}, begun = 0, count = 0,
        loaded = {}, style = style }
    local lines = {}
    for index in ipairs(records) do
        table.insert(lines, line(writer, index) or nil)
    end
    return lines, writer.count
end

---Requires what a session has as names by itself.
---@param lines string[]
---@return string
function M.modules(lines)
    local head = 'local nr = require "nylon_ring"\n'
    for _, each in ipairs(lines) do
        if each:find "%f[%w_]uv%f[^%w_]" then
            return head .. 'local uv = require "luv"\n'
        end
    end
    return head
end

return M
