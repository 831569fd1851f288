-- The Lua API, held against the pages: each function, method, option, field and code is named in prose, and
-- what can be called or given is used in a block that is run.
local annotations = require "spec.support.annotations"
local coverage = require "spec.support.coverage"
local nr = require "nylon_ring"
local statuses = require("nylon_ring.core").statuses

local as_call, as_option = coverage.as_call, coverage.as_option
local missing, prose = coverage.missing, coverage.prose

local API, ROUTER = "lua/nylon_ring/README.md", "lua/nylon_ring/router/README.md"
local TEST, REPL = "lua/nylon_ring/test/README.md", "lua/nylon_ring/repl/README.md"

local all = prose(API) .. prose(ROUTER) .. prose(TEST)

local Plugin = require("nylon_ring.plugin").Plugin
local Stream = require("nylon_ring.stream").Stream
local LuaPlugin = require("nylon_ring.lua_plugin").LuaPlugin
local LuaCall = require("nylon_ring.lua_plugin.call").Call
local Task = getmetatable(nr.current()).__index
local Router = getmetatable(nr.router()).__index
local clock = nr.test.clock()
local Clock = getmetatable(clock)
clock:close()

local function keys(values, kind)
    local names = {}
    for name, value in pairs(values) do
        if (not kind or type(value) == kind) and not name:find "^_" then
            table.insert(names, name)
        end
    end
    table.sort(names)
    return names
end

local function with_prefix(prefix, names)
    local list = {}
    for index, name in ipairs(names) do
        list[index] = prefix .. name
    end
    return list
end

local function without(name, names)
    for index = #names, 1, -1 do
        if names[index] == name then
            table.remove(names, index)
        end
    end
    return names
end

-- ---- Functions ----

local owners = {
    ["nr."] = nr, ["nr.query."] = nr.query, ["plugin:"] = Plugin, ["stream:"] = Stream, ["task:"] = Task,
    ["r:"] = Router, ["call:"] = LuaCall, ["clock:"] = Clock,
}
local functions = {}
for prefix, owner in pairs(owners) do
    functions[prefix] = keys(owner, "function")
end
without("after", functions["clock:"]) -- sets timers, for nylon_ring.timers

-- What nr.test loads when it is asked for.
local function parts_of_test()
    local index = getmetatable(nr.test).__index
    for number = 1, debug.getinfo(index, "u").nups do
        local name, value = debug.getupvalue(index, number)
        if name == "parts" then
            return keys(value)
        end
    end
    error "nr.test does not tell its parts any more"
end

