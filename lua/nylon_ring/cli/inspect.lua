--- `nylon-ring inspect`: what a plugin file says about itself, without running its `init`.
local cjson = require "cjson"
local json = require "nylon_ring.cli.json"
local say = require "nylon_ring.cli.say"

local M = { name = "inspect", summary = "show what a plugin file offers, without starting it" }

function M.define(command)
    command:argument("plugin", "A plugin's file, or several."):args("+"):argname("PLUGIN"):target("plugins")
    command:flag("--json", "Print one JSON object a line for each file; one that cannot be inspected has "
        .. "error and message.")
    command:epilog "The exit code is 0 when every file is a plugin that this host can load, else 1."
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
        local value = found[key]
        fields[i] = { key, value == nil and cjson.null or value }
    end
    print(json.object(fields))
end

local function print_failure(path, err, args, who)
    if args.json then
        print(json.object { { "path", path }, { "error", err.code }, { "message", err.message } })
    end
    say.error(who, tostring(err))
end

function M.run(args, who)
    require "nylon_ring.errors" -- gives the errors of the core their text
    local inspect = require("nylon_ring.core").inspect
    local code = 0
    for i, path in ipairs(args.plugins) do
        local found, err = inspect(path)
        if not found then
            print_failure(path, err, args, who)
            code = 1
        elseif args.json then
            print_json(found)
        else
            io.write(i > 1 and "\n" or "")
            print_rows(found)
        end
    end
    return code
end

return M
