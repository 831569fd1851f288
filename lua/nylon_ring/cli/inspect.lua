--- `nylon-ring inspect`: what a plugin file says about itself, without running its `init`.
local cjson = require "cjson"
local inspection = require "nylon_ring.io.inspection"
local json = require "nylon_ring.io.json"
local say = require "nylon_ring.io.say"

local M = { name = "inspect", summary = "show what a plugin file offers, without starting it" }

function M.define(command)
    command:argument("plugin", "A plugin's file, or several."):args("+"):argname("PLUGIN"):target("plugins")
    command:flag("--json", "Print one JSON object a line for each file; one that cannot be inspected has "
        .. "error and message.")
    command:epilog "The exit code is 0 when every file is a plugin that this host can load, else 1."
end

--- Prints the rows, labels in a column; dim where a terminal shows that.
local function print_rows(found)
    local color = say.has_color(1)
    local label = color and "\27[2m%-13s\27[0m %s" or "%-13s %s"
    for _, row in ipairs(inspection.rows(found)) do
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
