-- What a plugin file offers, in words for people: of `nylon-ring inspect` and the REPL's `:inspect`.

local M = {}

local function yes(flag)
    return flag and "yes" or "no"
end

local function list(values)
    return #values > 0 and table.concat(values, ", ") or "none"
end

local function generations(found)
    local both = {}
    table.insert(both, found.has_v1 and "v1" or nil)
    table.insert(both, found.has_v2 and "v2" or nil)
    return table.concat(both, " and ")
end

---Label and value of each line.
---@param found table what the core's `inspect` answers
---@return { [1]: string, [2]: string }[]
function M.rows(found)
    return {
        { "name", found.name },
        { "version", found.version },
        { "file", found.path },
        { "ABI", ("v%d (the file offers %s)"):format(found.abi, generations(found)) },
        { "info size", ("%d bytes"):format(found.struct_size) },
        { "entries", found.has_resolve and "resolved to numbers" or "looked up by the plugin on each call" },
        { "stream input", yes(found.has_stream_input) },
        { "shutdown", found.has_shutdown and "yes" or "no: it stays mapped after an unload" },
        { "pinned", found.pinned or "no" },
        { "extensions", list(found.extensions) },
        { "symbols", list(found.symbols) },
    }
end

return M
