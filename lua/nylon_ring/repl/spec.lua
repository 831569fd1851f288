-- A session as a busted spec (`:spec`): one `it`, since each line may need what those before it left.

local code = require "nylon_ring.repl.code"
local nr = require "nylon_ring"
local records = require "nylon_ring.repl.record"
local result = require "nylon_ring.repl.result"

local M = {}

local QUICK = 2000 -- milliseconds; a spec may take 5,000 where it says nothing

local quote = code.quote

---@type nylon_ring.repl.Style
local spec = { run = "setfenv(assert(loadfile(%s)), getfenv(1))()" }

-- The first of a name is loaded by the block.
function spec.load(writer, record)
    return writer.loaded[record.name] and records.load_line(record) or nil
end

local function status_name(status)
    local name = result.status(status)
    return nr[name] == status and "nr." .. name or tostring(status)
end

-- The usual end goes without saying.
local function frame_list(frames)
    local list = {}
    for _, frame in ipairs(frames) do
        local status, data = frame[1], quote(frame[2])
        if status == nr.OK then
            table.insert(list, ("    %s,"):format(data))
        elseif status ~= nr.STREAM_END or frame[2] ~= "" then
            table.insert(list, ("    { %s, %s },"):format(status_name(status), data))
        end
    end
    return #list > 0 and "\n" .. table.concat(list, "\n") .. "\n" or ""
end

function spec.stream(writer, record, stream)
    writer.count = writer.count + 1
    if record.frames and not record.frames[1] then
        return ("assert.is_nil((%s:recv())) -- it had ended"):format(code.prefix(stream))
    elseif record.frames then
        return ("assert.frames({%s}, %s)"):format(frame_list(record.frames), code.inline(stream))
    end
    return ("-- these were too many frames to be kept, so they are read and not compared\n"
        .. "for _ in %s:frames() do\nend"):format(code.prefix(stream))
end

local function asserted(writer, record, shown)
    if record.stream then
        return spec.stream(writer, record, shown)
    end
    writer.count = writer.count + 1
    if record.answer and not record.answer.body then
        return ("-- this was too much to be kept, so that only its status is compared\n"
            .. "assert.equal(%s, (select(1, %s)))"):format(status_name(record.answer.status),
            code.inline(shown))
    elseif record.answer then
        return ("assert.same({ %s, %s }, { %s })"):format(status_name(record.answer.status),
            quote(record.answer.body), code.inline(shown))
    end
    return ("assert.status(%s, %s)"):format(quote(record.failure), code.inline(shown))
end

function spec.expression(writer, record, index)
    local assigned, shown = writer.values:assign(index)
    if record.answer or record.failure or record.stream then
        return (assigned and assigned .. "\n" or "") .. asserted(writer, record, shown)
    elseif assigned or code.is_statement(record.code) then
        return assigned or record.code
    end
    return code.calls(record.code) and "_ = " .. record.code or nil
end

-- The first load of each plugin, as a fixture of the block.
local function fixtures(list)
    local lines, names = {}, {}
    for _, record in ipairs(list) do
        local name = record.name
        if record.kind == "load" and not names[name] then
            names[name] = true
            table.insert(lines, ("    %snr.test.plugin(%s, { name = %s })\n"):format(
                code.is_name(name) and ("local %s = "):format(name) or "", quote(record.path), quote(name)))
        end
    end
    return table.concat(lines)
end

-- Plugins that a line has loaded are left to no block's teardown.
local function unloads(list)
    local by_line, loaded, lines = {}, {}, {}
    for _, record in ipairs(list) do
        if record.kind == "load" then
            by_line[record.name] = loaded[record.name] ~= nil
            loaded[record.name] = true
        elseif record.kind == "unload" then
            by_line[record.name] = nil
        end
    end
    for name, is_by_line in pairs(by_line) do
        if is_by_line then
            table.insert(lines, ("assert(%s:unload())"):format(records.plugin(name)))
        end
    end
    return lines
end

-- Scripts that the session ran see its names, plugins too.
local function environment(list)
    local names, runs = {}, false
    for _, record in ipairs(list) do
        runs = runs or record.kind == "run"
        if record.kind == "load" and code.is_name(record.name) and not names[record.name] then
            names[record.name] = true
            table.insert(names, ("%s = %s"):format(record.name, record.name))
        end
    end
    return ("setfenv(1, setmetatable({%s}, { __index = getfenv(1) })) -- what the lines assign"):format(
        runs and #names > 0 and " " .. table.concat(names, ", ") .. " " or "")
end

-- A limit for a session that would come near the usual one.
local function limit(list)
    local took = 0
    for _, record in ipairs(list) do
        took = took + (not record.failed and record.took or 0)
    end
    return took > QUICK and ("    nr.test.limit(%d)\n"):format(math.ceil(took / 1000) * 2000) or ""
end

-- A session may hold streams that it has not read to their end.
local function leaks(list)
    for _, record in ipairs(list) do
        if record.code and record.code:find("call_stream", 1, true) and not record.stream then
            return "    nr.test.allow_leaks() -- streams that the lines hold\n"
        end
    end
    return ""
end

local function indented(lines)
    local list = {}
    for index, line in ipairs(lines) do
        list[index] = code.indent(line, "        ") .. "\n"
    end
    return table.concat(list)
end

---The calls and what they answered, as a spec: `nylon-ring test FILE`. Other lines stand where they stood in
---the session. Also how many calls it holds.
---@param list nylon_ring.repl.Record[]
---@return string
---@return integer
function M.write(list)
    local lines, count = records.lines(list, spec)
    for _, unload in ipairs(unloads(list)) do
        table.insert(lines, unload)
    end
    table.insert(lines, 1, environment(list))
    table.insert(lines, "setfenv(1, _G) -- lets go of it, and of streams that are open")
    local head = records.modules(lines) .. '\ndescribe("session", function()\n'
    return ('%s%s%s\n    it("answers as it did", function()\n%s    end)\nend)\n'):format(head, fixtures(list),
        limit(list) .. leaks(list), indented(lines)), count
end

return M
