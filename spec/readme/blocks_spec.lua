-- How the pages are read and compared: what the specs of the pages rest on.
local pages = require "spec.support.pages"

describe("a page's blocks", function()
    local function uses(text)
        local list = {}
        for _, block in ipairs(pages.parse(text, "page")) do
            table.insert(list, tostring(pages.use_of(block)))
        end
        return list
    end

    it("are what their fence says, and a file only right below its name", function()
        assert.same({ "file", "console", "spec" }, uses [[
`a.lua`:

```lua
print "a"
```

```console
$ build/release/nylon-ring a.lua
a
```

```lua
it("is a spec", function() end)
```
]])
    end)

    it("belong to nobody where the fence names no kind that is run", function()
        assert.same({ "nil", "nil", "none" }, uses "```\na\n```\n```sh\nb\n```\n```text\nc\n```\n")
    end)

    it("know where they begin, and what is entered in them", function()
        local block = pages.parse("text\n```console\n$ one\n1\n$ two\n```\n", "page")[1]
        assert.equal("page:2", block.at)
        assert.same({ { text = "one", output = { "1" } }, { text = "two", output = {} } },
            pages.entered(block, "$ "))
    end)
end)

describe("what a page shows", function()
    local function matches(printed, shown)
        return pages.matches(pages.lines(printed), pages.lines(shown))
    end

    it("is compared line by line, to the end", function()
        assert.is_true(matches("a\nb\n", "a\nb"))
        assert.is_false(matches("a\nb\n", "a"))
        assert.is_false(matches("a\n", "a\nb"))
        assert.is_false(matches("a.b\n", "a,b"))
    end)

    it("has dots for any lines and any text", function()
        assert.is_true(matches("a\nb\nc\nd", "a\n...\nd"))
        assert.is_true(matches("a\nd", "a\n...\nd"))
        assert.is_true(matches("file /tmp/x/echo.so here", "file .../echo.so here"))
        assert.is_false(matches("a\nb\nc", "a\n...\nd"))
    end)

    it("has any number for those that differ from run to run, and no other", function()
        assert.is_true(matches("[12 #1 +4.9 µs 7 B] 3.5", "[5 #1 +19.2 ms 7 B] 4.75"))
        assert.is_true(matches("=> task 12 running 50.7/s", "=> task 6 running 1.2 k/s"))
        assert.is_false(matches("[12 #2 7 B]", "[12 #1 7 B]"))
        assert.is_false(matches("3 calls", "4 calls"))
    end)
end)
