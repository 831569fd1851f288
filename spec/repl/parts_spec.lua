local complete = require "nylon_ring.repl.complete"
local editor = require "nylon_ring.editor"
local evaluate = require "nylon_ring.repl.evaluate"
local history = require "nylon_ring.repl.history"
local layout = require "nylon_ring.io.layout"
local nr = require "nylon_ring"
local printer = require "nylon_ring.repl.printer"
local settings = require "nylon_ring.repl.settings"
local support = require "spec.support"
local text = require "nylon_ring.io.text"
local uv = require "luv"

describe("what a text means", function()
    local function kind(entered)
        local entry = evaluate.compile(entered)
        return { expression = entry.expression, silent = entry.silent, background = entry.background,
            incomplete = entry.incomplete or false, failed = entry.err ~= nil }
    end

    local function is(entered, wanted)
        local all = { expression = false, silent = false, background = false }
        all.incomplete, all.failed = false, false
        for name in pairs(wanted) do
            all[name] = true
        end
        assert.same(all, kind(entered), entered)
    end

    it("is an expression where it can be one", function()
        is("1 + 1", { expression = true })
        is("f()", { expression = true })
        is("= f()", { expression = true })
        is("1 -- comment", { expression = true })
        is("return 1", { expression = true })
        is("x = 1", {})
        is("for i = 1, 2 do end", {})
    end)

    it("is its last line's expression where several lines end with one", function()
        local entry = evaluate.compile "local t = {}\nfor i = 1, 3 do\n  t[i] = i\nend\n#t ;"
        assert.same({ true, true, "#t" }, { entry.expression, entry.silent, entry.code })
        assert.equal("t = {}\nfor i = 1, 3 do\n  t[i] = i\nend", entry.head)
        assert.same({ n = 1, 3 }, evaluate.values(evaluate.bind(entry.fn, {})))
    end)

    it("ends with an expression also where that is a name, or has several lines", function()
        for _, tail in ipairs { "x", "x.y", "(x)", "x\n+ 1", "{\n1,\n2\n}" } do
            local entry = evaluate.compile("x = 1\nif x then x = 2 end\n" .. tail)
            assert.same({ tail, true, "x = 1\nif x then x = 2 end" }, { tail, entry.expression, entry.head })
        end
    end)

    it("ends with an expression behind a semicolon as well", function()
        for _, case in ipairs {
            { "x = 5; x", "x" }, { "x = ';'; x; ", "x", silent = true }, { "local y = 1; y + 1", "y + 1" },
            { "x = 1 y = ';' -- ;\nz = 2; x + z", "x + z" }, { "x = 2; x * 2 &", "x * 2", background = true },
            { "for i = 1, 2 do x = i; end; ({ x, ';' })[1]", "({ x, ';' })[1]" },
        } do
            local entry = evaluate.compile(case[1])
            assert.same({ true, " " .. case[2], case.silent or false, case.background or false },
                { entry.expression, entry.code, entry.silent, entry.background })
        end
        assert.same({ n = 1, 5 }, evaluate.values(evaluate.bind(evaluate.compile("x = 5; x").fn, {})))
        for _, statements in ipairs { "x = 5;", "local a = 1 a = a + 1", "x = 1; y = 2", "f(); g()" } do
            assert.is_nil(evaluate.compile(statements).err)
        end
        for _, unfinished in ipairs { "x = 1; y =", "for i = 1, 2 do x = 1; x" } do
            assert.is_true(evaluate.is_incomplete(unfinished), unfinished)
        end
    end)

    it("goes on in the next line where an expression is unfinished as well", function()
        for _, unfinished in ipairs { "{ a = 1,", "1 +", "x and", '"a" ..', "a ==", "#", "function()" } do
            assert.is_true(evaluate.is_incomplete(unfinished), unfinished)
        end
        for _, wrong in ipairs { "foo bar", ")", "x = = 1", "1 2", "'abc", " &" } do
            assert.is_false(evaluate.is_incomplete(wrong), wrong)
            assert.is_string(evaluate.compile(wrong).err)
        end
    end)

    it("has the values of a return at its end", function()
        for line, code in pairs {
            ["x = 5; return x + 1"] = " x + 1", ["f() return 7, nil"] = " 7, nil", ["f()\nreturn x"] = " x",
        } do
            local entry = evaluate.compile(line)
            assert.same({ true, code }, { entry.expression, entry.code })
        end
        assert.is_false(evaluate.compile("if x then return 5 end").expression)
    end)

    it("ends with a call as well, where that is plainly a statement of its own", function()
        for _, case in ipairs {
            { "x = 5; f(x)", " f(x)" }, { "f(); t:g {}", " t:g {}" },
            { "x = 5\nf 'x'\n-- done", "f 'x'\n-- done" },
            { "local p = 1\nif p then f() end\nf(p)", "f(p)" },
        } do
            local entry = evaluate.compile(case[1])
            assert.same({ true, case[2] }, { entry.expression, entry.code })
        end
        local values = evaluate.values(evaluate.bind(evaluate.compile("x = 5; f(x)").fn, {
            f = function(x) return x, "y" end,
        }))
        assert.same({ n = 2, 5, "y" }, values)
        for _, statements in ipairs { "for i = 1, 2 do\nf()\nend", "x = [[\nf()]]", "f(\ng())\nx = 1" } do
            assert.is_false(evaluate.compile(statements).expression, statements)
        end
    end)

    it("is compiled a few times for each of many lines, however many there are above it", function()
        local lines = { "t = {" }
        for index = 1, 400 do
            table.insert(lines, ("  { %d },"):format(index))
        end
        local compiled, load = 0, loadstring
        finally(function()
            loadstring = load -- luacheck: ignore 121
        end)
        function loadstring(...) -- luacheck: ignore 121
            compiled = compiled + 1
            return load(...)
        end
        assert.is_true(evaluate.is_incomplete(table.concat(lines, "\n")))
        assert.is_true(compiled < 10, compiled)
    end)

    it("is silent with a semicolon, in the background with an ampersand, at its end alone", function()
        is("f();", { expression = true, silent = true })
        is("f() &", { expression = true, background = true })
        is("f(); &", { expression = true, background = true, silent = true })
        is("'a;'", { expression = true })
        is("'a &'", { expression = true })
        is("x = 1 &", { background = true })
    end)

    it("has nothing for `...`, and the name of its line in errors", function()
        local entry = evaluate.compile("..., select('#', ...)", "=input:7")
        assert.same({ n = 1, 0 }, evaluate.values(evaluate.bind(evaluate.compile("select('#', ...)").fn, _G)))
        assert.same({ n = 2, nil, 0 }, evaluate.values(evaluate.bind(entry.fn, _G)))
        local fn = evaluate.bind(evaluate.compile("f()", "=input:7").fn, { f = function()
            return debug.traceback()
        end })
        assert.matches("\tinput:7:1: in ", evaluate.values(fn)[1])
    end)

    it("is unfinished where more could come", function()
        is("f(", { incomplete = true, failed = true })
        is("for i = 1, 2 do", { incomplete = true, failed = true })
        is("x = [[", { incomplete = true, failed = true })
        is("x = = 1", { failed = true })
        is("#x y", { failed = true })
        is("x = 'abc", { failed = true })
        assert.is_false(evaluate.is_incomplete ":load (")
        assert.is_false(evaluate.is_incomplete "  ")
    end)
end)

