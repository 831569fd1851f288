-- What an entered text means: an expression whose values are shown, or statements; silent, in the
-- background. How its chunk is run.

local jit = require "jit"

local M = {}

local MOST_ENDS = 200 -- of a text's statements, at which it is compiled in two

---@class nylon_ring.repl.Entry
---@field text string as it was entered
---@field name string what its task is called
---@field code string the Lua that runs, without the marks at its end; of an expression no more than that
---@field head string the statements before an expression
---@field fn? function the compiled chunk; an expression's values are those of `evaluate.values`
---@field err? string why it does not compile
---@field incomplete? boolean it would, if more came
---@field expression boolean
---@field silent boolean a `;` at its end
---@field background boolean an `&` at its end
---@field record? nylon_ring.repl.Record of a line of Lua

local function is_unfinished(err)
    return err:find("'<eof>'$") ~= nil and not err:find("unfinished string", 1, true)
end

-- The first `local` of an entry would be forgotten with it, so it makes a name of the session instead.
local function keep_local(text)
    local rest = text:match "^%s*local%s+(function%s.*)$"
    if not rest then
        rest = text:match "^%s*local%s+([%a_][%w_]*[%s,][%w_%s,]*=[^=].*)$"
            or text:match "^%s*local%s+([%a_][%w_]*=[^=].*)$"
    end
    return rest
end

-- The nil makes it no tail call: errors name the line that was entered.
local function load_expression(head, tail, chunkname)
    if tail:match "^%s*$" then
        return nil
    end
    local fn, err = loadstring("return " .. tail, chunkname)
    if fn then
        return loadstring(head .. "return nil, " .. tail, chunkname)
    end
    return nil, err
end

local RETURN = "^%s*return%f[^%w_]"

-- Where statements may end, up to the end of a line: with a line, a semicolon, or before a `return`.
local function possible_ends(text, last_line)
    local ends, line = {}, 1
    for at, mark in text:gmatch "()([\n; \t])" do
        line = mark == "\n" and line + 1 or line
        if line > last_line then
            break
        elseif mark == "\n" or mark == ";" or text:find(RETURN, at) then
            table.insert(ends, at)
        end
    end
    return ends
end

-- Statements that end with an expression which `is_meant` takes: its values are those of all.
local function load_last_expression(text, chunkname, last_line, is_meant)
    text = keep_local(text) or text
    local ends = possible_ends(text, last_line)
    for index = #ends, math.max(1, #ends - MOST_ENDS), -1 do
        local at = ends[index]
        local tail = text:sub(at + 1)
        local returned = select(2, tail:find(RETURN))
        tail = returned and tail:sub(returned + 1) or tail
        local fn = (returned or is_meant(tail)) and load_expression(text:sub(1, at), tail, chunkname)
        if fn and loadstring(" " .. text:sub(1, at)) then
            return fn, text:sub(1, at - 1), tail
        end
    end
end

-- A call, which is a statement as well. What begins with no name might go on with the line above.
local function is_call(tail)
    return tail:find "^%s*[%a_]" and loadstring(tail)
end

local function is_any()
    return true
end

-- Whether a text that is no statements may end with an expression: also a name alone wants more.
local function may_be_expression(err)
    return not is_unfinished(err) or err:find("'=' expected", 1, true) or err:find("syntax error", 1, true)
end

-- Statements as they are compiled.
local function as_compiled(text)
    local kept = keep_local(text)
    return kept and loadstring(kept) and kept or text
end

local function load_statements(text, chunkname)
    return loadstring(" " .. as_compiled(text), chunkname) -- LuaJIT skips a first line that begins with a #
end

-- The chunk; of an expression also the statements before it, "" where there are none, and the expression. Or
-- nil, nil, nil, why it does not compile, and whether it would, if more came.
local function load_text(text, chunkname)
    local body = text:match "^%s*=(.*)$" or text:match "^%s*return%f[^%w_](.*)$" or text
    local fn, why = load_expression("", body, chunkname)
    if fn then
        return fn, "", body
    end
    local statements, err = load_statements(text, chunkname)
    local head, tail
    if statements then
        fn, head, tail = load_last_expression(text, chunkname, math.huge, is_call)
    elseif may_be_expression(err) then
        -- All before it are statements, so that the expression begins in the line of the error or above.
        fn, head, tail = load_last_expression(text, chunkname, tonumber(err:match ":(%d+): "), is_any)
    end
    if fn then
        return fn, head, tail
    end
    return statements, nil, nil, err, err and (is_unfinished(err) or why and is_unfinished(why))
end

-- The marks at a text's end: what is before them.
local function without_mark(text, mark)
    return text:match("^(.-)%s*" .. mark .. "%s*$")
end

---Makes a chunk one of a session's: with its globals, and without compiled loops, which Ctrl-C could not
---stop. What it calls is compiled as ever.
---@param fn function
---@param env table
---@return function fn
function M.bind(fn, env)
    jit.off(fn, true)
    return setfenv(fn, env)
end

local function pack(_, ...)
    return { n = select("#", ...), ... }
end

---Runs a chunk.
---@async
---@param fn function
---@return { n: integer } values none where it is no expression
function M.values(fn)
    return pack(fn())
end

---Compiles what was entered. The chunk's environment is set by whoever runs it.
---@param text string
---@param chunkname? string
---@return nylon_ring.repl.Entry
function M.compile(text, chunkname)
    chunkname = chunkname or "=input"
    local entry = { text = text, name = chunkname:sub(2), silent = false, background = false }
    local fn, head, tail, err, incomplete = load_text(text, chunkname)
    local code = text
    local before = not fn and without_mark(text, "&")
    if before and before:find "%S" then
        local again, its_head, its_tail = load_text(before, chunkname)
        if again then
            fn, head, tail, code, entry.background = again, its_head, its_tail, before, true
        end
    end
    before = without_mark(code, ";")
    if before then
        local again, its_head, its_tail = load_text(before, chunkname)
        if its_tail then
            fn, head, tail = again, its_head, its_tail
        end
        code, entry.silent = before, true
    end
    entry.fn, entry.expression = fn, tail ~= nil
    entry.head, entry.code = head or "", tail or as_compiled(code)
    if not fn then
        entry.err, entry.incomplete = err, incomplete
    end
    return entry
end

---Whether a text is the beginning of something that goes on in the next line.
---@param text string
---@return boolean
function M.is_incomplete(text)
    if text:match "^%s*$" or text:match "^%s*:" then
        return false
    end
    return M.compile(text).incomplete == true
end

return M
