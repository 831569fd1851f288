-- A package browser: reads this machine's list of Debian packages (some 63,000) as a stream, imports it
-- into SQLite, and routes requests to it. SQLite runs in a plugin, on threads of its own; everything here is
-- one thread and one loop, and nothing blocks it.
--
--     nylon-ring examples/packages.lua --demo
--     nylon-ring examples/packages.lua /packages/luajit '/search?q=text editor' '/largest?n=3'
--     echo /summary | nylon-ring examples/packages.lua
--
--     packages/source.lua    the list, as chunks from a child process or a file
--     packages/control.lua   chunks to paragraphs
--     packages/import.lua    paragraphs to batches to SQLite
--     packages/store.lua     the SQL
--     packages/routes.lua    requests to answers: start reading here

local here = arg[0]:match "^.*/" or "./"
package.path = here .. "?.lua;" .. package.path

local argparse = require "argparse"
local demo = require "packages.demo"
local import = require "packages.import"
local nr = require "nylon_ring"
local requests = require "packages.requests"
local routes = require "packages.routes"
local show = require "packages.show"
local source = require "packages.source"
local Store = require "packages.store"
local uv = require "luv"

local function options()
    local parser = argparse("packages.lua", "Browses this machine's list of Debian packages.")
    parser:argument("request", "As 'GET /search?q=lua', or the path alone. None: lines of standard input.")
        :args "*"
    parser:flag("--demo", "Show a set of requests, slow ones beside fast ones.")
    parser:flag("--json", "Print answers as JSON, one a line.")
    parser:flag("--fresh", "Import again, also when the list has not changed.")
    parser:option("--file", "Read this control file instead of `apt-cache dumpavail`.")
    parser:option("--db", "Keep the database here instead of in the cache folder.")
    return parser:parse(arg)
end

-- First-party plugins lie beside the program.
local function load_plugin(name)
    return assert(nr.load(uv.exepath():match "^.*/" .. "plugins/" .. name .. ".so"))
end

local PRIVATE = tonumber("700", 8) -- permissions of a folder

-- $XDG_CACHE_HOME/nylon-ring/packages.db. Where there is no cache folder: in a folder for this run only, the
-- second value.
local function database_path()
    local cache = os.getenv "XDG_CACHE_HOME"
    if not cache or cache == "" then
        cache = (os.getenv "HOME" or "") .. "/.cache"
    end
    local folder = cache .. "/nylon-ring"
    uv.fs_mkdir(cache, PRIVATE)
    uv.fs_mkdir(folder, PRIVATE) -- both may be there
    if uv.fs_access(folder, "W") then
        return folder .. "/packages.db"
    end
    folder = assert(uv.fs_mkdtemp(uv.os_tmpdir() .. "/nylon-ring-XXXXXX"))
    return folder .. "/packages.db", folder
end

local function remove(folder)
    for name in uv.fs_scandir_next, assert(uv.fs_scandir(folder)) do
        uv.fs_unlink(folder .. "/" .. name)
    end
    uv.fs_rmdir(folder)
end

local is_terminal = uv.guess_handle(2) == "tty"

-- Progress goes to standard error: rewritten in place on a terminal, a line at the end otherwise.
local function report(progress, done)
    local text = ("%d packages, %.0f MB, %.1f s"):format(progress.packages, progress.bytes / 1e6,
        progress.seconds)
    if is_terminal then
        io.stderr:write("\r\27[Kimporting: ", text, done and "\n" or "")
    elseif done then
        io.stderr:write("imported: ", text, "\n")
    end
end

-- Imports the list unless the database has it already.
local function prepare(store, from, fresh)
    local before = store:imported()
    if before and before.fingerprint == from.fingerprint and not fresh then
        local form = "%d packages from %s, imported before into %s\n"
        io.stderr:write(form:format(before.packages, from.name, store.path))
        return
    end
    io.stderr:write(("reading %s into %s\n"):format(from.name, store.path))
    report(import.run(store, from, report), true)
end

local function answerer(router)
    return function(line)
        local started = uv.hrtime()
        local response = router:handle(requests.parse(line))
        local frames = show.drain(response)
        local ms = (uv.hrtime() - started) / 1e6
        return { code = response.code, body = response.body, frames = frames, ms = ms }
    end
end

local function printer(answer, as_json, limit)
    return function(line)
        local got = answer(line)
        if as_json then
            io.write(show.json(line, got.code, got.ms, got.body, got.frames), "\n")
        else
            io.write(show.head(line, got.code, got.ms), "\n", show.body(got.body, got.frames, limit))
        end
        io.flush()
        return true
    end
end

local function open_source(file)
    local from, err
    if file then
        from, err = source.file(file)
    else
        from, err = source.system()
    end
    if not from then
        io.stderr:write("packages.lua: ", err, "\n")
        os.exit(1)
    end
    return from
end

local function serve(wanted, store, sqlite, echo)
    local answer = answerer(routes.new(store, echo))
    if wanted.demo then
        return demo.run(answer, printer(answer, false, 14), sqlite)
    end
    -- Sixteen requests at a time, printed in the order in which they finish.
    local lines = #wanted.request > 0 and wanted.request or requests.lines()
    assert(nr.map(lines, printer(answer, wanted.json, math.huge), { limit = 16 }))
end

local function main()
    local wanted = options()
    local from = open_source(wanted.file)
    local sqlite, echo = load_plugin "sqlite", load_plugin "echo"
    local path, temporary = wanted.db, nil
    if not path then
        path, temporary = database_path()
    end
    local store = Store.new(sqlite, path)
    prepare(store, from, wanted.fresh)
    serve(wanted, store, sqlite, echo)
    if temporary then
        assert(sqlite:unload())
        remove(temporary)
    end
end

main()
