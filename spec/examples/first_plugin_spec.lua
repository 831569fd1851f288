local support = require "spec.support"
local uv = require "luv"

local README = "examples/first-plugin/README.md"

--- The page's shell blocks, each with the output that stands below it, where one does.
local function steps()
    local text = io.open(README):read "*a"
    local list = {}
    for kind, content in text:gmatch "```(%a+)\n(.-)```" do
        if kind == "sh" then
            table.insert(list, { commands = content })
        elseif kind == "text" then
            list[#list].output = content
        end
    end
    return list
end

--- One shell script of all steps; each one's output goes to a file of its own.
local function script_of(list)
    local lines = { "set -e", "out=$PWD" }
    for index, step in ipairs(list) do
        table.insert(lines, ("{\n%s} >\"$out/%d\" 2>&1"):format(step.commands, index))
    end
    return table.concat(lines, "\n")
end

local function content_of(path)
    local file = io.open(path)
    local text = file and file:read "*a" or "(nothing)"
    if file then
        file:close()
    end
    return text
end

local function trimmed(text)
    return (text:gsub("%s+$", ""))
end

describe("the first plugin", function()
    it("comes about as its page says, from an empty folder to its first call", function()
        local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-first-XXXXXX"))
        local list = steps()
        local script = script_of(list):gsub("%$NYLON_RING/build/release", uv.fs_realpath(support.build))
        local outcome = support.start("sh", { "-c", script },
            { cwd = folder, env = { NYLON_RING = uv.cwd() } }):wait()
        local outputs = {}
        for index in ipairs(list) do
            outputs[index] = content_of(folder .. "/" .. index)
        end
        support.start("rm", { "-r", folder }):wait()

        assert.equal(0, outcome.code, outputs[#outputs] .. outcome.err)
        for index, step in ipairs(list) do
            if step.output then
                local expected, got = trimmed(step.output), trimmed(outputs[index])
                assert.equal(expected, got:sub(-#expected))
            end
        end
        assert.equal(5, #list)
        assert.matches("2 successes / 0 failures / 0 errors", outputs[#list])
    end)
end)
