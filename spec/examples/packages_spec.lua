local cjson = require "cjson"
local support = require "spec.support"

local LIST = [[
Package: alpha
Version: 1.0-1
Architecture: all
Section: editors
Installed-Size: 100
Maintainer: Ada <ada@example.org>
Description: first of the letters
 Has a long text
 .
 of several lines.
Size: 2000

Package: alpha-tools
Version: 2.0
Section: editors
Installed-Size: 3000
Maintainer: Ada <ada@example.org>
Description: tools for editing letters


Package: beta
Version: 3:1.5
Section: games
Installed-Size: 20
Maintainer: Andr]] .. "\233" .. [[ <andre@example.org>
Description: a game about alpha particles
]]

describe("the package browser", function()
    local path, database, remove

    --- Runs it with a list of three packages; answers its outcome.
    local function browse(...)
        return support.run { "examples/packages.lua", "--file", path, "--db", database, ... }
    end

    --- Answers to these requests: for each its code and body (decoded) or frames.
    local function ask(...)
        local outcome = browse("--json", ...)
        assert.equal(0, outcome.code, outcome.err)
        local answers = {}
        for line in outcome.out:gmatch "[^\n]+" do
            local answer = cjson.decode(line)
            local ok, body = pcall(cjson.decode, answer.body)
            answers[answer.request] = {
                code = answer.code, body = ok and body or answer.body, frames = answer.frames,
            }
        end
        return answers
    end

    setup(function()
        path, remove = support.file("Packages", LIST)
        database = path .. ".db"
    end)

    teardown(function()
        for _, suffix in ipairs { "", "-wal", "-shm" } do
            os.remove(database .. suffix)
        end
        remove()
    end)

    it("imports a list once", function()
        local first = browse "/packages/alpha"
        assert.matches("imported: 3 packages, 0 MB, ", first.err)
        local second = browse "/packages/alpha"
        assert.matches("^3 packages from .*/Packages, imported before into .*/Packages%.db\n$", second.err)
        assert.matches("imported: 3 packages", browse("--fresh", "/packages/alpha").err)
    end)

    it("imports a list that has changed", function()
        local other, clean = support.file("Packages", LIST .. "\nPackage: gamma\nVersion: 1\n")
        local outcome = support.run {
            "examples/packages.lua", "--file", other, "--db", database, "/packages/gamma",
        }
        clean()
        assert.matches("imported: 4 packages", outcome.err)
        assert.matches("^/packages/gamma +200 ", outcome.out)
        assert.matches("imported: 3 packages", browse "/packages/alpha".err)
    end)

    it("answers one package, or 404", function()
        local answers = ask("/packages/alpha", "/packages/beta", "/packages/delta")
        assert.same({
            code = 200,
            body = {
                name = "alpha", version = "1.0-1", architecture = "all", section = "editors", size = 2000,
                installed_kib = 100, maintainer = "Ada <ada@example.org>", homepage = cjson.null,
                depends = cjson.null, summary = "first of the letters",
                description = "Has a long text\n\nof several lines.",
            },
        }, answers["/packages/alpha"])
        assert.equal("Andr\239\191\189 <andre@example.org>", answers["/packages/beta"].body.maintainer)
        assert.same({ code = 404, body = { error = "no such package: delta" } }, answers["/packages/delta"])
    end)

    it("searches names and words, names first", function()
        local answers = ask("/search?q=alpha", "/search?q=edit%20letter", "/search?q=nothing", "/search")
        local names = {}
        for _, found in ipairs(answers["/search?q=alpha"].body) do
            table.insert(names, found.name)
        end
        assert.same({ "alpha", "alpha-tools", "beta" }, names)
        assert.equal("alpha-tools", answers["/search?q=edit%20letter"].body[1].name)
        assert.same({ code = 200, body = {} }, answers["/search?q=nothing"])
        assert.equal(400, answers["/search"].code)
    end)

    it("streams the largest", function()
        local answers = ask("/largest?n=2", "/largest?n=0", "/largest?n=x")
        local frames = answers["/largest?n=2"].frames
        assert.equal(2, #frames)
        assert.same({ name = "alpha-tools", installed_kib = 3000, summary = "tools for editing letters" },
            cjson.decode(frames[1]))
        assert.equal("alpha", cjson.decode(frames[2]).name)
        assert.equal(400, answers["/largest?n=0"].code)
        assert.equal(400, answers["/largest?n=x"].code)
    end)

    it("sums up", function()
        local body = ask("/summary")["/summary"].body
        assert.equal(3, body.packages)
        assert.same({ section = "editors", packages = 2 }, body.sections[1])
        assert.same({ maintainer = "Ada <ada@example.org>", packages = 2 }, body.maintainers[1])
        assert.equal("alpha-tools", body.largest[1].name)
    end)

    it("gives a query without an end up, and answers others meanwhile", function()
        local outcome = browse("--json", "/slow?ms=1000", "/packages/alpha", "/ticks?n=2", "POST /summary",
            "/nowhere")
        local order, codes = {}, {}
        for line in outcome.out:gmatch "[^\n]+" do
            local answer = cjson.decode(line)
            table.insert(order, answer.request)
            order[answer.request] = #order
            codes[answer.request] = answer.code
        end
        assert.same({ ["/slow?ms=1000"] = 504, ["/packages/alpha"] = 200, ["/ticks?n=2"] = 200,
            ["POST /summary"] = 405, ["/nowhere"] = 404 }, codes)
        assert.is_true(order["/packages/alpha"] < order["/slow?ms=1000"])
    end)

    it("takes requests from standard input", function()
        local outcome = support.run({ "examples/packages.lua", "--file", path, "--db", database },
            { stdin = "GET /packages/beta\n\n/largest?n=1" })
        assert.matches("GET /packages/beta +200 +[%d.]+ ms\n    name +beta\n", outcome.out)
        assert.matches("/largest%?n=1 +200 +[%d.]+ ms\n    alpha%-tools +3000  tools for editing letters\n",
            outcome.out)
    end)

    it("shows itself", function()
        local outcome = browse "--demo"
        assert.equal(0, outcome.code, outcome.err)
        for _, code in ipairs { "GET /packages/luajit +404", "GET /summary +200", "POST /summary +405",
            "GET /slow%?ms=200 +504" } do
            assert.matches(code, outcome.out)
        end
        assert.matches("GET /slow%?ms=1000, each a 504 +4 ", outcome.out)
        assert.matches("Beside 4 queries without an end .* Of those queries, 0 still run%.\n$", outcome.out)
    end)

    it("imports what this machine has installed", function()
        local names, installed = {}, 0
        for line in io.lines "/var/lib/dpkg/status" do
            local name = line:match "^Package: (%S+)"
            if name and not names[name] then
                names[name], installed = true, installed + 1
            end
        end
        local other = path .. ".status.db"
        local outcome = support.run {
            "examples/packages.lua", "--file", "/var/lib/dpkg/status", "--db", other, "--json", "/summary",
        }
        for _, suffix in ipairs { "", "-wal", "-shm" } do
            os.remove(other .. suffix)
        end
        assert.equal(0, outcome.code, outcome.err)
        local summary = cjson.decode(cjson.decode(outcome.out).body)
        assert.equal(installed, summary.packages)
    end)

    it("says in one line what it cannot read", function()
        local outcome = support.run { "examples/packages.lua", "--file", "/no/such/list", "/summary" }
        assert.equal(1, outcome.code)
        assert.equal("packages.lua: ENOENT: no such file or directory: /no/such/list\n", outcome.err)
    end)
end)
