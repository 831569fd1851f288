-- The plugins that a session's commands take by name.

local lua_plugins = require "nylon_ring.lua_plugin"
local nr = require "nylon_ring"
local text = require "nylon_ring.io.text"

local M = {}

---@class nylon_ring.repl.Known a plugin as a session knows it
---@field name string
---@field plugin nylon_ring.Plugin
---@field kind string

-- Plugins that are written in Lua are known by the variables that hold them.
local function add_variables(known, scope)
    for name, value in next, scope do
        if type(name) == "string" and name:sub(1, 1) ~= "_"
            and getmetatable(value) == lua_plugins.LuaPlugin and value:info() then
            table.insert(known, { name = name, plugin = value, kind = "Lua" })
        end
    end
end

---The plugins of a session, the loaded ones first.
---@param session nylon_ring.repl.Session
---@return nylon_ring.repl.Known[]
function M.of(session)
    local known, in_lua = {}, {}
    for _, plugin in ipairs(nr.plugins()) do
        table.insert(known, { name = plugin.name, plugin = plugin, kind = "ABI v" .. plugin.abi })
    end
    add_variables(in_lua, session.env)
    add_variables(in_lua, _G)
    table.sort(in_lua, function(a, b)
        return a.name < b.name
    end)
    for _, each in ipairs(in_lua) do
        table.insert(known, each)
    end
    return known
end

---A plugin in words.
---@param plugin nylon_ring.Plugin
---@return string
function M.describe(plugin)
    return text.line(("%s %s (ABI v%d, %s)"):format(plugin.name, plugin.version, plugin.abi, plugin.path))
end

---Loads a plugin for a session and tells it.
---@async
---@param session nylon_ring.repl.Session
---@param path string
---@param name? string
---@return true|nil ok
---@return string|nil problem
function M.load(session, path, name)
    local plugin, err = nr.load(path, { name = name })
    if not plugin then
        return nil, tostring(err)
    end
    session.notes:add { kind = "load", name = plugin.name, path = plugin.path }
    session:write(("loaded %s\n"):format(M.describe(plugin)))
    return true
end

---The plugin that a command's argument means; none is needed where there is one only.
---@param session nylon_ring.repl.Session
---@param name string
---@return nylon_ring.repl.Known|nil
---@return string|nil problem
function M.named(session, name)
    local known, names = M.of(session), {}
    if name == "" and #known == 1 then
        return known[1]
    elseif name == "" then
        local hint = #known == 0 and "None is loaded: :load PATH" or ":plugins lists them"
        return nil, "which plugin? " .. hint
    end
    for index, each in ipairs(known) do
        if each.name == name then
            return each
        end
        names[index] = each.name
    end
    local near = text.nearest(name, names)
    local meant = near and ("; did you mean %s?"):format(near) or ""
    return nil, ("no plugin is loaded as %s%s"):format(name, meant)
end

return M
