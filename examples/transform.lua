-- A stream that is changed on its way: rows of a database are filtered, translated by another plugin, and
-- handed on, one at a time. Nothing is gathered: the reader at the end sets the pace of the query at the
-- beginning.
--
--     nylon-ring examples/transform.lua

local cjson = require "cjson"
local nr = require "nylon_ring"
local uv = require "luv"

local plugins = uv.exepath():match "^.*/" .. "plugins/"
local echo = assert(nr.load(plugins .. "echo.so"))
local sqlite = assert(nr.load(plugins .. "sqlite.so"))

-- A stream over another one. `change(data)` answers the new frame, or nil to leave it out; it may suspend.
local Transformed = {}
Transformed.__index = Transformed

local function transform(stream, change)
    return setmetatable({ _stream = stream, _change = change }, Transformed)
end

function Transformed:recv()
    while true do
        local status, data = self._stream:recv()
        if status ~= nr.OK then
            return status, data -- the end, or an error: as it is
        end
        local changed = self._change(data)
        if changed then
            return nr.OK, changed
        end
    end
end

function Transformed:close()
    self._stream:close()
end

-- A route may answer with whatever can `recv`.
local router = nr.router()

router:get("/squares", function()
    local rows = assert(sqlite:call_stream {
        path = "/rows",
        query = "db=:memory:",
        body = cjson.encode {
            sql = [[WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                SELECT i, i * i AS square, printf('%d times %d', i, i) AS text FROM n]],
        },
    })
    return transform(rows, function(data)
        local row = cjson.decode(data)
        if row.square % 2 == 1 then
            return nil
        end
        local _, text = assert(echo:call("/upper", row.text))
        return ("%s = %d"):format(text, row.square)
    end)
end)

-- The query has no end; the reader takes five rows and closes, which stops it.
local response = router:handle { path = "/squares" }
for _ = 1, 5 do
    local _, line = response.stream:recv()
    print(line)
end
response.stream:close()
