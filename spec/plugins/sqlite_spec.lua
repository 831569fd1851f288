local cjson = require "cjson"
local nr = require "nylon_ring"
local sqlite = require "spec.plugins.sqlite_support"
local support = require "spec.support"

describe("sqlite", function()
    local db

    setup(function()
        db = sqlite.open()
        db:exec "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, value)"
    end)

    teardown(function()
        db:close()
    end)

    before_each(function()
        db:exec "DELETE FROM things"
    end)

    --- The text of a query's answer, as it came.
    local function raw(sql, params)
        local body = params and ('{"sql":%s,"params":%s}'):format(cjson.encode(sql), params) or { sql = sql }
        local status, answer = db:call("/query", body)
        assert.equal(nr.OK, status, answer)
        return answer
    end

    --- Checks that a call fails with this status and text.
    local function refused(status, text, path, body, options)
        local got, answer = db:call(path, body, options)
        assert.equal(text, answer)
        assert.equal(status, got)
    end

    describe("values", function()
        it("answers rows as objects in the order of the columns", function()
            assert.equal('[{"b":1,"a":"x"},{"b":2,"a":null}]',
                raw "SELECT 1 AS b, 'x' AS a UNION ALL SELECT 2, NULL")
            assert.equal("[]", raw "SELECT 1 WHERE 0")
        end)

        it("keeps all 64 bits of an integer, both ways", function()
            local numbers = { "9223372036854775807", "-9223372036854775808", "0", "9007199254740993" }
            for _, number in ipairs(numbers) do
                assert.equal('[{"n":' .. number .. ',"t":"integer"}]',
                    raw("SELECT ?1 AS n, typeof(?1) AS t", "[" .. number .. "]"))
            end
        end)

        it("writes a real with as many digits as bring it back", function()
            assert.equal('[{"a":0.1,"b":1.0,"c":-2.5e-10}]', raw "SELECT 0.1 AS a, 1.0 AS b, -2.5e-10 AS c")
            local sum = raw("SELECT 0.1 + 0.2 AS sum"):match "%d[%d.]*"
            assert.equal(0.1 + 0.2, tonumber(sum))
            assert.equal('[{"same":1}]', raw("SELECT 0.1 + 0.2 = ? AS same", "[" .. sum .. "]"))
        end)

        it("carries infinities and takes NaN for NULL", function()
            local params = '[{"$real":"Infinity"},{"$real":"-Infinity"},{"$real":"NaN"}]'
            assert.equal('[{"a":{"$real":"Infinity"},"b":{"$real":"-Infinity"},"c":null}]',
                raw("SELECT ? AS a, ? AS b, ? AS c", params))
        end)

        it("carries blobs as base64, with every byte value and every length of the last group", function()
            local all = {}
            for byte = 0, 255 do
                all[#all + 1] = ("%02X"):format(byte)
            end
            for cut = 0, 2 do
                local hex = table.concat(all, "", 1, 256 - cut)
                local text = raw(("SELECT x'%s' AS b"):format(hex)):match '"%$blob":"([^"]*)"'
                local back = db:query("SELECT hex(?1) AS hex, typeof(?1) AS t", { { ["$blob"] = text } })[1]
                assert.same({ hex = hex, t = "blob" }, back)
            end
            assert.equal('[{"b":{"$blob":""}}]', raw "SELECT x'' AS b")
        end)

        it("refuses what is no base64", function()
            for _, text in ipairs { "A", "AA", "AAA", "A===", "AB==", "AAE=", "A!AA", "AA==AA==", "AA=A" } do
                local status = db:call("/query", { sql = "SELECT ?", params = { { ["$blob"] = text } } })
                assert.equal(text == "AAE=" and nr.OK or nr.INVALID, status, text)
            end
        end)

        it("carries text with zero bytes and text that is not UTF-8", function()
            assert.equal('[{"t":"a\\u0000b","n":3}]',
                raw("SELECT ?1 AS t, length(CAST(?1 AS BLOB)) AS n", '["a\\u0000b"]'))
            assert.equal('[{"t":{"$text":"/0E="}}]', raw "SELECT CAST(x'FF41' AS TEXT) AS t")
            assert.equal('[{"hex":"FF41","type":"text"}]',
                raw("SELECT hex(?1) AS hex, typeof(?1) AS type", '[{"$text":"/0E="}]'))
        end)

        it("takes true and false for 1 and 0", function()
            assert.equal('[{"yes":1,"no":0}]', raw("SELECT ? AS yes, ? AS no", "[true,false]"))
        end)

        it("tells columns of the same name apart", function()
            assert.equal('[{"a":1,"a:1":2,"a:2":3}]', raw "SELECT 1 AS a, 2 AS a, 3 AS a")
        end)
    end)

    describe("parameters", function()
        it("go by position or by name, with or without the sign", function()
            assert.equal('[{"a":1,"b":"two"}]', raw("SELECT ? AS a, ? AS b", '[1,"two"]'))
            assert.equal('[{"a":1,"b":2,"c":3}]',
                raw("SELECT :x AS a, @y AS b, $z AS c", '{"x":1,"@y":2,"$z":3}'))
            assert.equal('[{"a":5,"b":5}]', raw("SELECT ?1 AS a, ?1 AS b", "[5]"))
        end)

        it("must fit the statement", function()
            local cases = {
                { "SELECT ?, ?", { 1 }, "the statement takes 2 parameters, 1 given" },
                { "SELECT 1", { 1 }, "the statement takes 0 parameters, 1 given" },
                { "SELECT ?", nil, 'the statement takes 1 parameter, "params" is missing' },
                { "SELECT :a", { b = 1 }, "parameter :a is missing" },
                { "SELECT :a", { a = 1, b = 2 }, '"params" has 2 names, the statement takes 1' },
                { "SELECT ?", { a = 1 }, 'parameter 1 has no name: give "params" as an array' },
                { "SELECT ?", { { 1 } }, 'parameter 1: an array or object is no SQL value (allowed are '
                    .. '{"$blob": base64}, {"$text": base64}, {"$real": "Infinity"})' },
            }
            for _, case in ipairs(cases) do
                refused(nr.INVALID, case[3], "/query", { sql = case[1], params = case[2] })
            end
        end)
    end)

    describe("requests that make no sense", function()
        it("are Invalid, with the reason", function()
            local cases = {
                { "", "the body is not JSON: '[' or '{' expected near end of file (line 1, column 0)" },
                { "7", "the body is not JSON: '[' or '{' expected near '7' (line 1, column 1)" },
                { "{}", '"sql" must be a text' },
                { '{"sql":1}', '"sql" must be a text' },
                { '{"sql":"SELECT\\u00001"}', '"sql" holds a zero byte' },
                { '{"sql":"SELECT 1","sql":"SELECT 2"}',
                    "the body is not JSON: duplicate object key near '\"sql\"' (line 1, column 23)" },
                { '{"sql":"SELECT 1","parms":[]}',
                    'unknown key "parms": there are "sql", "params" and "rows"' },
                { '{"sql":"SELECT 1","params":7}', '"params" must be an array or an object' },
                { '{"sql":"SELECT 1","rows":[]}', '"rows" is for /exec only' },
                { '[{"sql":"SELECT 1"}]', "several statements are for /exec only" },
                { '{"sql":"SELECT 9","params":[9223372036854775808]}',
                    "the body is not JSON: too big integer near '9223372036854775808' (line 1, column 47)" },
                { '{"sql":"  -- nothing"}', '"sql" holds no statement' },
                { '{"sql":"SELECT 1; SELECT 2"}',
                    '"sql" holds more than one statement: send /exec an array of them' },
                { '{"sql":"SELECT 1; nonsense"}',
                    '"sql" holds more than one statement: send /exec an array of them' },
                { '{"sql":"DELETE FROM things"}', "this statement writes: use /exec" },
            }
            for _, case in ipairs(cases) do
                refused(nr.INVALID, case[2], "/query", case[1])
            end
            refused(nr.INVALID, 'give "params" or "rows", not both', "/exec",
                '{"sql":"x","params":[],"rows":[]}')
            refused(nr.INVALID, '"rows": row 2 is no array and no object', "/exec",
                '{"sql":"x","rows":[[],7]}')
        end)

        it("name the paths that there are", function()
            refused(nr.UNSUPPORTED, "no such path: there are /query, /exec, /rows", "/other", "{}")
        end)

        it("need a database and a sane busy time", function()
            refused(nr.INVALID, "which database? Add ?db=FILE to the path", "/query", "{}", { query = "" })
            refused(nr.INVALID, "which database? Add ?db=FILE to the path", "/query", "{}", { query = "db=" })
            refused(nr.INVALID, "db: the name is too long or holds a zero byte", "/query", "{}",
                { query = "db=a%00b" })
            refused(nr.INVALID, "busy: give a number of milliseconds, up to 600000", "/query", "{}",
                { busy = "x" })
        end)

        it("cannot leave a transaction or an attached file behind", function()
            local transaction = 'a transaction cannot span calls: send /exec several statements in an array, '
                .. 'or "rows"; they are one transaction'
            for _, sql in ipairs { "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a" } do
                refused(nr.INVALID, transaction, "/exec", { sql = sql })
            end
            for _, sql in ipairs { "ATTACH ':memory:' AS other", "DETACH main" } do
                refused(nr.INVALID,
                    "ATTACH and DETACH are not available: connections are shared between calls", "/exec",
                    { sql = sql })
            end
        end)

        it("may end with white space, semicolons and comments", function()
            assert.equal('[{"1":1}]', raw "SELECT 1; ;\n-- the end\n/* really */ ;")
        end)
    end)

    describe("errors of SQLite", function()
        it("are Err with SQLite's own message", function()
            refused(nr.ERR, 'near "SELEC": syntax error', "/query", { sql = "SELEC 1" })
            refused(nr.ERR, "no such table: nowhere", "/query", { sql = "SELECT * FROM nowhere" })
            db:exec("INSERT INTO things (name) VALUES (?)", { "one" })
            refused(nr.ERR, "UNIQUE constraint failed: things.name", "/exec",
                { sql = "INSERT INTO things (name) VALUES ('one')" })
        end)

        it("name the file that cannot be opened", function()
            local missing = db.folder .. "/missing.db"
            refused(nr.ERR, "unable to open database file: " .. missing, "/query", { sql = "SELECT 1" },
                { db = missing })
            refused(nr.ERR, "unable to open database file: /no/such/folder/a.db", "/exec",
                { sql = "SELECT 1" }, { db = "/no/such/folder/a.db" })
            refused(nr.ERR, "file is not a database", "/query", { sql = "SELECT * FROM t" },
                { db = "/etc/passwd" })
        end)

        it("say when an answer is too large for one piece", function()
            local big = "SELECT printf('%.*c', 40000000, 'x') AS a"
            refused(nr.ERR, "the answer is larger than 64 MiB; /rows sends row by row", "/query",
                { sql = big .. " UNION ALL " .. big })
        end)
    end)

    describe("/exec", function()
        it("answers changes and the last rowid", function()
            assert.same({ changes = 1, last_insert_rowid = 7 },
                db:exec("INSERT INTO things VALUES (?, ?, ?)", { 7, "seven", 7 }))
            assert.same({ changes = 1, last_insert_rowid = 0 }, db:exec "UPDATE things SET value = 8")
            assert.same({ changes = 0, last_insert_rowid = 0 },
                db:exec "CREATE INDEX by_value ON things (value)")
            assert.same({ changes = 0, last_insert_rowid = 0 }, db:exec "DROP INDEX by_value")
            assert.same({ changes = 1, last_insert_rowid = 0 }, db:exec "DELETE FROM things")
        end)

        it("answers the rows that a statement returns", function()
            local answer = db:exec(
                "INSERT INTO things (name, value) VALUES (?, ?) RETURNING name, value", { "a", 2 })
            assert.same({ { name = "a", value = 2 } }, answer.rows)
            assert.equal(1, answer.changes)
        end)

        it("runs a statement for each of the rows, all or none", function()
            local insert = "INSERT INTO things (id, name) VALUES (?, ?)"
            local status, body = db:call("/exec",
                { sql = insert, rows = { { 1, "a" }, { 2, "b" }, { 3, "c" } } })
            assert.equal(nr.OK, status, body)
            assert.same({ changes = 3, last_insert_rowid = 3 }, cjson.decode(body))
            refused(nr.ERR, "row 2: UNIQUE constraint failed: things.name", "/exec",
                { sql = insert, rows = { { 4, "d" }, { 5, "a" }, { 6, "f" } } })
            refused(nr.INVALID, "row 2: the statement takes 2 parameters, 1 given", "/exec",
                { sql = insert, rows = { { 4, "d" }, { 5 } } })
            assert.equal(3, db:query("SELECT count(*) AS n FROM things")[1].n)
        end)

        it("takes rows by name, and none at all", function()
            local sql = "INSERT INTO things (id, name) VALUES (:id, :name)"
            local rows = { { id = 1, name = "x" }, { name = "y", id = 2 } }
            local status = db:call("/exec", { sql = sql, rows = rows })
            assert.equal(nr.OK, status)
            local _, body = db:call("/exec", { sql = sql, rows = {} })
            assert.equal(0, cjson.decode(body).changes)
            assert.equal("x,y", db:query("SELECT group_concat(name) AS names FROM things")[1].names)
        end)

        it("runs several statements in one transaction, all or none", function()
            local status, body = db:call("/exec", {
                { sql = "INSERT INTO things (name) VALUES ('a')" },
                { sql = "INSERT INTO things (name) VALUES (?)", rows = { { "b" }, { "c" } } },
                { sql = "UPDATE things SET value = ?", params = { 1 } },
            })
            assert.equal(nr.OK, status, body)
            local changes = {}
            for _, outcome in ipairs(cjson.decode(body)) do
                table.insert(changes, outcome.changes)
            end
            assert.same({ 1, 2, 3 }, changes)
            refused(nr.ERR, "statement 2: no such table: nowhere", "/exec",
                { { sql = "DELETE FROM things" }, { sql = "DELETE FROM nowhere" } })
            assert.equal(3, db:query("SELECT count(*) AS n FROM things")[1].n)
        end)

        it("makes the file and switches it to WAL", function()
            local path = db.folder .. "/new.db"
            db:exec("CREATE TABLE t (a)", nil, { db = path })
            assert.equal("wal", db:exec("PRAGMA journal_mode", nil, { db = path }).rows[1].journal_mode)
        end)

        it("can compact the file", function()
            assert.equal(0, db:exec("VACUUM").changes)
        end)
    end)

    it("tells in its log what it opens and what went wrong", function()
        local outcome = support.run({
            "call", support.plugin "sqlite", "/query?db=" .. db.path, "-d", '{"sql":"SELECT nonsense"}',
        }, { env = { NYLON_RING_LOG = "debug" } })
        assert.equal(1, outcome.code)
        assert.matches("opened " .. db.path .. " for reading", outcome.err, 1, true)
        assert.matches(db.path .. ": no such column: nonsense", outcome.err, 1, true)
    end)

    describe("databases", function()
        it("are found by a percent-encoded name", function()
            local path = db.folder .. "/50% a&b.db"
            local encoded = path:gsub("[ %%&]", { [" "] = "%20", ["%"] = "%25", ["&"] = "%26" })
            db:exec("CREATE TABLE t AS SELECT 1 AS a", nil, { db = encoded })
            assert.equal(1, db:query("SELECT a FROM t", nil, { db = encoded })[1].a)
            assert.truthy(require("luv").fs_stat(path))
        end)

        it("in memory are one for all calls", function()
            db:exec("CREATE TABLE IF NOT EXISTS m AS SELECT 'kept' AS a", nil, { db = ":memory:" })
            assert.equal("kept", db:query("SELECT a FROM m", nil, { db = ":memory:" })[1].a)
        end)

        it("are opened anew when the file was replaced", function()
            local path = db.folder .. "/replaced.db"
            db:exec("CREATE TABLE t AS SELECT 'old' AS a", nil, { db = path })
            assert.equal("old", db:query("SELECT a FROM t", nil, { db = path })[1].a)
            for _, suffix in ipairs { "", "-wal", "-shm" } do
                os.remove(path .. suffix)
            end
            db:exec("CREATE TABLE t AS SELECT 'new' AS a", nil, { db = path })
            assert.equal("new", db:query("SELECT a FROM t", nil, { db = path })[1].a)
        end)

        it("may be many more than are kept open", function()
            for i = 1, 100 do
                local options = { db = ("%s/many%d.db"):format(db.folder, i) }
                db:exec("CREATE TABLE t AS SELECT ? AS a", { i }, options)
            end
            for i = 1, 100 do
                local options = { db = ("%s/many%d.db"):format(db.folder, i) }
                assert.equal(i, db:query("SELECT a FROM t", nil, options)[1].a)
            end
        end)

        it("see a schema that another call changed", function()
            db:exec "CREATE TABLE shape (a)"
            db:exec "INSERT INTO shape VALUES (1)"
            assert.equal('[{"a":1}]', raw "SELECT * FROM shape")
            db:exec "ALTER TABLE shape ADD COLUMN b DEFAULT 2"
            assert.equal('[{"a":1,"b":2}]', raw "SELECT * FROM shape")
            db:exec "ALTER TABLE shape DROP COLUMN a"
            assert.equal('[{"b":2}]', raw "SELECT * FROM shape")
            db:exec "DROP TABLE shape"
        end)
    end)
end)
