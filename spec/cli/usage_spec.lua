local support = require "spec.support"

local commands = { "run", "call", "inspect", "test", "completion", "man", "help" }

describe("the command line", function()
    it("says what it is for without arguments, and leaves with 2", function()
        local got = support.run {}
        assert.equal(2, got.code)
        assert.equal("", got.out)
        assert.equal("nylon-ring: a script or a command is missing; see `nylon-ring --help`\n", got.err)
    end)

    it("lists its commands in --help", function()
        local got = support.run { "--help" }
        assert.equal(0, got.code)
        assert.equal("", got.err)
        for _, command in ipairs(commands) do
            assert.matches("\n +" .. command .. " ", got.out)
        end
    end)

    for _, command in ipairs(commands) do
        it("explains " .. command, function()
            local got = support.run { command, "--help" }
            assert.equal(0, got.code)
            assert.equal("", got.err)
            assert.matches("^Usage: nylon%-ring %[?" .. command, got.out)
        end)
    end

    it("explains itself and each command by help as by --help", function()
        assert.same(support.run { "--help" }, support.run { "help" })
        assert.same(support.run { "call", "--help" }, support.run { "help", "call" })
    end)

    it("lays help out for 80 columns, or as many as there are", function()
        local function longest(columns, ...)
            local most = 0
            for line in support.run({ ... }, { env = { COLUMNS = columns } }).out:gmatch "[^\n]+" do
                most = math.max(most, #line)
            end
            return most
        end
        for _, command in ipairs(commands) do
            assert.is_true(longest(false, command, "--help") <= 80, command)
        end
        assert.is_true(longest("50", "help", "inspect") <= 50)
        assert.is_true(longest("100", "help", "call") > 80)
    end)

    it("tells its version", function()
        local got = support.run { "--version" }
        assert.equal(0, got.code)
        assert.matches("^nylon%-ring %d+%.%d+%.%d+\n$", got.out)
    end)

    local wrong = {
        { { "--bogus" }, "unknown option '%-%-bogus'" },
        { { "run" }, "a script is missing" },
        { { "call" }, "missing argument 'plugin'" },
        { { "call", "x.so" }, "missing argument 'target'" },
        {
            { "call", "x.so", "/", "--timeout", "soon" },
            "option '%-%-timeout': 'soon' is not a whole number of 1 or more",
        },
        { { "call", "x.so", "/", "--timeout", "-5" }, "option '%-%-timeout': '%-5' is not a whole number" },
        { { "call", "x.so", "/", "-o", "f", "--repeat", "2" }, "%-o cannot be repeated" },
        { { "call", "x.so", "/", "-H", "novalue" }, "header 'novalue' is not of the form 'Key: value'" },
        { { "call", "x.so", "/", "--concurrency", "2" }, "%-%-concurrency needs %-%-repeat" },
        { { "call", "x.so", "/", "--input", "-" }, "%-%-input needs %-%-stream" },
        { { "call", "x.so", "/", "--deadline", "9" }, "%-%-deadline needs %-%-stream" },
        { { "call", "x.so", "/", "--max-frames", "64" }, "%-%-max%-frames needs %-%-stream" },
        { { "call", "x.so", "/", "--stream", "--input", "-", "--repeat", "2" }, "cannot be repeated" },
        { { "call", "x.so", "/", "--stream", "--input", "-", "-d", "@-" }, "either the body or the input" },
        { { "inspect" }, "missing argument 'plugin'" },
        { { "test", "--xqzqzq" }, "unknown option '%-%-xqzqzq'; see" },
        { { "test", "--tmeout", "4" }, "unknown option '%-%-tmeout'; did you mean '%-%-timeout'; see" },
        { { "test", "--sufle=4" }, "unknown option '%-%-sufle'; did you mean '%-%-shuffle'; see" },
        { { "/tmp" }, "/tmp: is a directory" },
        { { "run", "no_such_script" }, "no_such_script: no such file or directory" },
        { { "cal", "x" }, "there is no command or script 'cal'; did you mean 'call'%?" },
        { { "no/such/script.lua" }, "there is no command or script 'no/such/script.lua'; see" },
        { { "help", "inspct" }, "there is no command 'inspct'; did you mean 'inspect'%?" },
    }
    for _, case in ipairs(wrong) do
        it("answers `" .. table.concat(case[1], " ") .. "` in one line, with 2", function()
            local got = support.run(case[1])
            assert.equal(2, got.code)
            assert.equal("", got.out)
            assert.matches("^nylon%-ring[^\n]*" .. case[2] .. "[^\n]*\n$", got.err)
        end)
    end
end)
