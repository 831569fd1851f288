--- `nylon-ring inspect`: what a plugin file says about itself, without running its `init`.
local json = require "nylon_ring.cli.json"
local say = require "nylon_ring.cli.say"

local M = { name = "inspect", summary = "show what a plugin file offers, without starting it" }

function M.define(command)
    command:argument("plugin", "The plugin's file."):argname "PLUGIN"
    command:flag("--json", "Print one JSON object.")
end

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

--- Label and value of each line for people.
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

--- Prints the rows, labels in a column; dim where a terminal shows that.
local function print_rows(found)
    local color = say.has_color(1)
    local label = color and "\27[2m%-13s\27[0m %s" or "%-13s %s"
    for _, row in ipairs(M.rows(found)) do
        print(label:format(row[1], row[2]))
    end
end

local keys = {
    "name", "version", "path", "abi", "struct_size", "has_v1", "has_v2", "has_resolve", "has_stream_input",
    "has_shutdown", "pinned", "extensions", "symbols",
}

local function print_json(found)
    local fields = {}
    for i, key in ipairs(keys) do
        fields[i] = { key, found[key] }
    end
    print(json.object(fields))
end

function M.run(args, who)
    require "nylon_ring.errors" -- gives the errors of the core their text
    local found, err = require("nylon_ring.core").inspect(args.plugin)
    if not found then
        say.error(who, tostring(err))
        return 1
    end
    (args.json and print_json or print_rows)(found)
    return 0
end

return M
