-- What people type who do not know the commands yet, because it leaves or helps elsewhere.

local M = {}

local meant = { exit = ":quit leaves", quit = ":quit leaves", help = ":help lists the commands" }

-- Globals may have a metatable that complains.
local function is_defined(env, name)
    local ok, value = pcall(function()
        return env[name]
    end)
    return ok and value ~= nil
end

---What a line is told that is such a word, as long as nothing has that name.
---@param line string
---@param env table the session's globals
---@return string|nil
function M.of(line, env)
    local name = line:match "^%s*(%l+)%s*$" or line:match "^%s*(%l+)%s*%(%s*%)%s*$"
    if meant[name] and not is_defined(env, name) then
        return ("nothing is called %s; %s"):format(name, meant[name])
    end
end

return M
