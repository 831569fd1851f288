-- Colours, where the other end shows them.

local M = {}

local codes = {
    ok = "\27[32m", bad = "\27[31m", dim = "\27[2m", strong = "\27[1m", name = "\27[36m",
}

---@param on boolean
---@return fun(style: string, text: string): string
function M.new(on)
    return function(style, text)
        return on and codes[style] .. text .. "\27[0m" or text
    end
end

return M
