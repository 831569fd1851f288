-- From a source to the store: read, parse, insert, all at the same time. While SQLite inserts one batch,
-- the next is read and parsed; nr.map's limit is what keeps the memory small.

local cjson = require "cjson"
local control = require "packages.control"
local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

local BATCH = 1000    -- packages of one insert
local IN_FLIGHT = 3   -- inserts at the same time

local WANTED = {
    Package = true, Version = true, Architecture = true, Section = true, Size = true,
    ["Installed-Size"] = true, Maintainer = true, Homepage = true, Depends = true, Description = true,
}

local function text(value)
    return value and control.utf8(value) or cjson.null
end

local function number(value)
    return tonumber(value) or cjson.null
end

-- The values of one package, in the order of the store's columns.
local function row(fields)
    local summary, description = control.unfold(fields.Description or ""):match "^([^\n]*)\n?(.*)$"
    return {
        text(fields.Package), text(fields.Version), text(fields.Architecture), text(fields.Section),
        number(fields.Size), number(fields["Installed-Size"]), text(fields.Maintainer), text(fields.Homepage),
        text(fields.Depends), text(summary), text(description),
    }
end

-- Lists of up to BATCH rows. Asking for one suspends until the source has sent enough.
local function batches(paragraphs)
    return function()
        local rows = {}
        for fields in paragraphs do
            if fields.Package then
                rows[#rows + 1] = row(fields)
            end
            if #rows == BATCH then
                return rows
            end
        end
        return #rows > 0 and rows or nil
    end
end

-- The source's chunks; counts their bytes on the way.
local function counted(source, progress)
    local chunks = source.open()
    return function()
        local chunk = chunks()
        progress.bytes = progress.bytes + #(chunk or "")
        return chunk
    end
end

---@class packages.Progress
---@field packages integer
---@field bytes integer
---@field seconds number

---Imports everything that the source has. `on_progress` is called after every batch.
---@async
---@param store packages.Store
---@param source packages.Source
---@param on_progress fun(progress: packages.Progress)
---@return packages.Progress
function M.run(store, source, on_progress)
    local started = uv.hrtime()
    local progress = { packages = 0, bytes = 0, seconds = 0 }
    local function count(rows)
        progress.packages = progress.packages + #rows
        progress.seconds = (uv.hrtime() - started) / 1e9
        on_progress(progress)
    end

    assert(store:clear())
    local paragraphs = control.paragraphs(counted(source, progress), WANTED)
    assert(nr.map(batches(paragraphs), function(rows)
        assert(store:add(rows))
        count(rows)
        return true
    end, { limit = IN_FLIGHT }))
    assert(store:finish(source.fingerprint))
    progress.seconds = (uv.hrtime() - started) / 1e9
    return progress
end

return M
