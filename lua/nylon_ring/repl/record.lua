-- What a session did, as Lua that does it again: a script (`:save`), or a busted spec of its calls and
-- what they answered (`:spec`).

local nr = require "nylon_ring"
local result = require "nylon_ring.repl.result"
local text = require "nylon_ring.repl.text"

local M = {}

---@class nylon_ring.repl.Record
---@field code? string Lua
---@field kind "load"|"reload"|"unload"|"expression"|"statement"
---@field name? string of a plugin
---@field path? string where a plugin was loaded from
---@field failed? boolean
---@field background? boolean
---@field answer? { status: integer, body: string }
---@field failure? string the code of an error that came as a value
---@field frames? { [1]: integer, [2]: string }[]

-- A string as Lua text of one line; bytes that are no text by their numbers.
local function quote(value)
    local quoted = ("%q"):format(value):gsub("\\\n", "\\n")
    if text.is_text(value) then
        return quoted
    end
    return (quoted:gsub("[\128-\255]", function(byte)
        return ("\\%d"):format(byte:byte())
    end))
end

-- A long string of several lines must keep its lines as they are.
local function indent(code, by)
    return by .. (code:find "%[=*%[" and code or code:gsub("\n", "\n" .. by))
end

-- LuaJIT skips a first line that begins with a #.
local function is_statement(code)
    return loadstring(" " .. code) ~= nil
end

local function is_name(word)
    return word:match "^[%a_][%w_]*$" and loadstring(("local %s"):format(word)) ~= nil
end

-- Where a plugin is in the script: a global, if its name can be one.
local function variable(name)
    return is_name(name) and name or ("_G[%s]"):format(quote(name))
end

local function load_line(record)
    return ("%s = assert(nr.load(%s, { name = %s }))"):format(variable(record.name), quote(record.path),
        quote(record.name))
end

-- Whether a later line uses `_`, `_1` and so on.
local function uses_values(records, from)
    for index = from, #records do
        if records[index].code and records[index].code:find "%f[%w_]_%d*%f[^%w_]" then
            return true
        end
    end
    return false
end

local function comment(record, why)
    return ("-- %s: %s"):format(why, (record.code:gsub("\n", "\n-- ")))
end

local function script_line(records, index)
    local record = records[index]
    if record.kind == "load" then
        return load_line(record)
    elseif record.kind == "reload" or record.kind == "unload" then
        return ("assert(%s:%s())"):format(variable(record.name), record.kind)
    elseif record.failed then
        return comment(record, "this failed")
    end
    local code = record.code
    if record.kind == "expression" and uses_values(records, index + 1) then
        code = ("_1, _2, _3 = %s\n_ = type(_1) == \"number\" and _2 or _1"):format(code)
    elseif record.kind == "expression" and not is_statement(code) then
        code = ("print(%s)"):format(code)
    end
    return record.background and ("nr.spawn(function()\n%s\nend)"):format(indent(code, "    ")) or code
end

---The lines as a script that runs: `nylon-ring FILE`.
---@param records nylon_ring.repl.Record[]
---@return string
function M.script(records)
    local lines = { 'local nr = require "nylon_ring"', "" }
    for index in ipairs(records) do
        table.insert(lines, script_line(records, index))
    end
    return table.concat(lines, "\n") .. "\n"
end

-- ---- Specs --------------------------------------------------------------------------------------

local function status_name(status)
    local name = result.status(status)
    return nr[name] == status and "nr." .. name or tostring(status)
end

-- The code where something follows it on the line, which a comment at its end must not take.
local function inline(code)
    return code:find("--", 1, true) and code .. "\n" or code
end

local function frame_list(frames)
    local list = {}
    for _, frame in ipairs(frames) do
        local status, data = frame[1], quote(frame[2])
        local shown = status == nr.OK and data or ("{ %s, %s }"):format(status_name(status), data)
        table.insert(list, ("    %s,"):format(shown))
    end
    return table.concat(list, "\n")
end

local function assertions(records, index)
    local record = records[index]
    local code = inline(record.code)
    if record.frames then
        return ("assert.frames({\n%s\n}, %s)"):format(frame_list(record.frames), code)
    elseif record.failure then
        return ("assert.status(%s, %s)"):format(quote(record.failure), code)
    end
    local before = ""
    if uses_values(records, index + 1) then
        before, code = ("_1, _2 = %s\n_ = _2\n"):format(record.code), "_1, _2"
    end
    return ("%sassert.same({ %s, %s }, { %s })"):format(before, status_name(record.answer.status),
        quote(record.answer.body), code)
end

local function title(record)
    return (record.code:gsub("%s+", " "))
end

-- Each plugin as it was loaded last.
local function loaded(records)
    local names, by_name = {}, {}
    for _, record in ipairs(records) do
        if record.kind == "load" then
            if not by_name[record.name] then
                table.insert(names, record.name)
            end
            by_name[record.name] = record
        end
    end
    return names, by_name
end

local function fixtures(records)
    local lines = {}
    local names, by_name = loaded(records)
    for _, name in ipairs(names) do
        table.insert(lines, ("    %s%s = nr.test.plugin(%s, { name = %s })\n"):format(
            is_name(name) and "local " or "", variable(name), quote(by_name[name].path), quote(name)))
    end
    return table.concat(lines)
end

-- A line that is no call of a plugin, but may do what a later one needs.
local function is_preparation(record)
    return record.code and not record.failed and not record.background
        and (record.kind == "statement" or is_statement(record.code))
end

---The calls and what they answered, as a spec: `nylon-ring test FILE`. Other lines stand before the call
---that followed them. Also how many calls it holds.
---@param records nylon_ring.repl.Record[]
---@return string
---@return integer
function M.spec(records)
    local head = 'local nr = require "nylon_ring"\n\ndescribe("session", function()\n'
    local parts = { head .. fixtures(records) }
    local before, count = {}, 0
    for index, record in ipairs(records) do
        if record.answer or record.frames or record.failure then
            count = count + 1
            table.insert(before, assertions(records, index))
            table.insert(parts, ("    it(%s, function()\n%s\n    end)\n"):format(quote(title(record)),
                indent(table.concat(before, "\n"), "        ")))
            before = {}
        elseif is_preparation(record) then
            table.insert(before, record.code)
        end
    end
    return table.concat(parts, "\n") .. "end)\n", count
end

return M
