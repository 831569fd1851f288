-- The README and the other pages for users, taken at their word: their files are written as they stand there,
-- their commands are run in a folder that looks like the project's, and what they print is compared with what
-- the page shows.
--
-- A fenced block belongs to the file that the line before it names ("`hello.lua`:"). In a console block `$ `
-- begins a command and the rest is its output; a line "..." stands for any lines and "..." in a line for any
-- text; a number with a fraction, or with a unit of time or size, stands for any number.
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

---@class spec.readme.Block
---@field kind string the fence's word
---@field file? string
---@field lines string[]
---@field at string page and line

---@return spec.readme.Block[]
local function read_blocks(path)
    local blocks, block, before, at = {}, nil, "", 0
    for line in io.lines(path) do
        at = at + 1
        local fence = line:match "^```(%w*)"
        if fence and not block then
            block = { kind = fence, file = before:match "`([%w%-_./]+)`:$", lines = {},
                at = ("%s:%d"):format(path, at) }
        elseif fence then
            table.insert(blocks, block)
            block = nil
        elseif block then
            table.insert(block.lines, line)
        elseif line ~= "" then
            before = line
        end
    end
    return blocks
end

-- Commands of a console block with the lines that each is to print.
local function read_commands(block)
    local commands = {}
    for _, line in ipairs(block.lines) do
        local command = line:match "^%$ (.*)"
        if command then
            table.insert(commands, { text = command, output = {} })
        elseif #commands > 0 then
            table.insert(commands[#commands].output, line)
        end
    end
    return commands
end

local units = { "ms", "s", "MB", "packages" }

-- What differs from run to run, made equal.
local function plain(line)
    line = line:gsub("%d[%d,]*%.%d+", "N")
    for _, unit in ipairs(units) do
        line = line:gsub("%d[%d,]* " .. unit .. "%f[%W]", "N " .. unit)
    end
    return (line:gsub("%s+", " "):gsub(" $", ""))
end

local function same(line, expected)
    local pattern = plain(expected):gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
    return plain(line):match("^" .. pattern .. "$") ~= nil
end

-- Whether `lines` from `i` on are what `expected` from `j` on describes.
local function matches(lines, expected, i, j)
    if j > #expected then
        return i > #lines
    elseif expected[j] == "..." then
        return matches(lines, expected, i, j + 1) or (i <= #lines and matches(lines, expected, i + 1, j))
    end
    return i <= #lines and same(lines[i], expected[j]) and matches(lines, expected, i + 1, j + 1)
end

local function split(text)
    local lines = {}
    for line in text:gmatch "([^\n]*)\n?" do
        table.insert(lines, line)
    end
    while lines[#lines] == "" do
        table.remove(lines)
    end
    return lines
end

local pages = { "README.md", "lua/nylon_ring/cli/README.md" }

describe("what users read", function()
    local root = uv.cwd()
    local folder

    setup(function()
        folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-readme-XXXXXX"))
        for _, name in ipairs { "examples", "plugins", "sdk" } do
            assert(uv.fs_symlink(root .. "/" .. name, folder .. "/" .. name))
        end
        assert(uv.fs_mkdir(folder .. "/build", 448))
        assert(uv.fs_symlink(uv.fs_realpath(support.build), folder .. "/build/release"))
    end)

    teardown(function()
        support.start("/bin/rm", { "-rf", folder }):wait()
    end)

    local function write(block)
        local path = folder .. "/" .. block.file
        support.start("/bin/mkdir", { "-p", (path:match "^(.*)/") }):wait()
        local file = assert(io.open(path, "wb"))
        file:write(table.concat(block.lines, "\n"), "\n")
        file:close()
    end

    -- `./dev` builds, which CMake does only where it did before.
    local function run(command)
        return support.start("/bin/sh", { "-c", ("{ %s\n} 2>&1"):format(command) }, {
            cwd = command:find "^%./dev" and root or folder,
            env = { XDG_CACHE_HOME = folder .. "/cache" },
        }):wait()
    end

    local function check(command)
        local outcome = run(command.text)
        local printed = split(outcome.out)
        assert(matches(printed, command.output, 1, 1), ("`%s` printed (exit %d):\n%s\nthe page shows:\n%s")
            :format(command.text, outcome.code, outcome.out, table.concat(command.output, "\n")))
    end

    local function define(block)
        if block.file then
            it(("names %s at %s, which can be written"):format(block.file, block.at), function()
                write(block)
            end)
        elseif block.kind == "console" then
            for _, command in ipairs(read_commands(block)) do
                it(("shows what `%s` prints (%s)"):format(command.text, block.at), function()
                    if command.text:find "^%./dev" and not support.build:find "build/release$" then
                        return pending "builds and runs the release preset"
                    end
                    nr.timeout(120000, check, command)
                end)
            end
        end
    end

    for _, page in ipairs(pages) do
        for _, block in ipairs(read_blocks(page)) do
            define(block)
        end
    end
end)
