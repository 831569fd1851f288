local cjson = require "cjson"
local nr = require "nylon_ring"
local sqlite = require "spec.plugins.sqlite_support"
local support = require "spec.support"

--- Resident memory of this process in MiB.
local function resident()
    for line in io.lines "/proc/self/status" do
        local kib = line:match "^VmRSS:%s*(%d+)"
        if kib then
            return tonumber(kib) / 1024
        end
    end
end

describe("sqlite's streams", function()
    local db

    setup(function()
        db = sqlite.open()
        db:exec "CREATE TABLE t (a)"
    end)

    teardown(function()
        db:close()
    end)

    after_each(function()
        db:settle()
    end)

    it("send an object for each row, then the end", function()
        local seen = {}
        for status, data in db:rows("SELECT 1 AS a UNION ALL SELECT 2", nil):frames() do
            table.insert(seen, { status, data })
        end
        assert.same({ { nr.OK, '{"a":1}' }, { nr.OK, '{"a":2}' }, { nr.STREAM_END, "" } }, seen)
    end)

    it("end at once when there is no row", function()
        local stream = db:rows("SELECT 1 WHERE 0")
        assert.same({ nr.STREAM_END, "" }, { stream:recv() })
        stream:close()
    end)

    it("end with SQLite's message when it fails on the way", function()
        local seen = {}
        db:rows("SELECT abs(a) AS a FROM (SELECT 1 AS a UNION ALL SELECT -9223372036854775807 - 1)")
            :each(function(status, data)
                table.insert(seen, { status, data })
            end)
        assert.same({ { nr.OK, '{"a":1}' }, { nr.ERR, "integer overflow" } }, seen)
    end)

    it("refuse a statement that writes", function()
        local stream = db:rows "INSERT INTO t VALUES (1)"
        assert.same({ nr.INVALID, "this statement writes: use /exec" }, { stream:recv() })
        stream:close()
    end)

    it("bring a million rows to a slow reader in flat memory", function()
        local count, sum = 0, 0
        local stream = db:rows(sqlite.numbers(1000000))
        nr.timeout(10000, function() -- the reader is late until the queue is full and the statement parks
            while db.plugin:stats().backpressure == 0 do
                nr.sleep(1)
            end
        end)
        assert.is_true(db.plugin:stats().backpressure > 0)
        local before = resident()
        for status, data in stream:frames() do
            if status == nr.OK then
                count, sum = count + 1, sum + tonumber(data:match "%d+")
                if count % 100000 == 0 then
                    nr.sleep(1)
                end
            end
        end
        assert.equal(1000000, count)
        assert.equal(1000000 * 1000001 / 2, sum)
        if not support.sanitized then -- a sanitizer keeps freed memory for a while
            assert.is_true(resident() - before < 64, "memory grew by more than 64 MiB")
        end
    end)

    it("hold no thread while their readers are away", function()
        local streams = {}
        for i = 1, 40 do -- more than the plugin has threads
            streams[i] = db:rows(sqlite.numbers())
            assert.equal(nr.OK, (streams[i]:recv()))
        end
        assert.equal(1, db:query("SELECT 1 AS one", nil, { timeout = 20000 })[1].one)
        for _, stream in ipairs(streams) do
            stream:close()
        end
    end)

    it("share the threads: one that never ends does not starve the others", function()
        local greedy = {}
        for i = 1, 20 do
            greedy[i] = nr.spawn(function()
                db:rows(sqlite.numbers()):each(function() end)
            end)
        end
        assert.equal(1, db:query("SELECT 1 AS one", nil, { timeout = 20000 })[1].one)
        for _, task in ipairs(greedy) do
            task:cancel()
            task:join()
        end
    end)

    it("see the data as it was when they began", function()
        db:exec "DELETE FROM t"
        db:call("/exec", { sql = "INSERT INTO t VALUES (?)", rows = { { 1 }, { 2 }, { 3 } } })
        local stream = db:rows "SELECT a FROM t, (SELECT 1 UNION ALL SELECT 2) ORDER BY a"
        assert.same({ nr.OK, '{"a":1}' }, { stream:recv() })
        db:exec "DELETE FROM t"
        local rest = 0
        stream:each(function(status)
            rest = rest + (status == nr.OK and 1 or 0)
        end)
        assert.equal(5, rest)
        assert.equal(0, db:query("SELECT count(*) AS n FROM t")[1].n)
    end)

    it("stop their statement when they are closed", function()
        local stream = db:rows(sqlite.numbers())
        assert.equal(nr.OK, (stream:recv()))
        stream:close()
        db:settle()
    end)
end)

