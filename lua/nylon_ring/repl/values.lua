-- `_`, `_1` and so on, and `_err`, where the lines of a session are written as Lua: only what a later line
-- names is kept, and that as the session keeps it (repl/environment.lua).

local M = {}

---@class nylon_ring.repl.Values
---@field private _records nylon_ring.repl.Record[]
---@field private _always table<string, true> what functions name, and `_err`: any later line may need them
local Values = {}
Values.__index = Values

-- Adds the names that a text takes from the session: those of its own loops and locals are others.
local function add_names(set, text, pattern)
    text = text:gsub("%f[%w_]for%s[%w_,%s]-%sin%f[^%w_]", " "):gsub("%f[%w_]local%s[%w_,%s]+", " ")
    for name in text:gmatch "%f[%w_]_%w*%f[^%w_]" do
        if name:match(pattern) then
            set[name] = true
        end
    end
end

local function text_of(record)
    return (record.head or "") .. "\n" .. (record.code or "")
end

---@param records nylon_ring.repl.Record[]
---@return nylon_ring.repl.Values
function M.new(records)
    local always = {}
    for _, record in ipairs(records) do
        local text = text_of(record)
        add_names(always, text, "^_err$")
        if text:find "%f[%w_]function%f[^%w_]" then
            add_names(always, text, "^_%d*$")
        end
    end
    return setmetatable({ _records = records, _always = always }, Values)
end

-- The next expression that is waited for keeps values of its own.
local function overwrites(record)
    return record.kind == "expression" and not record.failed and not record.background
end

function Values:_used(index)
    local used = {}
    for name in pairs(self._always) do
        used[name] = true
    end
    for at = index + 1, #self._records do
        add_names(used, text_of(self._records[at]), "^_%d*$")
        if overwrites(self._records[at]) then
            break
        end
    end
    return used
end

---Whether a later line names `_err`.
---@return boolean
function Values:needs_error()
    return self._always._err == true
end

local function numbered(last)
    local names = {}
    for number = 1, last do
        names[number] = "_" .. number
    end
    return names
end

---The assignment that keeps an expression's values, and the names that stand for the first ones in place of
---the expression then; nil and the expression where no later line names any.
---@param index integer of the expression's record
---@return string|nil assignment
---@return string values
function Values:assign(index)
    local record = self._records[index]
    local used, main = self:_used(index), record.answer and 2 or 1
    local keeps_error = used._err and record.refused
    local last = 0
    for name in pairs(used) do
        last = math.max(last, tonumber(name:match "%d+") or 0)
    end
    if last == 0 and not used._ and not keeps_error then
        return nil, record.code
    end
    local names = numbered(math.max(last, record.values or 1, 1))
    local lines = { ("%s = %s"):format(table.concat(names, ", "), record.code) }
    if used._ then
        table.insert(lines, "_ = _" .. main)
    end
    if keeps_error then
        table.insert(lines, "_err = _2")
    end
    local count = math.max(1, math.min(#names, record.values or 1))
    return table.concat(lines, "\n"), table.concat(names, ", ", 1, count)
end

return M
