--- `nylon-ring man`: the manual page, written from the grammar that also parses the words. It walks
--- argparse's elements, whose fields are private but the only place where they can be read.
local texts = require "nylon_ring.cli.man_texts"

local M = { name = "man", summary = "print the manual page, as roff" }

function M.define() end

--- Text as roff takes it literally.
local function escape(text)
    text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
    return (("\n" .. text):gsub("\n([.'])", "\n\\&%1"):sub(2))
end

local Page = {}
Page.__index = Page

--- Adds a line of roff, made by `format` from texts that are escaped.
function Page:add(format, ...)
    local escaped = { ... }
    for i, text in ipairs(escaped) do
        escaped[i] = escape(text)
    end
    table.insert(self, format:format(unpack(escaped)))
end

function Page:paragraph(text)
    self:add ".PP"
    self:add("%s", text)
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

function Page:term(term, text)
    self:add ".TP"
    self:add("\\fB%s\\fR", term)
    self:add("%s", text)
end

--- The options that help shows, or those that it does not.
function Page:options(command, hidden)
    for _, option in ipairs(command._options) do
        if option._aliases[1] ~= "-h" and (option._hidden or false) == hidden then
            self:option(option) -- -h, which every command has, is told once for all
        end
    end
end

function Page:argument(argument)
    self:add ".TP"
    self:add("\\fI%s\\fR", values(argument))
    self:add("%s", argument._description or "")
end

local function has_hidden(command)
    for _, option in ipairs(command._options) do
        if option._hidden then
            return true
        end
    end
    return false
end

local function sentence(text)
    return text:gsub("^%l", string.upper) .. "."
end

local function usage(command)
    return (command:get_usage():gsub("^Usage: ", ""):gsub("\n       ", "\n"))
end

function Page:command(command)
    self:add(".SS %s", command._name)
    self:verbatim(usage(command))
    self:paragraph(command._description)
    for _, argument in ipairs(command._arguments) do
        self:argument(argument)
    end
    self:options(command, false)
    for _, nested in ipairs(command._commands) do
        self:term(nested._name, nested._summary)
    end
    if command._epilog then
        self:paragraph(command._epilog)
    end
    if has_hidden(command) then
        self:paragraph "Of busted:"
        self:options(command, true)
    end
    if command._name == "repl" then
        self:repl_commands()
    end
end

--- What can be typed at the REPL's prompt beside Lua.
function Page:repl_commands()
    self:paragraph "Commands at its prompt, of which :help NAME tells more:"
    for _, command in ipairs(require("nylon_ring.repl.commands").list) do
        local arguments = command.args and " " .. command.args or ""
        self:term((":%s%s"):format(command.name, arguments), sentence(command.help))
    end
end

--- A section of terms and what is said about them.
function Page:section(title, terms)
    self:add(".SH %s", title)
    for _, term in ipairs(terms) do
        self:term(term[1], term[2])
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
    for _, text in ipairs(texts.description) do
        page:paragraph(text)
    end
    page:add ".SH OPTIONS"
    for _, option in ipairs(root._options) do
        page:option(option)
    end
    page:add ".SH COMMANDS"
    for _, command in ipairs(root._commands) do
        page:command(command)
    end
    page:section("EXIT STATUS", texts.exit_status)
    page:section("ENVIRONMENT", texts.environment)
    page:section("FILES", texts.files)
    page:section("EXAMPLES", texts.examples)
    page:add ".SH SEE ALSO"
    page:add("%s", texts.see_also)
    return table.concat(page, "\n") .. "\n"
end

function M.run()
    local version = require("nylon_ring.core").version
    io.write(M.page(require("nylon_ring.cli.program").grammar(), version))
    return 0
end

return M
