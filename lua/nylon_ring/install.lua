-- `nr.install`: puts functions of ours in the place of a few globals, so that tasks may suspend in
-- modules that load and in coroutines of the script's own. Our program does this at its start; as a
-- library only who asks for it gets it.

local core = require "nylon_ring.core"
local loader = require "nylon_ring.loader"
local relay = require "nylon_ring.relay"
local uv = require "luv"

local M = {}

local loop_run = uv.run

local function guarded_run(...)
    if core.running() then
        error("uv.run inside a task would run the loop that runs the task: just suspend (nr.sleep, nr.await, "
            .. "a call), the loop goes on meanwhile. Outside of tasks there is nr.run", 2)
    end
    return loop_run(...)
end

local replacements = {
    { table = _G, name = "require", ours = loader.require },
    { table = _G, name = "dofile", ours = loader.dofile },
    { table = coroutine, name = "resume", ours = relay.resume },
    { table = coroutine, name = "wrap", ours = relay.wrap },
    { table = uv, name = "run", ours = guarded_run },
}

---Replaces `require` and `dofile` by ones in which modules may suspend, `coroutine.resume` and
---`coroutine.wrap` by ones through which tasks may, and `uv.run` by one that refuses to run inside a
---task. Nothing where that was done.
function M.install()
    for _, each in ipairs(replacements) do
        if each.table[each.name] ~= each.ours then
            each.original = each.table[each.name]
            each.table[each.name] = each.ours
        end
    end
    core.relaying(true)
end

---Puts the originals back, but for those that somebody else has replaced since.
---@return boolean was_installed
function M.uninstall()
    local was_installed = false
    for _, each in ipairs(replacements) do
        if each.original then
            was_installed = true
            if each.table[each.name] == each.ours then
                each.table[each.name] = each.original
            end
            each.original = nil
        end
    end
    core.relaying(false)
    return was_installed
end

return M