describe("the pages tell of", function()
    for prefix, names in pairs(functions) do
        it("every function of " .. prefix:gsub("[.:]$", ""), function()
            assert.is_true(#names >= 5)
            assert.same({}, missing(all, with_prefix(prefix, names), as_call))
        end)
    end

    it("every part of nr.test, and its modules", function()
        local names, annotated = parts_of_test(), {}
        for index, field in ipairs(annotations.classes("lua/nylon_ring")["nylon_ring.test"]) do
            annotated[index] = field.name
        end
        assert.same(names, annotated)
        assert.same({}, missing(all, with_prefix("nr.test.", names), as_call))
        assert.same({}, missing(all, { "plugin:unused" }, as_call))
        assert.same({}, missing(all, { "nylon_ring.test.asserts", "--helper=nylon_ring.busted" }))
    end)

    it("the REPL's own function", function()
        assert.is_function(require("nylon_ring.repl").command)
        assert.is_truthy(coverage.examples:find 'require%("nylon_ring.repl"%).command')
        assert.is_truthy(prose(REPL):find "Commands of your own")
    end)

    it("the methods of plugins in Lua and their streams, which are those of native ones", function()
        assert.same(keys(Plugin, "function"), keys(LuaPlugin, "function"))
        local stream = nr.plugin_from_lua({ ["/"] = function() end }):call_stream "/"
        assert.same(keys(Stream, "function"), keys(getmetatable(stream), "function"))
        stream:close()
    end)

    it("every constant", function()
        assert.same({}, missing(all, with_prefix("nr.", keys(statuses))))
        assert.same({}, missing(all, { "nr.version", "nr.codes", "nr.query", "nr.test.clock" }))
    end)

    it("every code of an Error", function()
        local codes = {}
        for _, code in pairs(nr.codes) do
            table.insert(codes, code)
        end
        assert.is_true(#codes > 30)
        assert.same({}, missing(prose(API, "Errors"), codes))
    end)

    it("every assert, and the negation of each", function()
        local names = {}
        for name, assertion in pairs(require("luassert.namespaces").assertion) do
            local source = type(assertion) == "table" and debug.getinfo(assertion.callback, "S").source or ""
            if source:find "nylon_ring/test/asserts%.lua$" then
                table.insert(names, name)
            end
        end
        assert.is_true(#names >= 6)
        assert.same({}, missing(prose(TEST, "Asserts"), with_prefix("assert.", names), as_call))
        for _, name in ipairs(names) do
            assert(coverage.examples:find("assert.is_not_" .. name, 1, true), name .. " is not shown negated")
        end
    end)
end)

-- ---- Tables ----

-- The page of each class that scripts meet. Options are shown at work as well.
local public = {
    AbiEvent = API, CallOptions = API, Error = API, LoadOptions = API, LogLine = API, MapOptions = API,
    NotifyOptions = API, Plugin = API, PluginInfo = API, RequestFields = API, RetryOptions = API, Stats = API,
    Stream = API, StreamOptions = API, Task = API, TaskInfo = API, UnloadReport = API,
    Response = ROUTER, RouteOptions = ROUTER, RouterRequest = ROUTER,
    ChaosOptions = TEST, LuaCall = TEST, LuaPluginOptions = TEST, ReplayOptions = TEST,
    ["test.PluginOptions"] = TEST,
}

-- Those without fields for scripts, and those that they do not meet.
local others = {
    Chaos = true, Exchange = true, ExchangeOptions = true, Group = true, Loading = true,
    LuaPlugin = true, LuaStream = true, Request = true, Route = true, Router = true, Carried = true,
    Timer = true, Editor = true, StreamLimits = true, core = true, editor = true, test = true,
}

local function is_internal(name)
    local folder = name:match "^(%l+)%."
    return others[name] or folder == "core" or folder == "repl" or folder == "cli" or folder == "io"
        or folder == "test"
end

describe("the pages name", function()
    local classes = annotations.classes "lua/nylon_ring"

    it("every class that is not marked as one of our own", function()
        for full in pairs(classes) do
            local name = full:match "^nylon_ring%.(.+)$"
            local is_known = not name or public[name] or is_internal(name)
            assert(is_known, full .. " is neither public nor one of our own: list it here")
        end
    end)

    for name, page in pairs(public) do
        it("every field of " .. name, function()
            local names = {}
            for _, field in ipairs(assert(classes["nylon_ring." .. name], name)) do
                if not field.hidden then
                    table.insert(names, field.name)
                    assert(field.words ~= "", field.name .. " has no words in its annotation")
                end
            end
            assert.is_true(#names > 0)
            local is_given = name:find "Options$" or name == "RequestFields"
            assert.same({}, missing(prose(page), names, is_given and as_option or nil))
        end)
    end
end)

-- Gives each function a field that there is none of.
local given = {
    LoadOptions = function(wrong) nr.load("echo.so", wrong) end,
    CallOptions = function(wrong) nr.plugin_from_lua({}):call("/", "", wrong) end,
    NotifyOptions = function(wrong) nr.plugin_from_lua({}):notify("/", "", wrong) end,
    StreamOptions = function(wrong) nr.plugin_from_lua({}):call_stream("/", "", wrong) end,
    RequestFields = function(wrong) nr.request(wrong) end,
    MapOptions = function(wrong) nr.map({}, print, wrong) end,
    RetryOptions = function(wrong) nr.retry(1, print, wrong) end,
    ChaosOptions = function(wrong) nr.chaos(nr.plugin_from_lua {}, wrong) end,
    LuaPluginOptions = function(wrong) nr.plugin_from_lua({}, wrong) end,
    ReplayOptions = function(wrong) nr.test.replay("calls.tape", wrong) end,
    ["test.PluginOptions"] = function(wrong) nr.test.plugin("echo.so", wrong) end,
}

describe("an annotation", function()
    local classes = annotations.classes "lua/nylon_ring"

    for name, give in pairs(given) do
        it("says what is taken as " .. name, function()
            local ok, problem = pcall(give, { nowhere = true })
            assert.is_false(ok)
            local fields = {}
            for index, field in ipairs(classes["nylon_ring." .. name]) do
                fields[index] = field.name
            end
            table.sort(fields)
            assert.equal(table.concat(fields, ", "), problem:match "it has: (.*)$")
        end)
    end

    it("with words stands above every public function", function()
        local bare = {}
        for prefix, names in pairs(functions) do
            for _, name in ipairs(names) do
                local fn = owners[prefix][name]
                if debug.getinfo(fn, "S").what ~= "C" and annotations.words_above(fn) == "" then
                    table.insert(bare, prefix .. name)
                end
            end
        end
        assert.same({}, bare)
    end)
end)
