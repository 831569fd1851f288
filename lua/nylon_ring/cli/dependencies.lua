--- The Lua modules of others that the command line needs, and what to install where one is missing.
local M = {}

--- What everything needs.
M.always = { "luv", "cjson", "argparse" }

--- What a command needs besides.
M.of = {
    man = { "inspect" }, -- it lists the REPL's commands
    repl = { "inspect" },
    test = { "busted" },
}

-- The names of the rocks that are not the module's.
local rocks = { cjson = "lua-cjson" }

local function is_installed(name)
    return package.loaded[name] or package.preload[name] or package.searchpath(name, package.path)
        or package.searchpath(name, package.cpath)
end

--- What to do about the first of these modules that is not installed; nil where all are.
---@param names string[]|nil
---@return string|nil
function M.missing(names)
    for _, name in ipairs(names or {}) do
        if not is_installed(name) then
            return ("the Lua module '%s' is not installed: apt-get install lua-%s, or "
                .. "luarocks --lua-version 5.1 install %s"):format(name, name, rocks[name] or name)
        end
    end
end

return M
