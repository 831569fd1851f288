-- Commands about plugins: loading, looking at them, their numbers and their log lines.

local core = require "nylon_ring.core"
local logs = require "nylon_ring.repl.logs"
local nr = require "nylon_ring"
local text = require "nylon_ring.repl.text"
local uv = require "luv"

return function(commands)
    local function plugin_named(name)
        if name == "" then
            local loaded = nr.plugins()
            if #loaded == 1 then
                return loaded[1]
            end
            local hint = #loaded == 0 and "None is loaded: :load PATH" or ":plugins lists them"
            commands.fail("which plugin? %s", hint)
        end
        local plugin = nr.plugin(name)
        if plugin then
            return plugin
        end
        local names = {}
        for _, each in ipairs(nr.plugins()) do
            table.insert(names, each.name)
        end
        local near = text.nearest(name, names)
        commands.fail("no plugin is loaded as %s%s", name, near and ("; did you mean %s?"):format(near) or "")
    end

    local function describe(plugin)
        return ("%s %s (ABI v%d, %s)"):format(plugin.name, plugin.version, plugin.abi, plugin.path)
    end

    local function expand(path)
        local home = os.getenv "HOME"
        return home and path:gsub("^~/", home .. "/") or path
    end

    local function load(session, rest)
        local path, name = rest:match "^(.-)%s+as%s+(%S+)$"
        path = path or rest
        if path == "" then
            commands.fail ":load takes the path of a plugin's file"
        end
        local plugin, err = nr.load(expand(path), { name = name })
        if not plugin then
            commands.fail("%s", tostring(err))
        end
        session:record_load(plugin)
        session:write(("loaded %s\n"):format(describe(plugin)))
    end

    local function reload(session, rest)
        local plugin = plugin_named(rest)
        local report, err = plugin:reload()
        if not report then
            commands.fail("%s; the old one keeps serving", tostring(err))
        end
        session:write(("reloaded %s\n"):format(describe(plugin)))
    end

    local function unload(session, rest)
        local plugin = plugin_named(rest)
        local name = plugin.name
        local report, err = plugin:unload()
        if not report then
            commands.fail("%s", tostring(err))
        end
        local kept = type(report) == "table" and not report.unmapped and report.reason ~= "" and report.reason
        session:write(("unloaded %s%s\n"):format(name, kept and "; it stays mapped: " .. kept or ""))
    end

    local function list(session)
        local rows = {}
        for _, plugin in ipairs(nr.plugins()) do
            local stats = plugin:stats()
            table.insert(rows, {
                plugin.name, plugin.version, "ABI v" .. plugin.abi,
                text.plural(tonumber(stats.calls), "call"),
                ("%d in flight"):format(tonumber(stats.in_flight)), plugin.path,
            })
        end
        session:write(#rows > 0 and text.columns(rows) .. "\n" or "no plugin is loaded; :load PATH\n")
    end

    local function inspect(session, rest)
        local path = rest
        if rest == "" or not rest:find "/" and not uv.fs_stat(rest) then
            path = plugin_named(rest).path
        end
        local found, err = core.inspect(expand(path))
        if not found then
            commands.fail("%s", tostring(err))
        end
        session:write(text.columns(require("nylon_ring.cli.inspect").rows(found)) .. "\n")
    end

    local order = { "calls", "ok", "errors", "in_flight", "late", "duplicate", "unknown", "cancelled",
        "timeouts", "backpressure", "owed" }

    local function stats(session, rest)
        local chosen = rest ~= "" and { plugin_named(rest) } or nr.plugins()
        local rows = { { "" } }
        for _, name in ipairs(order) do
            table.insert(rows, { name })
        end
        for _, plugin in ipairs(chosen) do
            local numbers = plugin:stats()
            table.insert(rows[1], plugin.name)
            for index, name in ipairs(order) do
                table.insert(rows[index + 1], tostring(tonumber(numbers[name])))
            end
        end
        session:write(#chosen > 0 and text.columns(rows) .. "\n" or "no plugin is loaded; :load PATH\n")
    end

    local function show_logs(session, rest)
        local follow = rest:match "^%-f%f[%s%z]" ~= nil
        local name = rest:gsub("^%-f%s*", "")
        for _, line in ipairs(logs.recent) do
            if name == "" or line.plugin == name then
                session:write(logs.format(line, session.paint) .. "\n")
            end
        end
        if follow then
            logs.follow(session, name)
        end
    end

    return {
        { name = "load", args = "PATH [as NAME]", completes = "file", help = "load a plugin",
            example = ":load build/release/plugins/echo.so as echo",
            more = "Its name is a name of the session from then on.", run = load },
        { name = "reload", args = "[NAME]", completes = "plugin", example = ":reload echo", run = reload,
            help = "load its file anew; calls in flight finish on the old code" },
        { name = "unload", args = "[NAME]", completes = "plugin", example = ":unload echo", run = unload,
            help = "wait for its calls, then unload it" },
        { name = "plugins", help = "list what is loaded", example = ":plugins", run = list },
        { name = "inspect", args = "[NAME|PATH]", completes = "plugin", run = inspect,
            example = ":inspect echo",
            help = "show what a plugin's file offers, loaded or not" },
        { name = "stats", args = "[NAME]", completes = "plugin", example = ":stats echo", run = stats,
            help = "show the numbers that the host keeps of a plugin" },
        { name = "logs", args = "[-f] [NAME]", completes = "plugin", run = show_logs, example = ":logs -f",
            help = "show plugins' last log lines; -f goes on until Ctrl-C" },
    }
end
