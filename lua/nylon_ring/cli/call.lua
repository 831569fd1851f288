--- `nylon-ring call`: one call from the shell. The body goes to standard output as it is.
local files = require "nylon_ring.cli.files"
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.io.say"

local M = { name = "call", summary = "call a plugin once and print its answer" }

local function header(text)
    local key, value = text:match "^([^:%s][^:]-)%s*:%s*(.-)%s*$"
    if not key then
        return nil, ("header '%s' is not of the form 'Key: value'"):format(text)
    end
    return { key, value }
end

local function define_request(command)
    command:argument("plugin", "The plugin's file."):argname "PLUGIN"
    command:argument("target", "A path, with a query if need be; on a plugin of ABI v2 the entry's name.")
        :argname "TARGET"
    command:option("-d", "The body: BODY itself, or @FILE, or @- for standard input.")
        :argname("BODY"):target("data")
    command:option("-X", "The method; default is GET, or POST where there is a body.")
        :argname("METHOD"):target("method")
    command:option("-H", "A header, as 'Key: value'; may be given again.")
        :argname("HEADER"):count("*"):target("headers"):convert(header)
end

local function define_answer(command)
    command:option("-o", "Write the answer into FILE instead of standard output, also one whose status is "
        .. "not Ok."):argname("FILE"):target("output")
    command:flag("--stream", "Print every frame as it arrives, until the stream ends.")
    command:flag("--json", "Print one JSON object a line for each answer or frame.")
    command:option("--input", "Send the lines of FILE (- is standard input) into the stream, a frame a line, "
        .. "then the end of the input; goes with --stream."):argname "FILE"
    command:flag("-v --verbose", "Tell on standard error what was loaded and asked, and how long it took.")
end

local function define_limits(command)
    options.number(command, "--timeout", "MS", "Limit of the call, or with --stream of each wait for a "
        .. "frame.")
    options.number(command, "--deadline", "MS", "With --stream, limit of the whole stream.")
    options.number(command, "--max-frames", "N", "With --stream, how many frames may wait to be printed.")
    options.number(command, "--max-bytes", "N", "With --stream, how many bytes may wait to be printed.")
    options.number(command, "--repeat", "N", "Call N times and print a summary: how many went well, how long "
        .. "they took, what went wrong."):target "times"
    options.number(command, "--concurrency", "N", "With --repeat, how many calls run at the same time; "
        .. "default is 1.")
end

function M.define(command)
    define_request(command)
    define_answer(command)
    define_limits(command)
    command:epilog("The exit code is 0 when the answer's status is Ok (a stream's StreamEnd), else 1.\n"
        .. "With --json a call that failed prints an object with error and message.\n\n"
        .. "Examples:\n"
        .. "   nylon-ring call ./echo.so /upper -d hello\n"
        .. "   nylon-ring call ./echo.so '/headers?a=1' -H 'Accept: text/plain'\n"
        .. "   nylon-ring call ./echo.so '/stream?frames=3' -d tick --stream\n"
        .. "   nylon-ring call ./echo.so /thread --repeat 1000 --concurrency 8")
end

--- The body that `-d` names, or nil and why it cannot be read.
local function read_body(data)
    if not data or data:sub(1, 1) ~= "@" then
        return data or ""
    elseif data == "@-" then
        return io.read "*a"
    end
    local path = data:sub(2)
    local err = files.unreadable(path)
    if err then
        return nil, err
    end
    local file, body
    file, err = io.open(path, "rb")
    if file then
        body, err = file:read "*a"
        file:close()
    end
    return body, err
end

--- The body, when all files that the words name are as they must be; or nil and what is wrong.
local function open_files(args, answer)
    local body, err = read_body(args.data)
    if not body then
        return nil, "cannot read the body: " .. err
    end
    err = args.input and args.input ~= "-" and files.unreadable(args.input)
    if err then
        return nil, "cannot read the input: " .. err
    end
    local ok = true
    if args.output then
        ok, err = answer.open(args.output)
    end
    return ok and body, err and "cannot write " .. err
end

--- What each of these options goes with, by their names in `args`.
local needs = {
    { "concurrency", "--concurrency", "times", "--repeat" },
    { "input", "--input", "stream", "--stream" },
    { "deadline", "--deadline", "stream", "--stream" },
    { "max_frames", "--max-frames", "stream", "--stream" },
    { "max_bytes", "--max-bytes", "stream", "--stream" },
}

--- What cannot be repeated, by the names in `args`.
local once = { input = "--input", output = "-o" }

--- Why these options do not go together, or nil.
local function contradiction(args)
    for _, need in ipairs(needs) do
        if args[need[1]] and not args[need[3]] then
            return ("%s needs %s"):format(need[2], need[4])
        end
    end
    for name, option in pairs(once) do
        if args[name] and args.times then
            return option .. " cannot be repeated"
        end
    end
    if args.input == "-" and args.data == "@-" then
        return "standard input is either the body or the input, not both"
    end
end

function M.run(args, who)
    local wrong = contradiction(args)
    if wrong then
        say.error(who, ("%s; see `%s --help`"):format(wrong, who))
        return 2
    end
    local answer = require "nylon_ring.cli.answer"
    local body, err = open_files(args, answer)
    if not body then
        if args.json then
            answer.json_error(err)
        end
        say.error(who, err)
        return 1
    end
    local caller = require "nylon_ring.cli.caller"
    return require("nylon_ring.cli.session").run(who, function()
        caller.run(args, body)
    end)
end

return M
