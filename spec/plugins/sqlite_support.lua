--- What the specs of the sqlite plugin share: a plugin with a fresh database, and calls in short.
local cjson = require "cjson"
local nr = require "nylon_ring"
local support = require "spec.support"
local uv = require "luv"

local M = {}

---@class spec.Database
---@field plugin nylon_ring.Plugin
---@field path string
local Database = {}
Database.__index = Database

--- A query that goes on until somebody stops it.
M.ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

--- Rows 1 to `count`, or without an end.
function M.numbers(count)
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        .. (count and " WHERE i < " .. count or "") .. ") SELECT i FROM n"
end

--- Loads the plugin under a name of its own; the database lies in a fresh folder.
---@param name? string
---@return spec.Database
function M.open(name)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-sqlite-XXXXXX"))
    local plugin = assert(nr.load(support.plugin "sqlite", { name = name or "sqlite under test" }))
    return setmetatable({ plugin = plugin, folder = folder, path = folder .. "/test.db" }, Database)
end

--- Unloads the plugin and removes the folder. Answers the report of the unload.
---@async
function Database:close(grace)
    local report = assert(self.plugin:unload { grace = grace or 10000 })
    for entry in uv.fs_scandir_next, assert(uv.fs_scandir(self.folder)) do
        os.remove(self.folder .. "/" .. entry)
    end
    uv.fs_rmdir(self.folder)
    return report
end

--- A request as the plugin wants it. `body` is text or what becomes JSON.
function Database:request(path, body, options)
    options = options or {}
    local busy = options.busy and "&busy=" .. options.busy or ""
    return {
        method = "POST",
        path = path,
        query = options.query or "db=" .. (options.db or self.path) .. busy,
        body = type(body) == "string" and body or cjson.encode(body),
    }
end

---@async
---@return integer status
---@return string body
function Database:call(path, body, options)
    return self.plugin:call(self:request(path, body, options), { timeout = options and options.timeout })
end

--- The rows of a query, decoded; raises what the plugin says when it fails.
---@async
function Database:query(sql, params, options)
    local status, body = self:call("/query", { sql = sql, params = params }, options)
    if status ~= nr.OK then
        error(tostring(status) .. ": " .. tostring(body), 0)
    end
    return cjson.decode(body)
end

---@async
function Database:exec(sql, params, options)
    local status, body = self:call("/exec", { sql = sql, params = params }, options)
    if status ~= nr.OK then
        error(tostring(status) .. ": " .. tostring(body), 0)
    end
    return cjson.decode(body)
end

--- A stream of rows.
function Database:rows(sql, params, options)
    return assert(self.plugin:call_stream(self:request("/rows", { sql = sql, params = params }), options))
end

--- Waits until what was given up has been answered by the plugin, that is: until its statement has stopped.
---@async
function Database:settle()
    for _ = 1, 1000 do
        if self.plugin:stats().owed == 0 then
            return
        end
        nr.sleep(5)
    end
    error "the plugin still owes answers after five seconds"
end

return M
