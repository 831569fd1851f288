--- `nylon-ring man`: the manual page, written from the grammar that also parses the words. It walks
--- argparse's elements, whose fields are private but the only place where they can be read.
local M = { name = "man", summary = "print the manual page, as roff" }

local environment = {
    { "NO_COLOR", "Where it is set and not empty, messages have no colour on a terminal." },
    { "NYLON_RING_LOG", "From which level on plugins' log lines are shown: trace, debug, info "
        .. "(the default), warn, error, off." },
    { "NYLON_RING_SHUTDOWN_MS", "How many milliseconds a plugin's shutdown may take; default is 5000." },
    { "NYLON_RING_KEEP_COPIES", "With 1 the private copies that plugins are loaded from stay on the disk, "
        .. "for debuggers." },
}

function M.define(command)
    command:epilog "To read it: nylon-ring man | man -l -"
end

--- Text as roff takes it literally.
local function escape(text)
    text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
    return (("\n" .. text):gsub("\n([.'])", "\n\\&%1"):sub(2))
end

local Page = {}
Page.__index = Page

--- Adds a line of roff, made by `format` from texts that are escaped.
function Page:add(format, ...)
    local texts = { ... }
    for i, text in ipairs(texts) do
        texts[i] = escape(text)
    end
    table.insert(self, format:format(unpack(texts)))
end

--- Adds lines that stay as they are broken.
function Page:verbatim(text)
    self:add ".nf"
    self:add("%s", text)
    self:add ".fi"
end

--- What stands for the values of an option or argument: `MS`, or nothing for a flag.
local function values(element)
    local name = element._argname
    if element._maxargs == 0 then
        return ""
    end
    return type(name) == "table" and table.concat(name, " ") or name or element._name:upper()
end

function Page:option(option)
    local value, names = values(option), {}
    for _, alias in ipairs(option._aliases) do
        table.insert(names, ("\\fB%s\\fR"):format(escape(alias)))
    end
    self:add ".TP"
    value = value ~= "" and (" \\fI%s\\fR"):format(escape(value)) or ""
    table.insert(self, table.concat(names, ", ") .. value)
    self:add("%s", option._description or "")
end

function Page:argument(argument)
    self:add ".TP"
    self:add("\\fI%s\\fR", values(argument))
    self:add("%s", argument._description or "")
end

local function usage(command)
    return (command:get_usage():gsub("^Usage: ", ""):gsub("\n       ", "\n"))
end

function Page:command(command)
    self:add(".SS %s", command._name)
    self:verbatim(usage(command))
    self:add ".PP"
    self:add("%s", command._description or command._summary)
    for _, argument in ipairs(command._arguments) do
        self:argument(argument)
    end
    for _, option in ipairs(command._options) do
        if option._aliases[1] ~= "-h" then -- every command has it; it is told once, for all
            self:option(option)
        end
    end
    for _, nested in ipairs(command._commands) do
        self:add ".TP"
        self:add("\\fB%s\\fR", nested._name)
        self:add("%s", nested._summary)
    end
    if command._epilog then
        self:add ".PP"
        self:add("%s", command._epilog)
    end
end

function Page:environment()
    self:add ".SH ENVIRONMENT"
    for _, variable in ipairs(environment) do
        self:add ".TP"
        self:add("\\fB%s\\fR", variable[1])
        self:add("%s", variable[2])
    end
end

--- The whole page.
---@param root table the grammar
---@param version string
---@return string roff
function M.page(root, version)
    local page = setmetatable({}, Page)
    page:add('.TH NYLON-RING 1 "" "nylon-ring %s" "User Commands"', version)
    page:add ".SH NAME"
    page:add("nylon-ring \\- %s", (root._description:gsub("%.$", ""):gsub("^%u", string.lower)))
    page:add ".SH SYNOPSIS"
    page:verbatim(usage(root))
    page:add ".SH DESCRIPTION"
    page:add("%s", root._epilog)
    page:add ".SH OPTIONS"
    for _, option in ipairs(root._options) do
        page:option(option)
    end
    page:add ".SH COMMANDS"
    for _, command in ipairs(root._commands) do
        page:command(command)
    end
    page:environment()
    return table.concat(page, "\n") .. "\n"
end

function M.run()
    local version = require("nylon_ring.core").version
    io.write(M.page(require("nylon_ring.cli.program").grammar(), version))
    return 0
end

return M
