local folders = require "spec.support.folder"
local support = require "spec.support"

describe("test -o junit", function()
    local folder = folders.each()

    -- The report of a failing run, its cases, and the counts of its root.
    local function report(isolate)
        local got = folder:test("-o", "junit", "-Xoutput", folder:file "report.xml", isolate)
        assert.equal(1, got.code)
        local text, cases = folder:read "report.xml", {}
        for attributes, rest in text:gmatch "<testcase ([^>]-)(/?>)" do
            local name = attributes:match '%f[%w]name=[\'"]([^\'"]*)'
            cases[#cases + 1] = rest == ">" and name .. " failed" or name
        end
        local root = text:match "<testsuites ([^>]*)>"
        return text, cases, { root:match "tests=.(%d+)", root:match "errors=.(%d+)" }
    end

    for _, isolate in ipairs { "--no-isolate", "--isolate" } do
        it("makes cases of what fails outside of specs, with " .. isolate, function()
            folder:write_spec("a_spec.lua", [[
                describe("block", function()
                    it("is fine", function() end)
                    it("raises", function() error "on purpose" end)
                    teardown(function() error "too late" end)
                end)
            ]])
            folder:write_spec("b_spec.lua", "it('does not parse'")
            local text, cases, counts = report(isolate)
            table.sort(cases)
            assert.same({ "4", "3" }, counts)
            assert.matches("b_spec.lua failed", table.remove(cases, 1))
            assert.same({ "block is fine", "block raises failed", "block teardown failed" }, cases)
            assert.is_nil(text:find("</testcase>%s*<error"))
            assert.is_nil(text:find("<testsuites? [^>]*>%s*<error"))
        end)
    end

    it("makes a case of a crash", function()
        folder:write_spec("a_spec.lua", ([[
            local crash = nr.test.plugin(%q)
            it("crashes", function() crash:call "/abort" end)
        ]]):format(support.plugin "fixture_crash"))
        local text, cases, counts = report "--isolate"
        assert.equal(1, #cases)
        assert.same({ "1", "1" }, counts)
        assert.matches("a_spec.lua failed", cases[1])
        assert.matches("<error>the process of this file was ended by SIGABRT in the spec ", text)
    end)
end)
