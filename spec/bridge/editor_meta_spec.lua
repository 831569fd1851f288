-- lua/nylon_ring/editor_meta.lua tells what the C module holds: neither more nor less.

local editor = require "nylon_ring.editor"

local path = assert(package.searchpath("nylon_ring.editor_meta", package.path))

local function declared(pattern)
    local names = {}
    for line in io.lines(path) do
        local name = line:match(pattern)
        if name then
            names[name] = "function"
        end
    end
    return names
end

local function kinds(found)
    local names = {}
    for name, value in pairs(found) do
        names[name] = type(value)
    end
    return names
end

describe("editor_meta.lua", function()
    it("declares the functions of the module", function()
        assert.same(kinds(editor), declared "^function editor%.([%w_]+)")
    end)

    it("declares the methods of an edited line", function()
        local methods = debug.getregistry()["nylon_ring.editor"].__index
        assert.same(kinds(methods), declared "^function Editor:([%w_]+)")
    end)

    it("refuses what is no terminal", function()
        local fd = require("luv").fs_open("/dev/null", "r", 0)
        local ed, err = editor.new(fd)
        assert.is_nil(ed)
        assert.equal(("descriptor %d is no terminal"):format(fd), err)
        require("luv").fs_close(fd)
    end)
end)
