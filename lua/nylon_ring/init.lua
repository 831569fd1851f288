-- The Lua API: everything a script sees of Nylon Ring.

local core = require "nylon_ring.core"
local modules = require "nylon_ring.modules"

if core.api then -- it was forgotten, and is loaded anew
    modules.restore()
    return core.api
end

local await = require "nylon_ring.await"
local chaos = require "nylon_ring.chaos"
local combinators = require "nylon_ring.combinators"
local install = require "nylon_ring.install"
local errors = require "nylon_ring.errors"
local list = require "nylon_ring.list"
local log = require "nylon_ring.log"
local lua_plugin = require "nylon_ring.lua_plugin"
local plugin = require "nylon_ring.plugin"
local report = require "nylon_ring.report"
local request = require "nylon_ring.request"
local retry = require "nylon_ring.retry"
local router = require "nylon_ring.router"
local run = require "nylon_ring.run"
local task = require "nylon_ring.task"
local timeout = require "nylon_ring.timeout"

---@class nylon_ring
local nr = {
    version = core.version,

    -- Plugins
    load = plugin.load,
    plugins = plugin.plugins,
    plugin = plugin.plugin,
    plugin_from_lua = lua_plugin.plugin_from_lua,
    chaos = chaos.chaos,
    request = request.new,
    on_log = log.on_log,

    -- What calls answer: a status, or nil and an Error with one of the codes
    OK = core.statuses.OK,
    ERR = core.statuses.ERR,
    INVALID = core.statuses.INVALID,
    UNSUPPORTED = core.statuses.UNSUPPORTED,
    STREAM_END = core.statuses.STREAM_END,
    PANIC = core.statuses.PANIC,
    BACKPRESSURE = core.statuses.BACKPRESSURE,
    status_name = core.status_name,
    codes = core.codes,
    is_error = errors.is,

    -- Tasks
    run = run.run,
    spawn = task.spawn,
    current = task.current,
    tasks = list.tasks,
    on_error = report.on_error,
    shield = task.shield,
    sleep = await.sleep,
    await = await.await,
    timeout = timeout.timeout,
    all = combinators.all,
    any = combinators.any,
    race = combinators.race,
    map = combinators.map,
    retry = retry.retry,
    install = install.install,
    uninstall = install.uninstall,

    -- Specs
    test = require "nylon_ring.test",

    -- Routing
    router = router.new,
    query = require "nylon_ring.query",
}

core.on_error(report.deliver)

core.api = nr
modules.keep()

return nr
