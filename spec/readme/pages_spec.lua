-- The README and the other pages for users, taken at their word: their files are written as they stand
-- there, their commands, specs and sessions are run in a folder that looks like the project's, and what they
-- print is compared with what the page shows. spec/support/pages.lua tells the kinds of blocks.
local nr = require "nylon_ring"
local pages = require "spec.support.pages"
local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

local root = uv.cwd()

-- What a page's blocks are run in.
local function make_folder()
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-readme-XXXXXX"))
    for _, name in ipairs { "examples", "plugins", "sdk", "README.md" } do
        assert(uv.fs_symlink(root .. "/" .. name, folder .. "/" .. name))
    end
    assert(uv.fs_mkdir(folder .. "/build", 448))
    assert(uv.fs_symlink(uv.fs_realpath(support.build), folder .. "/build/release"))
    return folder
end

local function write(folder, name, text)
    local path = folder .. "/" .. name
    support.start("/bin/mkdir", { "-p", (path:match "^(.*)/") }):wait()
    local file = assert(io.open(path, "wb"))
    file:write(text, "\n")
    file:close()
    return path
end

-- `./dev` builds, which CMake does only where it did before.
local function run(folder, command)
    return support.start("/bin/sh", { "-c", ("{ %s\n} 2>&1"):format(command) }, {
        cwd = command:find "^%./dev" and root or folder,
        env = {
            HOME = folder,
            XDG_CACHE_HOME = folder .. "/cache",
            XDG_CONFIG_HOME = false,
            XDG_STATE_HOME = false,
        },
    }):wait()
end

-- Why a command of a page is not run, or nil.
local function obstacle(command)
    if command:find "^%./dev" and not support.build:find "build/release$" then
        return "builds and runs the release preset"
    elseif support.sanitized and command:find "%f[%w]luajit%f[%W]" then
        return "a stock LuaJIT would have to load the sanitizer's runtime first"
    end
end

local function check_command(folder, command)
    local outcome = run(folder, command.text)
    assert(pages.matches(pages.lines(outcome.out), command.output),
        ("`%s` printed (exit %d):\n%s\nthe page shows:\n%s"):format(command.text, outcome.code, outcome.out,
            table.concat(command.output, "\n")))
end

local function check_specs(folder, block)
    local source = "local nr = require 'nylon_ring'\n" .. table.concat(block.lines, "\n")
    local path = write(folder, "block_spec.lua", source)
    local outcome = support.run({ "test", "-o", "TAP", path }, { cwd = folder })
    os.remove(path)
    local _, count = source:gsub("%f[%w]it%(\"", "")
    local all_passed = outcome.code == 0 and outcome.out:match("^ok 1 .*\n1%.%." .. count .. "\n$")
    assert(all_passed, outcome.out .. outcome.err)
end

-- The words of a command that runs the program.
local function words_of(command)
    local words = {}
    for word in assert(command:match "^build/release/nylon%-ring (.*)"):gmatch "%S+" do
        table.insert(words, word)
    end
    return words
end

-- What a session has shown at its first prompt.
local function greeting(command)
    local lines = {}
    for _, line in ipairs(command.output) do
        if line:sub(1, 2) == "> " then
            break
        end
        table.insert(lines, line)
    end
    return lines
end

-- The numbers of the background tasks, in the order of their beginnings.
local function tasks_of(text)
    local ids = {}
    for id in text:gmatch "task (%d+) running" do
        table.insert(ids, id)
    end
    return ids
end

-- A line of the page, about the task that has the number here which the page says: `:send 3 hello`.
local function with_own_task(line, shown, screen)
    local own = {}
    for index, id in ipairs(tasks_of(shown)) do
        own[id] = tasks_of(screen)[index]
    end
    return (line:gsub("^(:%a+ )(%d+)", function(command, id)
        return command .. (own[id] or id)
    end))
end

-- The screen must be what the page shows, line by line, up to the prompt.
local function check_session(folder, block)
    local command = pages.entered(block, "$ ")[1]
    local terminal = terminals.open(words_of(command.text), { width = 110, height = 60, cwd = folder })
    finally(function() terminal:close() end)
    local shown = greeting(command)
    local function wait()
        return terminal:wait(function(screen)
            local expected = { unpack(shown) }
            table.insert(expected, ">")
            return pages.matches(pages.lines(screen), expected)
        end)
    end
    local screen = wait()
    for _, line in ipairs(pages.entered(block, "> ")) do
        terminal:enter(with_own_task(line.text, table.concat(shown, "\n"), screen))
        table.insert(shown, "> " .. line.text)
        for _, output in ipairs(line.output) do
            table.insert(shown, output)
        end
        screen = wait()
    end
end

local define = {}

function define.file(block, folder)
    it(("names %s at %s, which can be written"):format(block.file, block.at), function()
        write(folder(), block.file, table.concat(block.lines, "\n"))
    end)
end

function define.console(block, folder)
    for _, command in ipairs(pages.entered(block, "$ ")) do
        it(("shows what `%s` prints (%s)"):format(command.text, block.at), function()
            local why = obstacle(command.text)
            if why then
                return pending(why)
            end
            nr.test.limit(120000) -- the demo builds
            check_command(folder(), command)
        end)
    end
end

function define.spec(block, folder)
    local name = table.concat(block.lines, "\n"):match '%f[%w]it%("(.-)"' or "none"
    it(("has specs that pass: %s (%s)"):format(name, block.at), function()
        check_specs(folder(), block)
    end)
end

function define.repl(block, folder)
    it(("shows a session as a user sees it (%s)"):format(block.at), function()
        check_session(folder(), block)
    end)
end

function define.none()
end

-- Whether a command of the page, further down, uses the file.
local function is_used(blocks, index)
    for later = index + 1, #blocks do
        local text = table.concat(blocks[later].lines, "\n")
        local is_run = pages.use_of(blocks[later]) ~= "none"
        if is_run and text:find(blocks[index].file:match "[^/]+$", 1, true) then
            return true
        end
    end
    return false
end

for _, page in ipairs(pages.list()) do
    describe("the page " .. page, function()
        local made
        local blocks = pages.blocks(page)

        setup(function() made = make_folder() end)
        teardown(function() support.start("/bin/rm", { "-rf", made }):wait() end)

        local function folder()
            return made
        end

        it("says of each block what it is", function()
            for index, block in ipairs(blocks) do
                local use = pages.use_of(block)
                assert(use, ("%s: nobody runs a block of kind '%s'; one that is not to be run is ```text")
                    :format(block.at, block.kind))
                assert(use ~= "file" or is_used(blocks, index), block.at .. ": no command uses this file")
            end
        end)

        for _, block in ipairs(blocks) do
            local use = pages.use_of(block)
            if use then
                define[use](block, folder)
            end
        end
    end)
end
