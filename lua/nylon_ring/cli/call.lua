--- `nylon-ring call`: one call from the shell. The body goes to standard output as it is.
local options = require "nylon_ring.cli.options"
local say = require "nylon_ring.cli.say"

local M = { name = "call", summary = "call a plugin once and print its answer" }

local function header(text)
    local key, value = text:match "^([^:%s][^:]-)%s*:%s*(.-)%s*$"
    if not key then
        return nil, ("header '%s' is not of the form 'Key: value'"):format(text)
    end
    return { key, value }
end

function M.define(command)
    command:argument("plugin", "The plugin's file."):argname "PLUGIN"
    command:argument("target", "A path, with a query if need be; on a plugin of ABI v2 the entry's name.")
        :argname "TARGET"
    command:option("-d", "The body: BODY itself, or @FILE, or @- for standard input.")
        :argname("BODY"):target("data")
    command:option("-X", "The method; default is GET, or POST where there is a body.")
        :argname("METHOD"):target("method")
    command:option("-H", "A header, as 'Key: value'; may be given again.")
        :argname("HEADER"):count("*"):target("headers"):convert(header)
    command:flag("--stream", "Print every frame as it arrives, until the stream ends.")
    command:flag("--json", "Print one JSON object a line for each answer or frame.")
    command:option("--timeout", "Limit of the call, or with --stream of each wait for a frame.")
        :argname("MS"):convert(options.whole(1))
    command:option("--repeat", "Call N times, one after the other, and print a summary of the times.")
        :argname("N"):convert(options.whole(1)):target("times")
end

--- The body that `-d` names, or nil and why it cannot be read.
local function read_body(data)
    if not data or data:sub(1, 1) ~= "@" then
        return data or ""
    elseif data == "@-" then
        return io.read "*a"
    end
    local file, err = io.open(data:sub(2), "rb")
    local body
    if file then
        body, err = file:read "*a"
        err = err and data:sub(2) .. ": " .. err
        file:close()
    end
    return body, err
end

function M.run(args, who)
    local body, err = read_body(args.data)
    if not body then
        say.error(who, "cannot read the body: " .. err)
        return 1
    end
    local caller = require "nylon_ring.cli.caller"
    return require("nylon_ring.cli.session").run(who, function()
        caller.run(args, body)
    end)
end

return M
