--- What tasks wait for, in words for a failure's report: what is awaited, its sid and age, the frames that
--- came so far, the task's Lua stack without the frames that are ours or busted's, and what last crossed the
--- ABI of the plugin.
local crossings = require "nylon_ring.test.crossings"
local io_text = require "nylon_ring.io.text"
local nr = require "nylon_ring"

local M = {}

-- How many tasks a report tells of.
local SHOWN = 20

-- Where a stack is our own business: our modules, and those that run specs.
local home = debug.getinfo(1, "S").source:gsub("test/waits%.lua$", "")
local machinery = { "/busted/", "/luassert/", "/mediator.lua", "/pl/" }

local function is_machinery(info)
    if info.what == "C" or info.currentline < 1 or info.source:sub(1, #home) == home then
        return true
    end
    for _, part in ipairs(machinery) do
        if info.source:find(part, 1, true) then
            return true
        end
    end
    return info.source:sub(1, 1) ~= "@"
end

local function frame_text(info)
    local place = ("%s:%d"):format(info.short_src, info.currentline)
    if info.name then
        return ("%s: in '%s'"):format(place, info.name)
    end
    return ("%s: in a function of line %d"):format(place, info.linedefined)
end

--- The places in scripts where a suspended coroutine is, innermost first, up to what runs the spec.
---@param co thread
---@return string[] frames, string|nil place "file:line" of the first
function M.stack(co)
    local frames, place = {}, nil
    for level = 0, math.huge do
        local info = debug.getinfo(co, level, "Sln")
        if not info or place and info.source:find("/busted/", 1, true) then
            return frames, place
        elseif not is_machinery(info) then
            place = place or ("%s:%d"):format(info.short_src, info.currentline)
            table.insert(frames, frame_text(info))
        end
    end
end

local function caller()
    for level = 3, math.huge do
        local info = debug.getinfo(level, "Sl")
        if not info or not is_machinery(info) then
            return info
        end
    end
end

--- The place in scripts that the running code was called from.
---@return string|nil "file:line"
function M.here()
    local info = caller()
    return info and ("%s:%d"):format(info.short_src, info.currentline)
end

--- Where busted says that something was written; in the script that the running code was called from, where
--- that place is ours.
---@param trace table|nil
---@param file? string which script it is, where a tail call has left no line of it
---@return table|nil
function M.outside(trace, file)
    if not (trace and trace.source and is_machinery(trace)) then
        return trace
    end
    local info = caller() or file and { short_src = file, currentline = 0, source = "@" .. file }
    if info then
        trace.short_src, trace.currentline, trace.source = info.short_src, info.currentline, info.source
    end
    return trace
end

-- Whether a place as `short_src` has it, which may lack its beginning, is our own business.
local function is_ours(place)
    local shortened, rest = place:match "^(%.%.%.)(.*)$"
    if not shortened then
        return place:sub(1, #home - 1) == home:sub(2)
    end
    local folder = rest:match "^.*nylon_ring/" or ""
    while folder ~= "" do
        if home:sub(-#folder) == folder then
            return true
        end
        folder = folder:sub(1, -2):match "^.*nylon_ring/" or ""
    end
    return false
end

--- A traceback without the lines that are in our own modules.
---@param traceback string
---@return string
function M.without_ours(traceback)
    return (traceback:gsub("\n\t([^\n]-):%d+:[^\n]*", function(place)
        return (place == "nylon_ring" or is_ours(place)) and "" or nil
    end))
end

local function is_script(line)
    local place = line:match "^%s+([^\n]-%.[%w]+):%d+:"
    if not place or is_ours(place) then
        return false
    end
    for _, part in ipairs(machinery) do
        if place:find(part, 1, true) then
            return false
        end
    end
    return true
end

--- The places in scripts that a traceback names, and whose tasks' they are.
---@param traceback string|nil
---@return string[]
function M.script_lines(traceback)
    local lines = {}
    for line in (traceback or ""):gmatch "[^\n]+" do
        if is_script(line) or line:find "^awaited by " then
            table.insert(lines, (line:gsub("^%s+", "")))
        end
    end
    return lines
end

--- A task by its number, and by the place of its function where that is in a script.
---@param task nylon_ring.Task
---@return string
function M.task_name(task)
    return is_ours(task:name()) and ("task %d"):format(task.id) or tostring(task)
end

--- What a task awaits: "awaits echo /stream for 20 ms (sid 7, 2 frames so far)".
---@param info nylon_ring.TaskInfo
---@return string
function M.awaits(info)
    if not info.awaits then
        return "runs"
    end
    local text = "awaits " .. info.awaits
    if info.since then
        text = ("%s for %d ms"):format(text, info.since)
    end
    if info.sid then
        local frames = info.frames and ", " .. io_text.plural(info.frames, "frame") .. " so far" or ""
        text = ("%s (sid %s%s)"):format(text, info.sid, frames)
    end
    return text
end

local function add_task(lines, who, info, events)
    table.insert(lines, ("  %s %s"):format(who, M.awaits(info)))
    for _, frame in ipairs((M.stack(info.task._co))) do
        table.insert(lines, "      " .. frame)
    end
    for _, line in ipairs(events(info)) do
        table.insert(lines, "      " .. line)
    end
end

--- One paragraph on what keeps a spec from its end: its own wait, and those of the tasks that came with it.
---@param headline string
---@param main nylon_ring.Task the one that runs the specs
---@param others table<nylon_ring.Task, true> tasks of which nothing is told
---@param since number what crossed the ABI before, in the time of events, is left out
---@return string
function M.report(headline, main, others, since)
    local _, place = M.stack(main._co)
    local lines = { (place and place .. ": " or "") .. headline }
    local events, more = crossings.reader(since), -SHOWN
    for _, info in ipairs(nr.tasks()) do
        if info.task == main then
            add_task(lines, "it", info, events)
        elseif not others[info.task] then
            more = more + 1
            if more <= 0 then
                add_task(lines, M.task_name(info.task), info, events)
            end
        end
    end
    if more > 0 then
        table.insert(lines, ("  ... and %d more tasks"):format(more))
    end
    return table.concat(lines, "\n")
end

return M