describe("sqlite's calls", function()
    local db

    before_each(function()
        db = sqlite.open()
        db:exec "CREATE TABLE t (a)"
    end)

    after_each(function()
        db:settle()
        db:close()
    end)

    it("are interrupted by their timeout, and only they", function()
        local other = nr.spawn(function()
            return db:query("SELECT count(*) AS n FROM (" .. sqlite.numbers(3000000) .. ")")[1].n
        end)
        local status, err = db:call("/query", { sql = sqlite.ENDLESS }, { timeout = 30 })
        assert.is_nil(status)
        assert.equal("timeout", err.code)
        db:settle()
        assert.equal(3000000, other:join())
    end)

    it("are interrupted by an inherited deadline and by cancel", function()
        local result, err = nr.timeout(30, function()
            return db:query(sqlite.ENDLESS)
        end)
        assert.is_nil(result)
        assert.equal("timeout", err.code)
        local task = nr.spawn(function()
            return db:query(sqlite.ENDLESS)
        end)
        task:cancel()
        task:join()
        db:settle()
        assert.equal(1, db:query("SELECT 1 AS one")[1].one)
    end)

    it("do not wait behind slow ones", function()
        local slow = {}
        for i = 1, 8 do
            slow[i] = nr.spawn(function()
                return db:query(sqlite.ENDLESS)
            end)
        end
        for _ = 1, 50 do
            assert.equal(1, db:query("SELECT 1 AS one", nil, { timeout = 20000 })[1].one)
        end
        for _, task in ipairs(slow) do
            assert.is_false(task:status() == "done")
            task:cancel()
            task:join()
        end
    end)

    it("write one after the other, without a busy file", function()
        local list = {}
        for i = 1, 300 do
            list[i] = function()
                return db:exec("INSERT INTO t VALUES (?)", { i }).last_insert_rowid
            end
        end
        local rowids = assert(nr.all(list))
        table.sort(rowids)
        for i = 1, 300 do
            assert.equal(i, rowids[i])
        end
    end)

    it("write nothing when they are given up in the middle", function()
        local status, err = db:call("/exec",
            { { sql = "INSERT INTO t VALUES (1)" }, { sql = "INSERT INTO t " .. sqlite.numbers() } },
            { timeout = 50 })
        assert.is_nil(status)
        assert.equal("timeout", err.code)
        db:settle()
        assert.equal(0, db:query("SELECT count(*) AS n FROM t")[1].n)
        assert.equal(1, db:exec("INSERT INTO t VALUES (2)").changes)
    end)

    describe("behind a writer that does not end", function()
        local other, holder

        --- Calls through a second image, which knows nothing of the first one's line: as another process.
        local function call(body, busy)
            local query = ("db=%s&busy=%d"):format(db.path, busy)
            return other:call { path = "/exec", query = query, body = cjson.encode(body) }
        end

        local function await_lock()
            local status, body
            repeat -- a write that changes nothing
                status, body = call({ sql = "DELETE FROM t WHERE 0" }, 0)
            until status == nr.ERR
            return body
        end

        before_each(function()
            other = assert(nr.load(db.plugin.path, { name = "another process, as it were" }))
            holder = nr.spawn(function()
                return db:exec("INSERT INTO t " .. sqlite.numbers())
            end)
        end)

        after_each(function()
            holder:cancel()
            holder:join()
            assert(other:unload { grace = 10000 })
        end)

        it("tell other processes that the database is locked", function()
            assert.equal("database is locked", await_lock())
        end)

        it("can be given up while they stand in its line", function()
            await_lock()
            local status, err = db:call("/exec", { sql = "INSERT INTO t VALUES (1)" }, { timeout = 10 })
            assert.is_nil(status)
            assert.equal("timeout", err.code)
            holder:cancel()
            db:settle()
            assert.equal(0, db:query("SELECT count(*) AS n FROM t")[1].n)
        end)

        it("make another process wait as long as it was told", function()
            await_lock()
            local waiting = nr.spawn(call, { sql = "INSERT INTO t VALUES (3)" }, 60000)
            holder:cancel()
            assert.equal(nr.OK, (waiting:join()))
        end)
    end)

    it("are ended by an unload, at the end of its grace", function()
        local other = sqlite.open "to be unloaded"
        local task = nr.spawn(function()
            return other:call("/exec", { sql = sqlite.ENDLESS })
        end)
        other:close(20)
        local status, err = task:join()
        assert.is_nil(status)
        assert.equal("plugin_unloaded", err.code)
    end)
end)
