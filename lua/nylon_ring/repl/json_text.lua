-- JSON as it came, with line ends and indentation: nothing but white space is changed, so keys keep their
-- order and numbers their digits.

local cjson = require "cjson"
local code = require "nylon_ring.repl.code"

local M = {}

local strict = cjson.new()
strict.decode_invalid_numbers(false)

-- The token at `at`, which is no white space: a string, a mark, or what stands between marks.
local function token_at(text, at)
    local stop
    if text:byte(at) == 34 then
        stop = code.string_end(text, at)
    else
        stop = select(2, text:find("^[^%s{}%[%],:\"]+", at)) or at
    end
    return text:sub(at, stop), stop + 1
end

local function indented(text)
    local out, depth, before = {}, 0, nil
    local function line()
        table.insert(out, "\n" .. ("  "):rep(depth))
    end
    local at = text:find "%S"
    while at do
        local token, after = token_at(text, at)
        local closes, opened = token == "}" or token == "]", before == "{" or before == "["
        depth = closes and depth - 1 or depth
        if before == "," or opened ~= closes then -- an empty one stays on its line
            line()
        end
        table.insert(out, token == ":" and ": " or token)
        depth = (token == "{" or token == "[") and depth + 1 or depth
        before, at = token, text:find("%S", after)
    end
    return table.concat(out)
end

---A JSON text with its parts on lines of their own; nil where it is none.
---@param text string
---@return string|nil
function M.indent(text)
    return pcall(strict.decode, text) and indented(text) or nil
end

return M
