--- What the manual page tells beside the grammar.
local M = {}

M.description = {
    "nylon-ring loads native plugins, which are shared libraries that speak one of Nylon Ring's ABIs, and "
        .. "lets scripts in Lua call them. A call suspends the task that makes it and not the program: a "
        .. "plugin may answer at once, later from a thread of its own, or with a stream of frames, while "
        .. "other tasks, timers and sockets go on.",
    "The first word is a command or the name of a script. A script runs in LuaJIT as the main task, on luv's "
        .. "event loop; the program ends when the script and all that it has begun are done.",
    "Ctrl-C cancels the main task, which may clean up, and a second one leaves at once. SIGTERM cancels all "
        .. "tasks and unloads the plugins; what does not come back to the loop within two seconds, or does "
        .. "not end within four, is left as it is. Messages go to standard error, one line each.",
}

M.exit_status = {
    { "0", "All went well." },
    { "1", "The work failed: a script's error, an answer whose status is not Ok, a plugin that cannot be "
        .. "loaded, a spec that failed, output that could not be written." },
    { "2", "Wrong usage, or something that the command needs is not installed." },
    { "130", "Interrupted by Ctrl-C." },
    { "143", "Terminated by SIGTERM." },
}

M.environment = {
    { "NYLON_RING_LOG", "From which level on plugins' log lines are shown: trace, debug, info "
        .. "(the default), warn, error, off." },
    { "NYLON_RING_SHUTDOWN_MS", "How many milliseconds a plugin's shutdown may take; default is 5000." },
    { "NYLON_RING_KEEP_COPIES", "With 1 the private copies that plugins are loaded from stay on the disk, "
        .. "for debuggers." },
    { "NYLON_RING_TEST_TIMEOUT", "The limit of a spec in milliseconds, where --timeout names none; 0 is "
        .. "none." },
    { "COLUMNS", "How wide help is laid out, in place of the terminal's width." },
    { "NO_COLOR", "Where it is set and not empty, nothing has colour." },
    { "TERM", "With dumb nothing has colour, and the REPL reads plain lines." },
    { "VISUAL, EDITOR", "What the REPL's :edit runs: the first that is set, else vi." },
    { "XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the folders of the REPL's files are; see FILES." },
    { "TMPDIR", "Where plugins' private copies are made if their own folder cannot be written; default is "
        .. "/tmp." },
}

M.files = {
    { "~/.config/nylon-ring/repl.lua", "Runs at the start of each REPL, but with --no-rc; below "
        .. "$XDG_CONFIG_HOME where that is set." },
    { "~/.local/state/nylon-ring/history", "The REPL's history; below $XDG_STATE_HOME where that is set." },
    { ".busted", "Busted's configuration, in the folder where specs run." },
}

M.examples = {
    { "nylon-ring app.lua --port 8080", "Run a script; the words after its name are its own." },
    { "nylon-ring call ./echo.so /upper -d hello", "Call a plugin and print the answer." },
    { "nylon-ring call ./echo.so '/stream?frames=3' -d tick --stream --json", "Print the frames of a stream, "
        .. "an object a line." },
    { "nylon-ring call ./echo.so /thread --repeat 1000 --concurrency 8", "Measure it." },
    { "nylon-ring inspect --json ./*.so", "Tell what plugins offer, without starting them." },
    { "nylon-ring repl ./echo.so", "Try a plugin by hand; its name is echo." },
    { "nylon-ring test --isolate --jobs 4 spec", "Run the specs of a folder, four files at once." },
}

M.see_also = "luajit(1), busted(1), https://luajit.org, https://github.com/luvit/luv, "
    .. "https://lunarmodules.github.io/busted"

return M
