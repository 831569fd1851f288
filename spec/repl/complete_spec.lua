local complete = require "nylon_ring.repl.complete"
local nr = require "nylon_ring"
local sessions = require "nylon_ring.repl.session"
local support = require "spec.support"
local uv = require "luv"

describe("completion", function()
    local echo = nr.test.plugin(support.plugin "echo")
    local session

    before_each(function()
        session = sessions.new { write = function() end, color = false, on_quit = function() end }
    end)

    after_each(function()
        session:close()
    end)

    -- The line with all that its candidates have in common, and with what follows a single one.
    local function completed(before)
        local found = complete.complete(session, before)
        return found and before:sub(1, found.start - 1) .. found.common .. (found.only and found.suffix or "")
    end

    -- The candidates, in one line.
    local function offered(before)
        local found = complete.complete(session, before)
        return found and found.listing:gsub("%s+", " ")
    end

    it("offers the keys of a request where a call takes one", function()
        for _, call in ipairs {
            "echo:call ", "echo:call(", "echo:call_stream(", "echo:notify ", "nr.request ",
        } do
            assert.equal(call .. "{ path = ", completed(call .. "{ pa"))
            assert.equal(call .. "{ path = '/x', method = ", completed(call .. "{ path = '/x', me"))
        end
        assert.equal("body ext headers method path query state", offered "echo:call {")
        local after_table = "echo:call { headers = { a = 1 }, "
        assert.equal(after_table .. "query = ", completed(after_table .. "qu"))
    end)

    it("offers options after the first argument, and names as values", function()
        assert.equal("echo:call('/x', 'b', { timeout = ", completed "echo:call('/x', 'b', { tim")
        assert.equal("echo:call({ path = '/x' }, { timeout = ", completed "echo:call({ path = '/x' }, { tim")
        assert.equal("echo:call { path = echo", completed "echo:call { path = ech")
        assert.is_nil(completed "echo:call { headers = { zz")
        assert.equal("echo:call { body = f(echo", completed "echo:call { body = f(ech")
    end)

    it("offers known paths as a call's first string and as the path of its request", function()
        echo:call("/thread", "x")
        for _, before in ipairs { "echo:call '", "echo:call(\"", "echo:call { path = \"",
            "echo:call_stream({ method = 'GET', path = '" } do
            session.env.echo = nr.plugin "echo"
            assert.equal(before .. "/thread" .. before:match ".$", completed(before .. "/th"))
        end
        assert.is_nil(completed "echo:call { body = '/thr")
    end)

    it("offers the methods of strings", function()
        assert.equal("rep reverse", offered [[("x"):re]])
        session.env.word = "text"
        assert.equal("rep reverse", offered "word:re")
    end)

    it("offers no field that may not follow a dot, and no name that is none", function()
        session.env.uni = { ["end"] = 1, ending = 2, ["a-b"] = 3 }
        session.env["un-named"] = 1
        assert.equal("uni.ending", completed "uni.en")
        assert.equal("uni unpack until", offered "un")
    end)

    it("offers plugins and files to :inspect", function()
        assert.equal(":inspect echo", completed ":inspect ec")
        local path, remove = support.file("plugin.so", "")
        finally(remove)
        assert.equal(":inspect " .. path, completed(":inspect " .. path:sub(1, -4)))
    end)

    it("offers settings, and the values of those that are switches", function()
        assert.equal(":set json", completed ":set js")
        assert.equal("off on", offered ":set json ")
        assert.equal(":set json off", completed ":set json of")
        assert.is_nil(completed ":set depth ")
    end)

    it("offers files in other strings, and all commands", function()
        local path, remove = support.file("some file", "")
        finally(remove)
        assert.equal(("it = \"isn't\" dofile '%s"):format(path),
            completed(("it = \"isn't\" dofile '%s"):format(path:sub(1, -3))))
        assert.truthy(uv.fs_stat(path))
        assert.equal(":history ", completed ":hist")
        assert.equal(":help history", completed ":help hist")
    end)
end)

describe("a command that is not there", function()
    local function told(line)
        return support.run({ "repl", "--no-rc" }, { stdin = line .. "\n" }).err
    end

    it("may be meant as one of the terminal's", function()
        assert.equal("error: there is no command :histroy. Did you mean :history? :help lists them all.\n",
            told ":histroy")
        assert.equal("error: :edit is for terminals at which lines are edited\n", told ":edit 3")
    end)
end)
