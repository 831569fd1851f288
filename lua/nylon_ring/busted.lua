--- A helper for busted: a spec that leaves something open fails, and says what; so does one whose
--- background task or callback failed, and a block or file for what its hooks and its own code did.
--- `nylon-ring test` uses it by itself, and a stock busted with
---
---     busted --lua=luajit --helper=nylon_ring.busted
---
--- How a spec is made to fail late: its end, and its own failures, are announced after the last `after_each`,
--- which is ours. A spec fails once, with all that is to be said.
---
---     before_each (root) ─▶ ... the spec ... ─▶ "test end", held back ─▶ ... ─▶ after_each (root)
---        look                                                              settle, tell, close
local accounts = require "nylon_ring.test.accounts"
local async = require "nylon_ring.test.async"
local busted = require "busted"
local leaks = require "nylon_ring.test.leaks"
local limits = require "nylon_ring.test.limits"
local modules = require "nylon_ring.modules"
local settling = require "nylon_ring.test.settling"
local stage = require "nylon_ring.test.stage"
local unsaid = require "nylon_ring.test.unsaid"

local run = { account = accounts.new "the run" } -- what runs outside of files
local blocks = {}     -- of the file and its blocks, innermost last: { account, look }
local spec            -- the same of the spec that runs, with what is held back of it
local announcing      -- what was held back is let through

local function innermost()
    return blocks[#blocks] or run
end

-- What runs from now on is charged to this account.
local function switch(account)
    settling.let_go()
    accounts.enter(account)
end

-- ---- Blocks ----

local function begin_block(name)
    return function(element)
        local account = accounts.new(name(element), innermost().account)
        switch(account)
        table.insert(blocks, { account = account, look = leaks.look(), element = element })
        accounts.take_errors()
    end
end

local function tell_block(work)
    local element = work.element
    local parent = busted.parent(element)
    for _, complaint in ipairs(settling.finish(work)) do
        busted.publish({ "error", element.descriptor }, element, parent, complaint, element.trace)
    end
end

local function end_block()
    tell_block(table.remove(blocks))
    switch(innermost().account)
end

-- A hook of a block has an account of its own, which the block answers for; what happens around a spec is the
-- spec's.
local function begin_hook(hook)
    if hook.kind ~= "before_each" and hook.kind ~= "after_each" then
        local block = run
        for _, each in ipairs(blocks) do
            block = each.element == hook.block and each or block
        end
        switch(accounts.part(hook.name, block.account))
    end
end

-- ---- Specs ----

local function begin_spec()
    local account = accounts.new("a before_each", innermost().account)
    switch(account)
    spec = { account = account, look = leaks.look() }
    accounts.take_errors()
end

local function name_spec(element)
    if spec and element.descriptor == "it" then
        spec.element = element
        spec.account.name, spec.account.is_spec = ("'%s'"):format(element.name), true
    end
end

--- Holds the end of a spec back until `finish_spec` announces it.
local function hold_end(element, parent, status)
    if element.descriptor == "it" and spec and not announcing then
        spec.ending = { element, parent, status }
        settling.let_go()
        return false
    end
end

-- The same for what it fails with; of several failures the first is its outcome.
local function hold_failure(kind)
    return function(element, _, message, trace)
        limits.let_wait()
        message, trace = message or unsaid.message(element), trace or element.trace
        if not spec or announcing then
            return nil, true
        elseif spec.failure then
            spec.account:charge(tostring(message))
        else
            spec.failure = { kind = kind, message = message, trace = trace }
        end
        return nil, false
    end
end

-- A failure's message, and after it the complaints that are not in it already: an assert may have shown one.
local function join(message, complaints)
    local parts = { message and tostring(message) }
    for _, complaint in ipairs(complaints) do
        if not (message and parts[1]:find(complaint, 1, true)) then
            table.insert(parts, complaint)
        end
    end
    return parts[1] and table.concat(parts, "\n")
end

-- All that is to be said of the spec, in one failure. Answers what kind of one; nil where there is none.
local function tell_failure(work, complaints, element, parent)
    local failure = work.failure or { kind = "failure", trace = element.trace }
    local message = join(failure.message, complaints)
    if message then
        busted.publish({ failure.kind, "it" }, element, parent, message, failure.trace)
        return failure.kind
    end
end

local function announce(work, complaints)
    local element, parent, status = unpack(work.ending, 1, 3)
    announcing = true
    local ok, kind = pcall(tell_failure, work, complaints, element, parent)
    busted.publish({ "test", "end" }, element, parent, not ok and "error" or kind or status)
    announcing = false
    if not ok then
        error(kind, 0)
    end
end

-- Where a before_each failed there is no end to announce; what else is to be said is the block's.
local function hand_on(complaints)
    for _, complaint in ipairs(complaints) do
        innermost().account:charge(complaint)
    end
end

local function finish_spec()
    local work = spec
    local untold = limits.take_untold(work.failure and work.failure.message)
    if untold then
        work.account:charge(untold)
    end
    local ok, complaints = pcall(settling.finish, work)
    complaints = ok and complaints or { tostring(complaints) }
    spec = nil
    switch(innermost().account)
    if work.ending then
        announce(work, complaints)
    else
        hand_on(complaints)
    end
end

-- ---- Files ----

local function begin_file()
    modules.restore()
end

local function end_run()
    if #run.account.errors > 0 then
        for _, complaint in ipairs(run.account.errors) do
            busted.publish({ "error", "suite" }, { descriptor = "suite", name = "the run" }, nil, complaint)
        end
    end
    run = { account = accounts.new "the run" }
    accounts.enter(run.account)
end

require "nylon_ring.test.asserts"
require "nylon_ring.test.outputs"
async.on_end = settling.let_go
leaks.trace()
modules.keep()
accounts.enter(run.account)
stage.watch()
stage.on("file start", begin_file)
stage.on("file start", begin_block(function()
    return "the file"
end))
stage.on("file end", modules.keep)
stage.on("file end", end_block)
stage.on("describe start", begin_block(function(element)
    return ("the block '%s'"):format(element.name or element.descriptor)
end))
stage.on("describe end", end_block)
stage.on("hook", begin_hook)
stage.on("test start", name_spec)
stage.on("test end", hold_end)
stage.on("suite end", end_run)
busted.subscribe({ "failure", "it" }, hold_failure "failure", { priority = 1 })
busted.subscribe({ "error", "it" }, hold_failure "error", { priority = 1 })
busted.before_each(begin_spec)
busted.after_each(finish_spec)
