-- The stub for editors is held against the module that was built.

local core = require "nylon_ring.core"

local path = assert(package.searchpath("nylon_ring.core_meta", package.path))

-- Fields that Lua adds to the module.
local added = { api = true, modules = true, scheduler = true }

-- What the stub declares, each with the comment above it; functions with their parameters.
local function declared()
    local list, comment = {}, {}
    for line in io.lines(path) do
        local name, parameters = line:match "^function core%.([%w_]+)%((.-)%) end$"
        name = name or line:match "^core%.([%w_]+) = "
        if name then
            list[name] = { comment = table.concat(comment, "\n"), parameters = parameters }
        end
        comment[#comment + 1] = line:match "^%-%-%-.*"
        if not line:find "^%-%-%-" then
            comment = {}
        end
    end
    return list
end

local function functions()
    local list = declared()
    for name, entry in pairs(list) do
        list[name] = entry.parameters and entry
    end
    return list
end

describe("the stub of nylon_ring.core", function()
    it("has what the module has, and nothing else", function()
        local stub = declared()
        for name, value in pairs(core) do
            if not added[name] then
                assert(stub[name], name .. " is not in core_meta.lua")
                assert.equal(type(value) == "function", stub[name].parameters ~= nil, name)
            end
        end
        for name in pairs(stub) do
            assert(core[name] ~= nil, name .. " is not in the module")
        end
    end)

    it("describes every parameter, in order", function()
        for name, entry in pairs(functions()) do
            local described = {}
            for parameter in entry.comment:gmatch "@param ([%w_.]+)" do
                described[#described + 1] = parameter
            end
            assert.equal(entry.parameters, table.concat(described, ", "), name)
        end
    end)

    it("says of every function that it may suspend, and of no other", function()
        for name, entry in pairs(functions()) do
            local async = entry.comment:find("@async", 1, true) ~= nil
            local suspends = ({ suspend = 1, call = 1, await = 1, recv = 1, await_unload = 1 })[name] ~= nil
            assert.equal(suspends, async, name)
        end
    end)
end)
