local support = require "spec.support"
local terminals = require "spec.support.terminal"

--- Starts the program with its output on a terminal, which `script` makes.
local function start(command, env)
    local line = ("'%s' %s"):format(support.program, command)
    env = env or {}
    env.TERM, env.NO_COLOR = "xterm", env.NO_COLOR or false
    return support.start("script", { "-qefc", line, "/dev/null" }, { env = env })
end

--- Runs it so, and answers what it showed.
local function on_terminal(command, env)
    return start(command, env):wait().out
end

describe("on a terminal", function()
    local echo = support.plugin "echo"

    it("a body gets the end of line that it lacks", function()
        assert.equal("hi\r\n", on_terminal(("call '%s' /echo -d hi"):format(echo)))
        assert.equal("hi\r\n", on_terminal(("call '%s' /echo -d 'hi\n'"):format(echo)))
    end)

    it("bytes that are no text are not shown", function()
        local path, remove = support.file("body", "a\0b")
        finally(remove)
        local words = ("call '%s' /echo -d '@%s'"):format(echo, path)
        local shown = on_terminal(words, { NO_COLOR = "1" })
        assert.matches("^nylon%-ring call: the answer is binary[^\n]*%-o FILE[^\n]*\r\n$", shown)
        assert.matches('"a\\u0000b"', on_terminal(words .. " --json"))
    end)

    it("a stream that goes quiet after its first frame gets a word, once", function()
        local terminal = terminals.open({ "call", echo, "/echo", "-d", "hi", "--stream" }, { width = 200 })
        finally(function() terminal:close() end)
        terminal:wait "if this path answers only once, leave --stream out"
        terminal:press "C-c"
        assert.matches("^hi\nnylon%-ring call: nothing has followed the first frame[^\n]*\n",
            terminal:wait "left 130")
    end)

    it("errors have colour, unless NO_COLOR is set", function()
        assert.matches("^\27%[1;31mnylon%-ring call\27%[0m: ", on_terminal "call")
        assert.matches("^nylon%-ring call: ", on_terminal("call", { NO_COLOR = "1" }))
    end)

    it("busted's own default output is used, a plain one where NO_COLOR is set", function()
        local path, remove = support.file("a_spec.lua", "it('shines', function() end)")
        finally(remove)
        assert.matches("\27%[", on_terminal("test " .. path))
        local plain = on_terminal("test " .. path, { NO_COLOR = "1" })
        assert.is_nil(plain:find("\27", 1, true))
        assert.matches("1 success", plain)
    end)

    it("a line about a spec that does not suspend has a line of its own", function()
        local path, remove = support.file("a_spec.lua", [[
            it("is first", function() end)
            it("is busy", function() while not require "luv".fs_stat(arg[#arg] .. ".go") do end end)
        ]])
        finally(remove)
        local run = start("test --timeout 100 " .. path)
        run:wait_for("out", "does not suspend")
        assert(io.open(path .. ".go", "w")):close()
        assert.matches("\r\nnylon%-ring test: the spec did not end within 100 ms", run:wait().out)
        os.remove(path .. ".go")
    end)
end)
