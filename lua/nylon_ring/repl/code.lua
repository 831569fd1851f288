-- Lua as text: what a line that was a chunk of its own needs in order to stand among others.

local text = require "nylon_ring.io.text"
local util = require "jit.util"
local vmdef = require "jit.vmdef"

local M = {}

local LOCALS = 200 -- so many a function may have

---A string as Lua text of one line; bytes that are no text by their numbers.
---@param value string
---@return string
function M.quote(value)
    local quoted = ("%q"):format(value):gsub("\\\n", "\\n")
    if text.is_text(value) then
        return quoted
    end
    return (quoted:gsub("[\128-\255]", function(byte)
        return ("\\%d"):format(byte:byte())
    end))
end

---Where a string ends that begins with a quote, and escapes by backslashes, as in Lua and JSON.
---@param source string
---@param at integer where its first quote is
---@return integer|nil stop nil: it has no end
function M.string_end(source, at)
    local marks = "[\\" .. source:sub(at, at) .. "]"
    local stop = source:find(marks, at + 1)
    while stop and source:byte(stop) == 92 do
        stop = source:find(marks, stop + 2)
    end
    return stop
end

---Moves lines to the right, unless a string of several lines would change with them.
---@param code string
---@param by? string
---@return string
function M.indent(code, by)
    by = by or "    "
    local fixed = code:find "%[=*%[" or code:find("\\\n", 1, true)
    return by .. (fixed and code or code:gsub("\n(%f[^\n\r])", "\n" .. by .. "%1"))
end

---@param word string
---@return boolean
function M.is_name(word)
    return word:match "^[%a_][%w_]*$" ~= nil and loadstring(("local %s"):format(word)) ~= nil
end

---Whether an expression can stand alone as well.
---@param code string
---@return boolean
function M.is_statement(code)
    return loadstring(" " .. code) ~= nil -- LuaJIT skips a first line that begins with a #
end

---The code inside a line: what follows it there must not be taken by a comment at its end.
---@param code string
---@return string
function M.inline(code)
    code = code:gsub("^%s+", "")
    return code:find("--", 1, true) and code .. "\n" or code
end

-- Whether a chunk may leave by a `return` of its own: the one that ends every chunk is its last
-- instruction.
local function returns(code)
    local fn = loadstring((" %s\n_ = nil"):format(code))
    if not fn then
        return true -- nothing may stand after it
    end
    for at = 1, util.funcinfo(fn).bytecodes - 2 do
        local op = bit.band((util.funcbc(fn, at)), 255)
        local name = vmdef.bcnames:sub(op * 6 + 1, op * 6 + 6)
        if name:match "^RET" or name:match "^CALLM?T" then
            return true
        end
    end
    return false
end

-- Whether names that a chunk declares would be there for what follows it.
local function has_locals(code)
    return loadstring(" " .. code .. ("\nlocal _"):rep(LOCALS)) == nil
end

---What a method may be called on.
---@param code string an expression
---@return string
function M.prefix(code)
    if code:match "^[%a_][%w_.:]*$" or code:match "^[%a_][%w_.:]*%b()$" then
        return code
    end
    return ("(%s)"):format(M.inline(code))
end

---Whether an expression calls something, or may do so: else it is a look at a value.
---@param code string
---@return boolean
function M.calls(code)
    return code:find "[%w_%)%]]%s*[%({'\"]" ~= nil or code:find "[%w_%)%]]%s*%[=*%[" ~= nil
end

---Statements as they may stand between others: a `return` ends no more than them, a `local` is theirs, and
---a bracket at their beginning calls nothing that stands above.
---@param code string
---@return string
function M.statements(code)
    if returns(code) then
        return ("do (function()\n%s\nend)() end"):format(M.indent(code))
    elseif has_locals(code) or code:match "^%s*%(" or code:find("::", 1, true) then
        return ("do\n%s\nend"):format(M.indent(code))
    end
    return code
end

return M
