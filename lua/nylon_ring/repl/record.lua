-- What a session did, as Lua that does it again: a script (`:save`), or a busted spec of its calls and
-- what they answered (`:spec`).

local text = require "nylon_ring.repl.text"

local M = {}

---@class nylon_ring.repl.Record
---@field code string Lua
---@field kind "load"|"expression"|"statement"
---@field name? string of a plugin
---@field path? string
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

local function indent(code, by)
    return by .. code:gsub("\n", "\n" .. by)
end

local function load_line(record, declare)
    return ("%s = assert(nr.load(%s, { name = %s }))"):format(declare .. record.name, quote(record.path),
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
        return load_line(record, "")
    elseif record.failed then
        return comment(record, "this failed")
    end
    local code = record.code
    if record.kind == "expression" and uses_values(records, index + 1) then
        code = ("_1, _2, _3 = %s\n_ = type(_1) == \"number\" and _2 or _1"):format(code)
    elseif record.kind == "expression" and not loadstring(code) then
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

local function assertions(record)
    local code = record.code
    if record.frames then
        local frames = {}
        for _, frame in ipairs(record.frames) do
            table.insert(frames, ("    { %d, %s },"):format(frame[1], quote(frame[2])))
        end
        return ("local stream = assert(%s)\nlocal frames = {}\nfor status, data in stream:frames() do\n"
            .. "    table.insert(frames, { status, data })\nend\nassert.same({\n%s\n}, frames)"):format(code,
            table.concat(frames, "\n"))
    elseif record.failure then
        return ("local status, err = %s\nassert.is_nil(status)\nassert.equal(%s, err.code)"):format(code,
            quote(record.failure))
    end
    return ("local status, body = %s\nassert.equal(%d, status)\nassert.equal(%s, body)"):format(code,
        record.answer.status, quote(record.answer.body))
end

local function title(record)
    return (record.code:gsub("%s+", " "))
end

local function hooks(records)
    local setup, teardown, names = {}, {}, {}
    for _, record in ipairs(records) do
        if record.kind == "load" then
            table.insert(names, record.name)
            table.insert(setup, "        " .. load_line(record, ""))
            table.insert(teardown, ("        %s:unload()"):format(record.name))
        end
    end
    if #names == 0 then
        return ""
    end
    local text_of_hooks = "    local %s\n\n    setup(function()\n%s\n    end)\n\n"
        .. "    teardown(function()\n%s\n    end)\n"
    return text_of_hooks:format(table.concat(names, ", "), table.concat(setup, "\n"),
        table.concat(teardown, "\n"))
end

---The calls and what they answered, as a spec: `nylon-ring test FILE`. Other lines stand before the call
---that followed them. Also how many calls it holds.
---@param records nylon_ring.repl.Record[]
---@return string
---@return integer
function M.spec(records)
    local parts = { 'local nr = require "nylon_ring"\n\ndescribe("session", function()\n' .. hooks(records) }
    local before, count = {}, 0
    for _, record in ipairs(records) do
        if record.answer or record.frames or record.failure then
            count = count + 1
            table.insert(before, assertions(record))
            table.insert(parts, ("    it(%s, function()\n%s\n    end)\n"):format(quote(title(record)),
                indent(table.concat(before, "\n"), "        ")))
            before = {}
        elseif record.kind == "statement" and not record.failed then
            table.insert(before, record.code)
        end
    end
    return table.concat(parts, "\n") .. "end)\n", count
end

return M
