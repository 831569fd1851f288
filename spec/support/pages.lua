--- The pages that users read, as the blocks that they are made of:
---
---     the block                                     what spec/readme/pages_spec.lua does with it
---     any, right below a line that ends "`NAME`:"   writes it as the file of that name
---     console     `$ command` lines, with output    runs them in that folder, one by one
---     lua         specs                             runs them by `nylon-ring test`
---     repl        `$ command`, then `> line` lines  types them into a terminal
---     text        what is not to be run             nothing
---
--- In what a page shows, a line "..." stands for any lines and "..." in a line for any text; a number with a
--- fraction, or with a unit of time or rate, stands for any number, and so do those of tasks and streams.
local uv = require "luv"

local M = {}

---@class spec.Block
---@field kind string the fence's word
---@field file? string
---@field lines string[]
---@field at string page and line

-- Pages that a spec of another folder takes at their word.
local elsewhere = { ["examples/first-plugin/README.md"] = true }

local function add_pages(list, folder)
    for name, kind in uv.fs_scandir_next, uv.fs_scandir(folder) do
        local path = folder .. "/" .. name
        if kind == "directory" then
            add_pages(list, path)
        elseif name == "README.md" and not elsewhere[path] then
            table.insert(list, path)
        end
    end
end

--- Every page of the project.
---@return string[] paths
function M.list()
    local list = { "README.md" }
    for _, folder in ipairs { "bench", "examples", "lua", "plugins", "sdk", "spec", "src" } do
        add_pages(list, folder)
    end
    table.sort(list)
    return list
end

--- The blocks of a text.
---@param text string
---@param name string
---@return spec.Block[]
function M.parse(text, name)
    local blocks, block, before, at = {}, nil, "", 0
    for line in text:gmatch "([^\n]*)\n?" do
        at = at + 1
        local fence = line:match "^%s*```(%w*)"
        if fence and not block then
            block = { kind = fence, file = before:match "`([%w%-_./]+)`:$", lines = {},
                at = ("%s:%d"):format(name, at) }
        elseif fence then
            table.insert(blocks, block)
            block, before = nil, ""
        elseif block then
            table.insert(block.lines, line)
        elseif line ~= "" then
            before = line
        end
    end
    return blocks
end

--- The text of a page.
---@param path string
---@return string
function M.read(path)
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text
end

--- The blocks of a page.
---@param path string
---@return spec.Block[]
function M.blocks(path)
    return M.parse(M.read(path), path)
end

local uses = { console = "console", lua = "spec", repl = "repl", text = "none" }

--- What is done with a block; nil where that is not said.
---@param block spec.Block
---@return "file"|"console"|"spec"|"repl"|"none"|nil
function M.use_of(block)
    return block.file and "file" or uses[block.kind]
end

--- The commands of a console block, or the lines of a session, with what each is to print.
---@param block spec.Block
---@param prompt string
---@return { text: string, output: string[] }[]
function M.entered(block, prompt)
    local list = {}
    for _, line in ipairs(block.lines) do
        if line:sub(1, #prompt) == prompt then
            table.insert(list, { text = line:sub(#prompt + 1), output = {} })
        elseif #list > 0 then
            table.insert(list[#list].output, line)
        end
    end
    return list
end

-- What differs from run to run, made equal.
local function plain(line)
    line = line:gsub("%d[%d,.]* ?[kM]?/s%f[%W]", "RATE"):gsub("%d[%d,.]* ?[mnµ]*s%f[%W]", "TIME")
    line = line:gsub("%d[%d,]*%.%d+", "N"):gsub("%d[%d,]* (%a+)%f[%W]", function(unit)
        return (unit == "MB" or unit == "packages") and "N " .. unit or nil
    end)
    line = line:gsub("%[%d+", "[N"):gsub("task %d+", "task N"):gsub("^(> :%a+ )%d+", "%1N")
    return (line:gsub("%s+", " "):gsub(" $", ""))
end

local function same(line, expected)
    local pattern = plain(expected):gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
    return plain(line):match("^" .. pattern .. "$") ~= nil
end

local function matches(lines, expected, i, j)
    if j > #expected then
        return i > #lines
    elseif expected[j] == "..." then
        return matches(lines, expected, i, j + 1) or (i <= #lines and matches(lines, expected, i + 1, j))
    end
    return i <= #lines and same(lines[i], expected[j]) and matches(lines, expected, i + 1, j + 1)
end

--- Whether lines are what a page shows.
---@param lines string[]
---@param expected string[]
---@return boolean
function M.matches(lines, expected)
    return matches(lines, expected, 1, 1)
end

--- A text's lines, without empty ones at its end.
---@param text string
---@return string[]
function M.lines(text)
    local lines = {}
    for line in text:gmatch "([^\n]*)\n?" do
        table.insert(lines, line)
    end
    while lines[#lines] == "" do
        table.remove(lines)
    end
    return lines
end

return M
