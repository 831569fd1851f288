-- Routing: from a request to the handler or plugin that answers it, through middleware.
--
--     local r = nr.router()
--     r:use(function(request, next) ... return next() end)
--     r:get("/users/:id", function(request) return 200, request.params.id end)
--     r:any("/files/*path", files_plugin)
--     local response = r:handle { method = "GET", path = "/users/7" }
--
-- A handler answers with `status, body` (a plugin's status, or a code of HTTP from 100 on), a body
-- alone, a stream, a table `{ code, headers, body }`, `nil, err`, or nothing (204). What comes out of
-- `handle` is always one table. An error that a handler raises becomes a response as well, 500 unless
-- it is an Error that says otherwise; only the cancellation of the task goes through. See
-- router/tree.lua for how paths are matched.

local calls = require "nylon_ring.call"
local errors = require "nylon_ring.errors"
local misuse = require "nylon_ring.misuse"
local check_options = require("nylon_ring.options").check
local request_view = require "nylon_ring.router.request"
local response = require "nylon_ring.router.response"
local streams = require "nylon_ring.stream"
local task = require "nylon_ring.task"
local Tree = require "nylon_ring.router.tree"

local pairs, select, type, xpcall = pairs, select, type, xpcall

---@alias nylon_ring.Handler fun(request: nylon_ring.RouterRequest): any, any
---@alias nylon_ring.Next fun(request?: table): nylon_ring.Response
---@alias nylon_ring.Middleware fun(request: nylon_ring.RouterRequest, next: nylon_ring.Next): any, any

---@class nylon_ring.RouteOptions : nylon_ring.CallOptions where the handler is a plugin: those of its calls
---@field stream? boolean the plugin answers with a stream

---@class nylon_ring.Router
---@field private _tree table
---@field private _prefix string
---@field private _middleware nylon_ring.Middleware[]
---@field private _parent? nylon_ring.Router
local Router = {}
Router.__index = Router

local M = {}

---A router without routes.
---@return nylon_ring.Router
function M.new()
    return setmetatable({ _tree = Tree.new(), _prefix = "", _middleware = {} }, Router)
end

local function check_handler(handler)
    local kind = type(handler)
    if kind == "function" then
        return
    end
    if (kind == "table" or kind == "userdata") and type(handler.call) == "function" then
        return
    end
    error(("a handler is a function or a plugin, not a %s"):format(kind), 3)
end

local CALL, STREAM = { stream = true }, { stream = true }
for name in pairs(calls.OPTIONS) do
    CALL[name] = true
end
for name in pairs(streams.OPTIONS) do
    STREAM[name] = true
end

-- What of a route's options is for the plugin's calls.
local function call_options(handler, options)
    local copy = {}
    if options == nil then
        return copy
    elseif type(handler) == "function" then
        misuse "a route's options are for the calls of a plugin; this one's handler is a function"
    end
    check_options("a route", options, type(options) == "table" and options.stream and STREAM or CALL)
    for name, value in pairs(options) do
        copy[name] = value
    end
    copy.stream = nil
    return copy
end

-- Called as a tail call, so that errors blame who called the method.
local function add(router, method, pattern, handler, options)
    if type(pattern) ~= "string" then
        error(("a route is a string, not a %s"):format(type(pattern)), 2)
    end
    check_handler(handler)
    local problem = router._tree:add(method, {
        pattern = router._prefix .. pattern,
        handler = handler,
        options = call_options(handler, options), -- first: it checks them
        streams = options ~= nil and options.stream == true,
        group = router,
    })
    if problem then
        error(problem, 2)
    end
    return router
end

---Routes requests with this method and path to a handler.
---@param method string
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:route(method, pattern, handler, options)
    return add(self, method:upper(), pattern, handler, options)
end

---Routes GET requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:get(pattern, handler, options)
    return add(self, "GET", pattern, handler, options)
end

---Routes HEAD requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:head(pattern, handler, options)
    return add(self, "HEAD", pattern, handler, options)
end

---Routes POST requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:post(pattern, handler, options)
    return add(self, "POST", pattern, handler, options)
end

---Routes PUT requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:put(pattern, handler, options)
    return add(self, "PUT", pattern, handler, options)
end

---Routes PATCH requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:patch(pattern, handler, options)
    return add(self, "PATCH", pattern, handler, options)
end

---Routes DELETE requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:delete(pattern, handler, options)
    return add(self, "DELETE", pattern, handler, options)
end

---Routes OPTIONS requests with this path to a handler.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:options(pattern, handler, options)
    return add(self, "OPTIONS", pattern, handler, options)
end

---Routes every method; a route for one method at the same path goes first.
---@param pattern string
---@param handler nylon_ring.Handler|nylon_ring.Plugin
---@param options? nylon_ring.RouteOptions
---@return nylon_ring.Router self
function Router:any(pattern, handler, options)
    return add(self, nil, pattern, handler, options)
end

---Adds middleware: it answers as a handler does, or with what `next(request?)` answered. One that
---answers nothing after it called `next` answers what `next` did. A router's middleware sees every
---request, also those that match no route; a group's sees those of its routes. It runs in the order of
---adding.
---@param middleware nylon_ring.Middleware
---@return nylon_ring.Router self
function Router:use(middleware)
    if type(middleware) ~= "function" then
        error(("middleware is a function, not a %s"):format(type(middleware)), 2)
    end
    self._middleware[#self._middleware + 1] = middleware
    return self
end

---A part of this router: its routes begin with the prefix, and have its middleware in addition.
---@param prefix string
---@return nylon_ring.Router group
function Router:group(prefix)
    if type(prefix) ~= "string" or not prefix:find "^/.*[^/]$" then
        error("a group's prefix begins with a slash and does not end with one", 2)
    end
    return setmetatable({
        _tree = self._tree,
        _prefix = self._prefix .. prefix,
        _middleware = {},
        _parent = self,
    }, Router)
end

-- The message handler of a stage: keeps the stack of what was raised, for `nr.on_error`.
local function with_traceback(err)
    return { err, errors.is(err) and err.traceback or debug.traceback("", 2) }
end

local function finish(ok, ...)
    if ok then
        local valid, answer = pcall(response.normalise, select("#", ...), ...)
        if valid then
            return answer
        end
        return response.of_error(answer), answer
    end
    local raised = ...
    task.rethrow_cancellation(raised[1])
    return response.of_error(raised[1]), raised[1], raised[2]
end

-- Runs one stage; whatever it does, a response comes out. Failures of our own code are reported, those
-- that an Error names (a deadline, a plugin that is gone) are answers like any other.
local function run_stage(stage, ...)
    local answer, raised, traceback = finish(xpcall(stage, with_traceback, ...))
    if raised and answer.code == 500 then
        task.report(raised, traceback)
    end
    return answer
end

local function call_handler(request, route)
    local handler = route.handler
    if type(handler) == "function" then
        return handler(request)
    end
    local sent = request_view.unwrap(request)
    if route.streams then
        return handler:call_stream(sent, route.options)
    end
    return handler:call(sent, route.options)
end

local through

local function middleware_stage(middleware, request, list, index, last)
    local inner
    local function proceed(changed)
        inner = through(list, index + 1, changed and request_view.wrap(changed) or request, last)
        return inner
    end
    local first, second = middleware(request, proceed)
    if first == nil and second == nil then
        if not inner then
            error("middleware answered nothing and did not call next", 0)
        end
        return inner
    end
    return first, second
end

-- Calls the middleware from `index` on, then `last(request)`.
function through(list, index, request, last)
    local middleware = list[index]
    if not middleware then
        return last(request)
    end
    return run_stage(middleware_stage, middleware, request, list, index, last)
end

local function middleware_of(group)
    local list = {}
    while group._parent do
        for index = #group._middleware, 1, -1 do
            table.insert(list, 1, group._middleware[index])
        end
        group = group._parent
    end
    return list
end

local function dispatch(tree, request)
    local path, appended = request.path:match "^([^?]*)%??(.*)$"
    if appended ~= "" and request.query_string == "" then
        request.query_string = appended
    end
    local route, found = tree:find(request.method:upper(), path)
    if not route then
        return found and response.plain(405, { allow = table.concat(found, ", ") }) or response.plain(404)
    end
    request.params = found
    return through(middleware_of(route.group), 1, request, function(changed)
        return run_stage(call_handler, changed, route)
    end)
end

---Answers a request: `method` (GET where there is none) and `path`, and what plugins and handlers need
---beside. Suspends where a handler does. Raises only when the task is cancelled.
---@async
---@param request nylon_ring.RequestFields|nylon_ring.Request
---@return nylon_ring.Response
function Router:handle(request)
    if (type(request) ~= "table" and type(request) ~= "userdata") or type(request.path) ~= "string" then
        error("a request is a table with a path", 2)
    elseif request.method ~= nil and type(request.method) ~= "string" then
        error(("a request's method is a string, not a %s"):format(type(request.method)), 2)
    end
    local root = self
    while root._parent do
        root = root._parent
    end
    local tree = root._tree
    return through(root._middleware, 1, request_view.wrap(request), function(changed)
        return dispatch(tree, changed)
    end)
end

return M
