-- What clients may do to a program with a console: say anything, nothing, or too much, and leave at any time.

local consoles = require "spec.support.console"
local support = require "spec.support"

-- Lives until it is told to end.
local SCRIPT = [[
    local nr = require "nylon_ring"
    nr.spawn(function()
        nr.await(function(resume) stop = resume end)
        kept:stop()
    end)
    kept = require "luv".new_timer()
    kept:start(60000, 60000, function() end)
]]

-- A line that prints until its session is over.
local FLOOD = "pcall(function() while true do print(('x'):rep(1e5)) nr.sleep(0) end end) left = true"

describe("a program with a console", function()
    local program, clients

    before_each(function()
        program, clients = consoles.program(SCRIPT), {}
    end)

    after_each(function()
        for _, client in ipairs(clients) do
            client:close()
        end
        local outcome = program:close()
        assert.equal("", outcome.err)
    end)

    local function client(open)
        local one = (open or consoles.greet)(program.path)
        table.insert(clients, one)
        return one
    end

    it("takes and gives long messages", function()
        local long = ("y"):rep(1e6)
        local outcome = program:join { ("x = '%s'"):format(long), "print(x)", "x == ('y'):rep(1e6)" }
        assert.same({ code = 0, signal = 0, err = "", out = long .. "\ntrue\n" }, outcome)
    end)

    it("gives a client that reads however much it prints, and splits no character of it", function()
        local one, size = client(), 0
        one:send { op = "line", text = "print('a' .. ('\195\164'):rep(6e6))" }
        local message = one:wait "out"
        while size + #message.text < 12e6 + 2 do
            size = size + #message.text
            assert.equal("\195\164", message.text:sub(-2))
            message = one:wait "out"
        end
        assert.equal(12e6 + 2, size + #message.text)
        assert.is_false(one:wait("ready").failed)
    end)

    it("drops who sends what is no message of a client, and tells why", function()
        local wrong = {
            { "no json", "it does not speak the console's language" },
            { "5", "it does not speak the console's language" },
            { '{"op":"complete","id":NaN,"before":""}', "it does not speak the console's language" },
            { "{}", "it asks for what is not known here" },
            { '{"op":{}}', "it asks for what is not known here" },
            { '{"op":"out","text":"x"}', "it asks for what is not known here" },
            { '{"op":"line"}', "the text of its 'line' is none" },
            { '{"op":"line","text":5}', "the text of its 'line' is none" },
            { '{"op":"complete","id":1}', "the before of its 'complete' is none" },
            { '{"op":"complete","id":1e999,"before":""}', "the id of its 'complete' is none" },
            { '{"op":"resize","width":null}', "the width of its 'resize' is none" },
            { '{"op":"resize","width":"80"}', "the width of its 'resize' is none" },
            { '{"op":"resize","width":0}', "the width of its 'resize' is none" },
            { '{"op":"resize","width":1001}', "the width of its 'resize' is none" },
            { '{"op":"hello"}', "the console is to be greeted once, and first" },
        }
        for _, each in ipairs(wrong) do
            local one = client()
            one:send(each[1] .. "\n", { op = "line", text = "touched = true" })
            local bye = one:wait "bye"
            assert.same({ each[1], each[2] }, { each[1], bye and bye.text })
            assert.is_nil(one:wait "ready")
        end
        assert.equal("nil\n", program:join({ "touched" }).out)
    end)

    it("drops who asks before it has said hello, or says nothing at all", function()
        local silent, hasty = client(consoles.connect), client(consoles.connect)
        silent:read()
        hasty:read()
        hasty:send { op = "line", text = "touched = true" }
        assert.equal("the console is to be greeted once, and first", hasty:wait("bye").text)
        assert.equal("no hello came within 2 s", silent:wait("bye").text)
        assert.equal("nil\n", program:join({ "touched" }).out)
    end)

    it("drops who sends a message without an end", function()
        local one = client()
        one:send(("x"):rep(16 * 1024 * 1024 + 1))
        assert.equal("a message is longer than 16 MiB", one:wait("bye").text)
    end)

    it("runs nothing of a client any more that has left by :quit", function()
        local one = client()
        one:send({ op = "line", text = "print 'last'" }, { op = "line", text = ":quit" },
            { op = "line", text = "touched = true" })
        assert.equal("last\n", one:wait("out").text)
        assert.equal(0, one:wait("bye").code)
        assert.is_nil(one:wait "ready")
        assert.equal("nil\n", program:join({ "touched" }).out)
    end)

    it("serves the others when a client is killed in the middle of a line", function()
        local args = { "repl", "--connect", program.path }
        local victim = support.start(support.program, args, { hold_stdin = true })
        local other = support.start(support.program, args, { hold_stdin = true })
        other._pipes.stdin:write "print 'other' repeat nr.sleep(1) until left print 'saw it'\n"
        other:wait_for("out", "other")
        victim._pipes.stdin:write("print 'victim' " .. FLOOD .. "\n")
        victim:wait_for("out", "victim")
        victim:kill "sigkill"
        victim:wait()
        victim:finish()
        other:wait_for("out", "saw it")
        other:send "6 * 7\n"
        assert.equal("other\nsaw it\n42\n", other:wait().out)
        local torn = client()
        torn:send '{"op":"line","te'
        torn:close()
        table.remove(clients)
        assert.equal("42\n", program:join({ "6 * 7" }).out)
    end)

    it("drops a client that does not read, and serves the others meanwhile", function()
        local one = client()
        one.pipe:read_stop()
        one:send { op = "line", text = FLOOD }
        local outcome = program:join { "repeat nr.sleep(1) until left" }
        assert.same({ 0, "" }, { outcome.code, outcome.err })
    end)

    it("ends although a client does not read what it was sent", function()
        local one = client()
        one.pipe:read_stop()
        one:send { op = "line", text = "print(('x'):rep(4e6)) printed = true" }
        client():send { op = "line", text = "repeat nr.sleep(1) until printed stop()" }
        assert.equal(0, program.child:wait().code)
    end)
end)

describe("a plugin's log lines, where there is a console,", function()
    local function log_lines(code)
        local program = consoles.program(([[
            local nr = require "nylon_ring"
            plugin = assert(nr.load(arg[1]))
            %s
            plugin:call("/log?level=3", "before")
            plugin:call("/thread", "kept")
            nr.spawn(nr.sleep, 60000)
        ]]):format(code), support.plugin "fixture_log")
        local one = consoles.greet(program.path)
        one:send { op = "line", text = "plugin:call('/log?level=3', 'while') ;" }
        local shown = one:wait("out").text
        one:send { op = "line", text = ":logs" }
        local recent = ""
        while not recent:find "while" do
            recent = recent .. one:wait("out").text
        end
        one:close()
        return program:close(), shown, recent
    end

    it("go to standard error as without one, and to the clients", function()
        local outcome, shown, recent = log_lines ""
        assert.matches("^%[fixture_log%] warn %d+: before\n%[fixture_log%] info %d+: kept\n"
            .. "%[fixture_log%] warn %d+: while\n$", outcome.err)
        assert.matches("^%[fixture_log%] warn %d+: while\n$", shown)
        assert.matches("before\n.*kept\n.*while\n", recent)
    end)

    it("go to the program's handler, and to the clients", function()
        local outcome, shown = log_lines "nr.on_log(function(line) print(line.message) io.stdout:flush() end)"
        assert.equal("", outcome.err)
        assert.matches("before\n.*kept\n.*while\n$", outcome.out)
        assert.matches("^%[fixture_log%] warn %d+: while\n$", shown)
    end)
end)

describe("a program that is leaving", function()
    -- Takes its time to leave: until there is a file.
    local SLOW = [[
        local nr = require "nylon_ring"
        nr.spawn(function()
            pcall(nr.sleep, 60000)
            nr.shield(function()
                print "leaving" io.stdout:flush()
                repeat nr.sleep(1) until io.open(arg[1])
                print "left"
            end)
        end)
    ]]

    it("is not killed by connections that end then", function()
        local go, remove = support.file("go", "")
        os.remove(go)
        local program = consoles.program(SLOW, go)
        local silent, stalled = consoles.connect(program.path), consoles.greet(program.path)
        stalled.pipe:read_stop()
        stalled:send { op = "line", text = "print(('x'):rep(4e6)) printed = true" }
        program:join { "repeat nr.sleep(1) until printed" }
        program.child:kill "sigterm"
        program.child:wait_for("out", "leaving")
        silent:close()
        stalled:close()
        io.open(go, "w"):close()
        local outcome = program.child:wait()
        program:close()
        remove()
        assert.same({ 143, 0, "" }, { outcome.code, outcome.signal, outcome.err })
        assert.truthy(outcome.out:find("left", 1, true))
    end)
end)
