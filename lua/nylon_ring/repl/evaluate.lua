-- What an entered text means: an expression whose values are shown, or statements; silent, in the
-- background.

local M = {}

---@class nylon_ring.repl.Entry
---@field text string as it was entered
---@field code string the Lua of it, without the marks at its end
---@field fn? function the compiled chunk; an expression's answers its values as a table with their number
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

local function load_text(text, chunkname)
    local body = text:match "^%s*=(.*)$" or text
    if not body:match "^%s*$" and loadstring("return " .. body, chunkname) then
        -- No tail call: errors name the line that was entered.
        local fn = loadstring("return (...)(" .. body .. "\n)", chunkname)
        if fn then
            return fn, nil, true
        end
    end
    local fn
    local kept = keep_local(body)
    if kept then
        fn = loadstring(kept, chunkname)
        if fn then
            return fn, nil, false
        end
    end
    local err
    fn, err = loadstring(" " .. body, chunkname) -- LuaJIT skips a first line that begins with a #
    return fn, err, false
end

---Compiles what was entered. The chunk's environment is set by whoever runs it.
---@param text string
---@param chunkname? string
---@return nylon_ring.repl.Entry
function M.compile(text, chunkname)
    chunkname = chunkname or "=input"
    local entry = { text = text, silent = false, background = false, expression = false }
    local fn, err, expression = load_text(text, chunkname)
    local body = text
    if not fn then
        local without = body:match "^(.-)%s*&%s*$"
        if without then
            local again, _, is_expression = load_text(without, chunkname)
            if again then
                fn, expression, body, entry.background = again, is_expression, without, true
            end
        end
    end
    local without = body:match "^(.-)%s*;%s*$"
    if without then
        local again, _, is_expression = load_text(without, chunkname)
        if again and is_expression then
            fn, expression = again, true
            entry.silent = true
        end
        entry.silent = true
    end
    entry.code = ((without or body):gsub("^%s*=", ""))
    entry.fn, entry.expression = fn, expression
    if not fn then
        entry.err = err
        entry.incomplete = is_unfinished(err)
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
