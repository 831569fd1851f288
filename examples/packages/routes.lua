-- Which request is answered how. Each line of a handler that asks the store suspends its task, and meanwhile
-- all the other requests go on.

local cjson = require "cjson"
local nr = require "nylon_ring"

local M = {}

local function json(code, value)
    return { code = code, headers = { ["Content-Type"] = "application/json" }, body = cjson.encode(value) }
end

-- cjson writes an empty table as an object.
local function list_of(values)
    local response = json(200, values)
    response.body = #values > 0 and response.body or "[]"
    return response
end

local function bad_request(reason)
    return json(400, { error = reason })
end

-- A whole number of the query between 1 and `most`; nil when it is something else.
local function count_of(text, default, most)
    local number = tonumber(text or default)
    return number and number % 1 == 0 and number >= 1 and number <= most and number or nil
end

-- Two ranked lists as one of ten at most. What is high in one or found by both comes first: each place counts
-- as its reciprocal, a place by name twice.
local function merge(by_name, by_words)
    local merged, score = {}, {}
    local function add(list, weight)
        for place, found in ipairs(list) do
            if not score[found.name] then
                table.insert(merged, found)
            end
            score[found.name] = (score[found.name] or 0) + weight / place
        end
    end
    add(by_name, 2)
    add(by_words, 1)
    table.sort(merged, function(a, b)
        return score[a.name] > score[b.name] or score[a.name] == score[b.name] and a.name < b.name
    end)
    return { unpack(merged, 1, 10) }
end

local function package(store)
    return function(request)
        local found, err = store:package(request.params.name)
        if err then
            return nil, err
        end
        return found and json(200, found) or json(404, { error = "no such package: " .. request.params.name })
    end
end

-- Two queries at the same time; when one fails the other is given up.
local function search(store)
    return function(request)
        local text = request.query.q
        if not text or text == "" then
            return bad_request "what for? /search?q=WORDS"
        end
        local found, err = nr.all {
            names = function() return store:search_names(text) end,
            words = function() return store:search_words(text) end,
        }
        if not found then
            return nil, err
        end
        return list_of(merge(found.names, found.words))
    end
end

-- A stream goes through as it is: row by row, at the speed of whoever reads it.
local function largest(store)
    return function(request)
        local n = count_of(request.query.n, 10, 1e6)
        if not n then
            return bad_request "n is a whole number from 1 on"
        end
        return store:stream_largest(n)
    end
end

-- Four queries at the same time under one deadline.
local function summary(store)
    return function()
        local parts, err = nr.timeout(2000, nr.all, {
            total = function() return store:count() end,
            sections = function() return store:sections(3) end,
            maintainers = function() return store:maintainers(3) end,
            largest = function() return store:largest(2) end,
        })
        if not parts then
            return nil, err
        end
        return json(200, {
            packages = parts.total[1].packages,
            installed_gib = math.floor(parts.total[1].kib / 2 ^ 20 * 10 + 0.5) / 10,
            sections = parts.sections,
            maintainers = parts.maintainers,
            largest = parts.largest,
        })
    end
end

-- A query without an end. The deadline gives the call up, which interrupts this statement in the plugin and
-- no other; `nil, err` with a timeout is a 504.
local function slow(store)
    return function(request)
        local ms = count_of(request.query.ms, 500, 60000)
        if not ms then
            return bad_request "ms is a whole number from 1 to 60000"
        end
        return nr.timeout(ms, store.endless, store)
    end
end

-- Another plugin beside: a stream that sleeps between its frames.
local function ticks(echo)
    return function(request)
        local n = count_of(request.query.n, 5, 1000)
        if not n then
            return bad_request "n is a whole number from 1 to 1000"
        end
        return echo:call_stream { path = "/stream", query = ("frames=%d&interval=100"):format(n) }
    end
end

---@param store packages.Store
---@param echo nylon_ring.Plugin
---@return nylon_ring.Router
function M.new(store, echo)
    local router = nr.router()
    router:get("/packages/:name", package(store))
    router:get("/search", search(store))
    router:get("/largest", largest(store))
    router:get("/summary", summary(store))
    router:get("/slow", slow(store))
    router:get("/ticks", ticks(echo))
    return router
end

return M
