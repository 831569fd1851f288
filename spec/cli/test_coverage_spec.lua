-- With LuaCov where it is installed, else with what stands in for it.
local folders = require "spec.support.folder"
local support = require "spec.support"
local uv = require "luv"

local installed = package.searchpath("luacov.runner", package.path) ~= nil

local work = [[
local M = {}
function M.choose(flag)
    if flag then
        return "yes"
    end
    return "no"
end
return M
]]

-- The lines of that which are run for one answer and for the other.
local YES, NO = 4, 6

local function spec_of(flag)
    return ([[
        local work = require "work"
        it("chooses", function() require("nylon_ring").sleep(1) assert.is_string(work.choose(%s)) end)
    ]]):format(flag)
end

describe("test --coverage", function()
    local folder = folders.each()

    local function test(...)
        local path = os.getenv "LUA_PATH" or ";;"
        if not installed then
            path = uv.cwd() .. "/spec/support/?.lua;" .. path
        end
        return support.start(support.program, { "test", "-o", "TAP", "--coverage", ... }, {
            cwd = folder.path,
            env = { LUA_PATH = path },
        }):wait()
    end

    --- How often the lines of a file were run, as the counts that were saved tell.
    local function counts(name)
        local saved = folder:read "luacov.stats.out" or ""
        local line = saved:match("%d+:%.?/?" .. name:gsub("%.", "%%.") .. "\n([^\n]*)")
        local list = {}
        for number in (line or ""):gmatch "%d+" do
            table.insert(list, tonumber(number))
        end
        return list
    end

    before_each(function()
        folder:write("work.lua", work)
        folder:write(".luacov", "runreport = true")
    end)

    it("says how to install LuaCov where it is missing", function()
        if installed then
            pending "LuaCov is installed"
        end
        local got = support.run { "test", "--coverage", "spec" }
        assert.equal(2, got.code)
        assert.equal("nylon-ring test: --coverage needs LuaCov, which is not installed: "
            .. "luarocks --lua-version 5.1 install luacov\n", got.err)
        assert.equal("", got.out)
    end)

    it("saves the counts, and reports what is the user's", function()
        folder:write("a_spec.lua", spec_of "true")
        local got = test "a_spec.lua"
        assert.equal("ok 1 - chooses\n1..1\n", got.out)
        assert.equal("", got.err)
        assert.equal(0, got.code)
        assert.equal(1, counts("work.lua")[YES])
        assert.is_true((counts("work.lua")[NO] or 0) == 0)
        local report = folder:read "luacov.report.out"
        assert.matches("work%.lua", report)
        assert.matches("a_spec%.lua", report)
        local ours = { "/nylon_ring/", "/busted/", "/luassert/", "/pl/", "/mediator", "/dkjson" }
        for _, part in ipairs(ours) do
            assert.is_nil(report:find(part, 1, true), report)
        end
    end)

    it("counts nothing for --list", function()
        folder:write("a_spec.lua", spec_of "true")
        assert.matches("chooses\n$", test("--list", "a_spec.lua").out)
        assert.is_nil(folder:read "luacov.stats.out")
    end)

    local exits = {
        ["a spec"] = "os.exit(0)",
        ["a callback of luv"] = [[
            local timer = require "luv".new_timer()
            timer:start(1, 0, function() os.exit(0) end)
            require("nylon_ring").sleep(60000)
        ]],
    }
    for what, code in pairs(exits) do
        it("keeps a failure and the counts when os.exit(0) is called by " .. what, function()
            folder:write("a_spec.lua", ([[
                it("leaves", function() require "work".choose(false) %s end)
            ]]):format(code))
            local got = test "a_spec.lua"
            assert.equal(1, got.code)
            assert.matches("a_spec%.lua:%d+ called os%.exit%(0%): the other specs had no turn", got.err)
            assert.equal(1, counts("work.lua")[NO])
        end)
    end

    it("adds up what the processes of --isolate have counted", function()
        folder:write(".luacov", "runreport = true meet = 300")
        local meet = [[
            local uv, nr = require "luv", require "nylon_ring"
            assert(io.open("%s.there", "w")):close()
            while not uv.fs_stat("%s.there") do nr.sleep(2) end
        ]]
        meet = ("it('meets', function() %s end)"):format(meet)
        folder:write("a_spec.lua", spec_of "true" .. meet:format("a", "b"))
        folder:write("b_spec.lua", spec_of "false" .. meet:format("b", "a"))
        local got = test("--jobs=2", "--timeout=30000", "a_spec.lua", "b_spec.lua")
        assert.equal(0, got.code, got.out .. got.err)
        assert.equal(1, counts("work.lua")[YES])
        assert.equal(1, counts("work.lua")[NO])
        assert.matches("b_spec%.lua", folder:read "luacov.report.out")
        assert.is_nil(uv.fs_stat(folder:file "luacov.stats.out.lock"))
    end)

    it("is taken from .busted, also with --isolate", function()
        folder:write(".busted", "return { default = { coverage = true } }")
        folder:write("a_spec.lua", spec_of "true")
        local got = test("--isolate", "a_spec.lua")
        assert.equal("ok 1 - chooses\n1..1\n", got.out)
        assert.equal(1, counts("work.lua")[YES])
        assert.matches("work%.lua", folder:read "luacov.report.out")
    end)

    it("reports what is left when the process of a file crashes", function()
        folder:write("a_spec.lua", "it('dies', function() require 'ffi'.cdef 'int raise(int);' "
            .. "require 'work'.choose(false) require 'ffi'.C.raise(9) end)")
        folder:write("b_spec.lua", spec_of "true")
        local got = test("--isolate", "a_spec.lua", "b_spec.lua")
        assert.equal(1, got.code)
        assert.equal(1, counts("work.lua")[YES])
        assert.is_true((counts("work.lua")[NO] or 0) == 0)
        assert.matches("work%.lua", folder:read "luacov.report.out")
    end)

    it("says once that its own file is wrong", function()
        folder:write("bad.lua", "statsfile = 'x'\nruntime..")
        folder:write("a_spec.lua", spec_of "true")
        folder:write("b_spec.lua", spec_of "true")
        for _, words in ipairs { {}, { "--isolate" } } do
            local got = test("--coverage-config-file=bad.lua", "a_spec.lua", "b_spec.lua", unpack(words))
            assert.equal(1, got.code)
            assert.equal("", got.out)
            assert.matches("^[^\n]*load[^\n]*bad%.lua[^\n]*\n$", got.err)
        end
    end)

    local unwritable = {
        ["the counts"] = "statsfile = '/no/such/folder/stats' runreport = true",
        ["the report"] = "reportfile = '/no/such/folder/report' runreport = true",
    }
    for what, config in pairs(unwritable) do
        it(("leaves with 1 when %s cannot be written"):format(what), function()
            folder:write(".luacov", config)
            folder:write("a_spec.lua", spec_of "true")
            for _, words in ipairs { {}, { "--isolate" } } do
                local got = test("a_spec.lua", unpack(words))
                assert.equal(1, got.code)
                assert.matches("nylon%-ring test: %-%-coverage: [^\n]+\n", got.err)
                assert.matches("ok %d %- chooses", got.out)
            end
        end)
    end
end)
