-- The routes of a router as a tree of path segments, and the search for the one that fits.
--
-- At every segment a literal child is tried before `:param`, and that before `*rest`; where a way leads
-- nowhere the search comes back and takes the next one. So the route with the longest literal prefix
-- wins among those that know the method.
--
-- The path is split at its slashes first and decoded after that: `%2F` never separates. A literal
-- equals the decoded segment; `:param` takes one segment that is not empty; `*rest` takes what is left,
-- which may be empty, and keeps an encoded slash as `%2F`, because there it could not be told from a
-- real one. `.` and `..` mean nothing here, and a slash at the end counts: `/a/` is not `/a`.

local query = require "nylon_ring.query"

local Tree = {}
Tree.__index = Tree

local ANY = "*"

---@class nylon_ring.Route
---@field pattern string
---@field names string[] of its parameters, in order
---@field handler any
---@field streams boolean its handler is a plugin that answers with a stream
---@field options table for the plugin's calls
---@field group nylon_ring.Router where it was added

local function new_node()
    return { literals = {} }
end

function Tree.new()
    return setmetatable({ _root = new_node() }, Tree)
end

local function split(path)
    local segments = {}
    for segment in path:gmatch "/([^/]*)" do
        segments[#segments + 1] = segment
    end
    return segments
end

local function child(node, segment, names)
    local kind, name = segment:match "^([:*])(.*)$"
    if not kind then
        local literals = node.literals
        literals[segment] = literals[segment] or new_node()
        return literals[segment]
    end
    names[#names + 1] = name
    local field = kind == ":" and "param" or "rest"
    node[field] = node[field] or new_node()
    return node[field]
end

local function check_pattern(pattern, segments)
    if pattern:sub(1, 1) ~= "/" then
        return ("a route begins with a slash: %q"):format(pattern)
    end
    local seen = {}
    for index, segment in ipairs(segments) do
        local kind, name = segment:match "^([:*])(.*)$"
        if kind then
            if not name:find "^[%a_][%w_]*$" then
                return ("%q in %q is no name for a parameter"):format(segment, pattern)
            elseif seen[name] then
                return ("%q names %q twice"):format(pattern, name)
            elseif kind == "*" and index < #segments then
                return ("%q can only end a route: %q"):format(segment, pattern)
            end
            seen[name] = true
        end
    end
end

---@param method string|nil nil: every method
---@param route nylon_ring.Route `names` is filled in
---@return string|nil problem
function Tree:add(method, route)
    local segments = split(route.pattern)
    local problem = check_pattern(route.pattern, segments)
    if problem then
        return problem
    end
    local node, names = self._root, {}
    for _, segment in ipairs(segments) do
        node = child(node, segment, names)
    end
    local routes = node.routes or {}
    local key = method or ANY
    if routes[key] then
        return ("%s %s is already routed by %s"):format(method or "any", route.pattern, routes[key].pattern)
    end
    route.names = names
    routes[key], node.routes = route, routes
    return nil
end

-- One search: what is looked for, the values of the parameters on the way, the methods that were seen.
local function take(search, node)
    local routes = node.routes
    if not routes then
        return nil
    end
    local route = routes[search.method] or routes[ANY]
    if not route then
        for method in pairs(routes) do
            search.allowed = search.allowed or {}
            search.allowed[method] = true
        end
    end
    return route
end

local function rest_of(segments, index)
    local parts = {}
    for i = index, #segments do
        parts[#parts + 1] = query.unescape((segments[i]:gsub("%%2[Ff]", "%%252F")))
    end
    return table.concat(parts, "/")
end

local walk

local function walk_param(search, node, index, depth, text)
    if text == "" or not node.param then
        return nil
    end
    search.values[depth] = text
    return walk(search, node.param, index + 1, depth + 1)
end

function walk(search, node, index, depth)
    local segment = search.segments[index]
    if not segment then
        return take(search, node)
    end
    local text = query.unescape(segment)
    local literal = node.literals[text]
    local route = literal and walk(search, literal, index + 1, depth)
        or walk_param(search, node, index, depth, text)
    if not route and node.rest then
        route = take(search, node.rest)
        if route then
            search.values[depth] = rest_of(search.segments, index)
        end
    end
    return route
end

---@param method string
---@param path string as it came, encoded
---@return nylon_ring.Route|nil route
---@return table<string, string>|string[]|nil found its parameters; without a route the methods that the
---path has, sorted, or nil where it has none
function Tree:find(method, path)
    local search = { method = method, segments = split(path), values = {} }
    local route = path:sub(1, 1) == "/" and walk(search, self._root, 1, 1)
    if route then
        local params = {}
        for index, name in ipairs(route.names) do
            params[name] = search.values[index]
        end
        return route, params
    end
    if not search.allowed then
        return nil, nil
    end
    local methods = {}
    for name in pairs(search.allowed) do
        methods[#methods + 1] = name
    end
    table.sort(methods)
    return nil, methods
end

return Tree
