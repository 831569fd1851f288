-- The packages in a SQLite database: how they get in, and every question that is asked of them. The plugin
-- runs SQLite on threads of its own, so each call here suspends its task only.

local cjson = require "cjson"
local nr = require "nylon_ring"

---@class packages.Store
---@field private _sqlite nylon_ring.Plugin
---@field private _query string
local Store = {}
Store.__index = Store

local function escape(text)
    return (text:gsub("[^%w%-%._~/]", function(c)
        return ("%%%02X"):format(c:byte())
    end))
end

---@param sqlite nylon_ring.Plugin
---@param path string the database file
---@return packages.Store
function Store.new(sqlite, path)
    return setmetatable({ _sqlite = sqlite, _query = "db=" .. escape(path), path = path }, Store)
end

local function request(store, path, body)
    return { method = "POST", path = path, query = store._query, body = cjson.encode(body) }
end

-- One call: what the plugin answers as a Lua value, or `nil, err` (a deadline, a plugin that is gone). What
-- SQLite refuses is a fault in this file and raised.
local function call(store, path, body)
    local status, answer = store._sqlite:call(request(store, path, body))
    if not status then
        return nil, answer
    elseif status ~= nr.OK then
        error("sqlite: " .. answer, 0)
    end
    return cjson.decode(answer)
end

---@async
function Store:query(sql, params)
    return call(self, "/query", { sql = sql, params = params })
end

---Several statements in one transaction.
---@async
function Store:exec(statements)
    return call(self, "/exec", statements)
end

---A stream of rows, one JSON object a frame.
---@async
---@return nylon_ring.Stream|nil stream
---@return any err
function Store:rows(sql, params)
    return self._sqlite:call_stream(request(self, "/rows", { sql = sql, params = params }))
end

-- ---- Getting them in ----

---What the database was made of, or nil: not at all, or not to its end.
---@async
---@return { fingerprint: string, packages: integer }|nil
function Store:imported()
    local ok, rows = pcall(self.query, self, "SELECT fingerprint, packages FROM import")
    return ok and rows and rows[1] or nil
end

---Throws away what is there and makes room for a new import.
---@async
function Store:clear()
    return self:exec {
        { sql = "DROP TABLE IF EXISTS import" },
        { sql = "DROP TABLE IF EXISTS words" },
        { sql = "DROP TABLE IF EXISTS packages" },
        {
            sql = [[CREATE TABLE packages (
                name TEXT PRIMARY KEY, version TEXT, architecture TEXT, section TEXT, size INTEGER,
                installed_kib INTEGER, maintainer TEXT, homepage TEXT, depends TEXT, summary TEXT,
                description TEXT)]],
        },
    }
end

---Adds packages: lists of values in the order of the table's columns.
---@async
function Store:add(rows)
    return call(self, "/exec", {
        sql = "INSERT OR REPLACE INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows = rows,
    })
end

---Makes the indexes, then notes that the import is whole.
---@async
function Store:finish(fingerprint)
    return self:exec {
        { sql = "CREATE INDEX packages_by_size ON packages (installed_kib)" },
        { sql = "CREATE INDEX packages_by_section ON packages (section)" },
        { sql = [[CREATE VIRTUAL TABLE words USING fts5
            (name, summary, content = 'packages', tokenize = 'porter')]] },
        { sql = "INSERT INTO words (words) VALUES ('rebuild')" },
        { sql = "CREATE TABLE import AS SELECT ? AS fingerprint, count(*) AS packages FROM packages",
            params = { fingerprint } },
    }
end

-- ---- Asking ----

---@async
---@return table|nil package nil where there is none of that name
---@return any err
function Store:package(name)
    local rows, err = self:query("SELECT * FROM packages WHERE name = ?", { name })
    if not rows then
        return nil, err
    end
    return rows[1]
end

-- The very name first, then those that begin with the text, short ones before long ones.
local BY_NAME = "ORDER BY name <> :text, instr(name, :text) > 1, length(name), name"

---Packages with this in their name. The names alone are searched first: their index is small.
---@async
function Store:search_names(text)
    return self:query([[
        SELECT name, summary FROM packages WHERE name IN
            (SELECT name FROM packages WHERE instr(name, :text) > 0 ]] .. BY_NAME .. [[ LIMIT 10)
        ]] .. BY_NAME, { text = text })
end

---Packages with all of these words in name or summary, the best first.
---@async
function Store:search_words(text)
    local words = {}
    for word in text:gmatch "[%w\128-\255]+" do
        table.insert(words, '"' .. word .. '"')
    end
    if #words == 0 then
        return {}
    end
    return self:query([[
        SELECT name, summary FROM words WHERE words MATCH ?
        ORDER BY bm25(words, 4, 1) LIMIT 10]], { table.concat(words, " ") })
end

---@async
function Store:count()
    return self:query "SELECT count(*) AS packages, sum(installed_kib) AS kib FROM packages"
end

---@async
function Store:sections(limit)
    return self:query([[
        SELECT section, count(*) AS packages FROM packages GROUP BY section ORDER BY packages DESC LIMIT ?]],
        { limit })
end

---@async
function Store:maintainers(limit)
    return self:query([[
        SELECT maintainer, count(*) AS packages FROM packages GROUP BY maintainer
        ORDER BY packages DESC LIMIT ?]], { limit })
end

local LARGEST = "SELECT name, installed_kib, summary FROM packages ORDER BY installed_kib DESC LIMIT ?"

---@async
function Store:largest(limit)
    return self:query(LARGEST, { limit })
end

---The same as a stream, for any number of them.
---@async
---@return nylon_ring.Stream|nil stream
---@return any err
function Store:stream_largest(limit)
    return self:rows(LARGEST, { limit })
end

---Counts for ever: only a deadline ends it.
---@async
function Store:endless()
    return self:query [[
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)
        SELECT count(*) FROM numbers]]
end

return Store