describe("a shown value", function()
    local limits

    before_each(function()
        limits = settings.new()
    end)

    it("has sorted keys, quoted strings and marked cycles", function()
        local value = { b = 1, a = "x\ny" }
        value.self = value
        assert.equal('<1>{ a = "x\\ny", b = 1, self = <table 1> }', printer.value(value, limits))
        limits.width = 20
        assert.equal('<1>{\n  a = "x\\ny",\n  b = 1,\n  self = <table 1>\n}', printer.value(value, limits))
    end)

    it("keeps the limits of depth, items, lines and width", function()
        limits.depth, limits.items = 1, 3
        assert.equal("{ {…}, 2, 3, <2 more> }", printer.value({ { 1 }, 2, 3, 4, 5 }, limits))
        local keyed = { 1, d = 5, b = 3, c = 4, a = 2 }
        assert.equal("{ 1, a = 2, b = 3, <2 more> }", printer.value(keyed, limits))
        local many = {}
        for index = 1, 20001 do
            many[("k%d"):format(index)] = index
        end
        assert.matches("<19998 more> }$", printer.value(many, limits))
        local all = { depth = 1, items = 20001, lines = 3, width = 60 }
        assert.matches("^{\n.*more lines$", printer.value(many, all))
        limits.lines, limits.width = 2, 20
        assert.equal("{\n  a = \"xxxxxxxxxxxx…\n… 2 more lines",
            printer.value({ a = ("x"):rep(50), b = 1 }, limits))
    end)

    it("has the items of a list on as many lines as they take", function()
        local list = {}
        for item = 1, 60 do
            list[item] = item
        end
        local shown = printer.value(list, limits)
        assert.matches("^{ 1, 2, [^\n]+ 22,\n  23, [^\n]+,\n  [^\n]+, 50,\n  <10 more>\n}$", shown)
        for line in shown:gmatch "[^\n]+" do
            assert.is_true(#line <= limits.width, line)
        end
        limits.width = 20
        assert.equal("{ \"a, 'b\", \"c\\\\\",\n  'd, \"', \"e, f\",\n  \"漢字漢字漢\", 1,\n  2 }",
            printer.value({ "a, 'b", "c\\", 'd, "', "e, f", "漢字漢字漢", 1, 2 }, limits))
        assert.equal("{\n  list = { 1000,\n    2000, 3000,\n    4000 },\n  x = 1\n}",
            printer.value({ list = { 1000, 2000, 3000, 4000 }, x = 1 }, limits))
    end)

    it("looks at no more of a large table than fits", function()
        local looked = 0
        local counted = setmetatable({}, { __tostring = function()
            looked = looked + 1
            return "x"
        end })
        local value = {}
        for i = 1, 50 do
            value[i] = {}
            for k = 1, 50 do
                value[i][k] = { counted, counted, counted }
            end
        end
        printer.value(value, limits)
        assert.is_true(looked > 0 and looked <= limits.width * limits.lines)
    end)

    it("never runs a metamethod but __tostring, which may fail", function()
        local trap = setmetatable({ 1 }, { __index = error, __pairs = error, __len = error })
        assert.equal("{ 1 }", printer.value(trap, limits))
        assert.equal("{ <object> }", printer.value({ setmetatable({}, { __tostring = error }) }, limits))
    end)

    it("is a dump where bytes are no text", function()
        assert.equal("00000000  00 ff 41" .. (" "):rep(41) .. "|..A|", printer.value("\0\255A", limits))
        assert.equal('"wörld"', printer.value("wörld", limits))
    end)

    it("is indented JSON where that was asked for, of which nothing but white space is changed", function()
        limits.json = true
        assert.equal('{\n  "b": {\n    "c": "/"\n  },\n  "a": [\n    1,\n    null\n  ]\n}',
            printer.body('{"b":{"c":"/"},"a":[1,null]}', limits))
        assert.equal('[\n  1234567890123456,\n  -1.50e+10,\n  {},\n  [],\n  "{[\\"a\\",:]\\\\"\n]',
            printer.body(' [1234567890123456 , -1.50e+10,{ },[],"{[\\"a\\",:]\\\\"]', limits))
        for _, body in ipairs { "plain {", "{ plain", "[NaN]", "5" } do
            assert.equal(body, printer.body(body, limits))
        end
    end)

    it("has no more lines than that, however short they are, if it is a payload", function()
        limits.lines, limits.width = 3, 20
        assert.equal("1\n2\n3", printer.body("1\n2\n3\n", limits))
        assert.equal("1\n2\n3\n… 1 B more", printer.body("1\n2\n3\n4", limits))
        assert.equal(("x"):rep(60) .. "… 5 B more", printer.body(("x"):rep(65), limits))
        assert.equal(("x"):rep(40) .. "\n" .. ("y"):rep(19) .. "… 21 B more",
            printer.body(("x"):rep(40) .. "\n" .. ("y"):rep(40), limits))
    end)

    it("sends no escape sequences of a payload to the terminal", function()
        assert.equal("a\\27[2Jb", printer.body("a\27[2Jb", limits))
    end)
end)

describe("the layout of a line", function()
    it("counts cells, not bytes, and never splits a wide character", function()
        local at = layout.of({ prompt = "> ", more = "… ", before = "漢字漢", after = "字" }, 7)
        assert.same({ "> 漢字", "漢字" }, at.rows)
        assert.same({ 6, 4 }, at.cells)
        assert.same({ 2, 2 }, { at.row, at.column })
    end)

    it("puts the cursor on a row of its own after a full one", function()
        local at = layout.of({ prompt = "> ", more = "… ", before = "abc", after = "" }, 5)
        assert.same({ "> abc", "" }, at.rows)
        assert.same({ 2, 0 }, { at.row, at.column })
    end)

    it("shows the rows around the cursor where not all fit", function()
        local whole = layout.of({ prompt = "", more = "", before = "a\nb\nc\nd\ne", after = "\nf\ng\nh" }, 10)
        local part = layout.window(whole, 3)
        assert.same({ "d", "e", "f" }, part.rows)
        assert.equal("e", part.rows[part.row])
    end)
end)

describe("history", function()
    local path, remove

    before_each(function()
        path, remove = support.file("history", "")
    end)

    after_each(function()
        remove()
    end)

    it("keeps lines as one entry, the latest of equal ones, and none that begins with a space", function()
        local kept = history.open(path)
        for _, entry in ipairs { "a", "two\nlines \\n", "a", " hidden", "", "b" } do
            assert.is_nil(kept:add(entry))
        end
        assert.same({ "two\nlines \\n", "a", "b" }, history.open(path).entries)
    end)

    it("takes entries of several programs at the same time", function()
        local code = [[local h = require("nylon_ring.repl.history").open(arg[1])
            for i = 1, 200 do h:add(arg[2] .. " " .. i .. ("x"):rep(300)) end
            assert(not h:close())]]
        local script, remove_script = support.file("add.lua", code)
        finally(remove_script)
        nr.map({ "a", "b", "c" }, function(name)
            assert.equal(0, support.run({ script, path, name }).code)
        end)
        local seen = {}
        for _, entry in ipairs(history.open(path).entries) do
            local name, number = entry:match "^(%a) (%d+)x+$"
            assert.equal(300 + #name + 1 + #number, #entry)
            seen[name] = (seen[name] or 0) + 1
        end
        assert.same({ a = 200, b = 200, c = 200 }, seen)
    end)

    it("holds 10,000 entries, in a file that does not grow for ever", function()
        local file = assert(io.open(path, "w"))
        for index = 1, 20500 do
            file:write("entry ", index, "\n")
        end
        file:close()
        local kept = history.open(path)
        assert.equal(10000, #kept.entries)
        assert.same({ "entry 10501", "entry 20500" }, { kept.entries[1], kept.entries[10000] })
        assert.equal(10000, select(2, io.open(path):read("*a"):gsub("\n", "")))
    end)

    it("keeps what another program's lock keeps out of the file, and adds it later", function()
        local fd = assert(uv.fs_open(path, "a", 0))
        assert.is_true(editor.lock(fd))
        local kept = history.open(path)
        assert.equal(path .. " is locked by another program", kept:add "a")
        kept:add "b"
        assert.equal(path .. " is locked by another program", kept:close())
        assert.same({ "a", "b" }, kept.entries)
        assert.same({}, history.open(path).entries)
        uv.fs_close(fd)
        assert.is_nil(kept:add "c")
        assert.same({ "a", "b", "c" }, history.open(path).entries)
        assert.is_nil(kept:close())
    end)

    it("stays as it was where there is no room to write it anew", function()
        local line = ("x"):rep(100)
        local file = assert(io.open(path, "w"))
        for index = 1, 20500 do
            file:write(line, index, "\n")
        end
        file:close()
        local code = ("require('nylon_ring.repl.history').open(%q)"):format(path)
        -- A write beyond the limit is a short one, as on a full disk.
        local shell = ("trap '' XFSZ; ulimit -f 100; exec '%s' -e \"$0\""):format(support.program)
        local outcome = support.start("/bin/sh", { "-c", shell, code }):wait()
        assert.same({ 0, "" }, { outcome.code, outcome.err })
        assert.equal(10000, #history.open(path).entries)
    end)

    it("goes on without a file that can not be written", function()
        local folder = path:match "^(.*)/"
        local kept = history.open(folder .. "/history/below")
        assert.is_string(kept:add "a")
        assert.is_string(kept:add "b")
        assert.same({ "a", "b" }, kept.entries)
        assert.is_nil(uv.fs_stat(folder .. "/history/below"))
    end)

    it("goes on where its file is a folder", function()
        local kept = history.open(path:match "^(.*)/")
        assert.same({}, kept.entries)
        assert.matches("directory", kept:add "a")
        assert.matches("directory", kept:add "b")
        assert.same({ "a", "b" }, kept.entries)
    end)
end)

describe("a text of others", function()
    it("tells what is no text by its number, so that a terminal does nothing but show it", function()
        for value, shown in pairs {
            ["a\27[2Jb"] = "a\\27[2Jb", ["\a\127"] = "\\7\\127", ["hidden\rshown"] = "hidden\\13shown",
            ["\194\1552J"] = "\\194\\1552J", ["\2552J"] = "\\2552J",
            ["lines\r\n\tof tëxt\n"] = "lines\r\n\tof tëxt\n",
        } do
            assert.equal(shown, text.plain(value))
        end
        assert.equal("of\\9one\\10line", text.line "of\tone\nline")
    end)

    it("is one in values, in columns and in what is completed", function()
        assert.equal('"\\194\\155"', printer.value("\194\155", settings.new()))
        local named = setmetatable({}, { __tostring = function()
            return "\27[31mred"
        end })
        assert.equal("\\27[31mred", printer.value(named, settings.new()))
        assert.equal("\\27[31mred  x", text.columns { { "\27[31mred", "x" } })
        local path, remove = support.file("name\27[31m one", "")
        finally(remove)
        local folder = path:match "^(.*/)"
        local other = assert(io.open(folder .. "name two", "w"))
        other:close()
        local found = complete.complete({ settings = settings.new(), env = {} }, ":run " .. folder)
        os.remove(folder .. "name two")
        assert.matches("name\\27%[31m one", found.listing)
    end)
end)

describe("words for people", function()
    it("name the nearest, or nothing", function()
        assert.equal("plugins", text.nearest("plugisn", { "load", "plugins" }))
        assert.equal("unload", text.nearest("unlod", { "load", "unload" }))
        assert.is_nil(text.nearest("xyz", { "load", "unload" }))
    end)

    it("tell sizes and times", function()
        assert.same({ "5 B", "1.5 KiB", "2.0 MiB" }, { text.size(5), text.size(1536), text.size(2 ^ 21) })
        assert.same({ "120 ns", "1.5 µs", "41 µs", "3.4 ms", "2.00 s" },
            { text.time(120), text.time(1500), text.time(41234), text.time(3.4e6), text.time(2e9) })
    end)
end)
