-- Several questions at the same time: ask all, take the first, try again.
--
--     nylon-ring examples/fanout.lua

local nr = require "nylon_ring"
local uv = require "luv"

local plugins = uv.exepath():match "^.*/" .. "plugins/"
local echo = assert(nr.load(plugins .. "echo.so"))
local sqlite = assert(nr.load(plugins .. "sqlite.so"))

-- A database in memory: all calls to this plugin share it.
local function ask(path, sql)
    return sqlite:call { path = path, query = "db=:memory:", body = ('{"sql": "%s"}'):format(sql) }
end

-- An answer of the plugin as a value, everything else as a failure.
local function value(status, body)
    if status == nr.OK then
        return body
    end
    return nil, body
end

-- 1. All of them. Each function is a task; the results come back under their keys.
local all = assert(nr.all {
    upper = function() return value(echo:call("/upper", "shout")) end,
    answer = function() return value(ask("/query", "SELECT 6 * 7 AS answer")) end,
})
print("all:   " .. all.upper .. " " .. all.answer)

-- 2. The first of them. The slow one, a query that would never end, is cancelled, and SQLite interrupts it.
local slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
local first = nr.race {
    function() return value(ask("/query", slow)) end,
    function() return value(echo:call("/thread", "the quick one")) end,
}
print("race:  " .. first)

-- 3. The first that succeeds: a failure does not count while another may still make it.
local any = assert(nr.any {
    function() return value(ask("/query", "SELECT * FROM nowhere")) end,
    function() return value(echo:call("/thread", "the one that works")) end,
})
print("any:   " .. any)

-- 4. Again. The table is made by another task, a little later; the pauses grow from try to try.
nr.spawn(function()
    nr.sleep(30)
    ask("/exec", "CREATE TABLE later AS SELECT 'here at last' AS text")
end)
local tries = 0
local found = assert(nr.retry(8, function()
    tries = tries + 1
    return value(ask("/query", "SELECT text FROM later"))
end, { delay = 10 }))
print("retry: " .. found .. (tries > 1 and " after more than one try" or " at the first try"))
