--- A folder of its own for each spec of a file, with what the program under test is to find there.
local busted = require "busted"
local support = require "spec.support"
local uv = require "luv"

local M = {}

---@class spec.Folder
---@field path string
local Folder = {}
Folder.__index = Folder

--- Makes one before each spec of the block that calls this, and removes it after.
---@return spec.Folder
function M.each()
    local folder = setmetatable({}, Folder)
    busted.before_each(function()
        folder.path = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-spec-XXXXXX"))
    end)
    busted.after_each(function()
        support.start("/bin/rm", { "-rf", folder.path }):wait()
    end)
    return folder
end

---@param name string
---@return string path
function Folder:file(name)
    return self.path .. "/" .. name
end

---@param name string
---@param content string
function Folder:write(name, content)
    local file = assert(io.open(self:file(name), "wb"))
    file:write(content)
    file:close()
end

--- What a file holds; nil where it is not there.
---@param name string
---@return string|nil
function Folder:read(name)
    local file = io.open(self:file(name), "rb")
    local text = file and file:read "*a"
    if file then
        file:close()
    end
    return text
end

--- Writes a spec file that has `nr`.
---@param name string
---@param content string
function Folder:write_spec(name, content)
    self:write(name, "local nr = require 'nylon_ring'\n" .. content)
end

--- Runs `nylon-ring test` over it; in the output its files go by their names.
---@async
---@param ... string words
---@return spec.Outcome
function Folder:test(...)
    local got = support.run { "test", self.path, ... }
    got.out = got.out:gsub("[^ \n(\"]*/(%w+_spec%.lua)", "%1")
    return got
end

return M
