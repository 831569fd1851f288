-- Commands about the conversation itself: help, settings, leaving.

local fail = require "nylon_ring.repl.fail"
local help = require "nylon_ring.repl.help"
local nr = require "nylon_ring"
local settings = require "nylon_ring.repl.settings"
local text = require "nylon_ring.io.text"

local function shown(value)
    if type(value) == "boolean" then
        return value and "on" or "off"
    elseif value == math.huge then
        return "all"
    end
    return tostring(value)
end

local function show_settings(session)
    local rows = {}
    for _, setting in ipairs(settings.list) do
        table.insert(rows, { setting.name, shown(session.settings[setting.name]), setting.help })
    end
    session:write(text.columns(rows) .. "\n")
end

local function set(session, rest)
    if rest == "" then
        return show_settings(session)
    end
    local name, word = rest:match "^(%S+)%s*(.-)$"
    local setting = settings.by_name[name]
    if not setting then
        local names = {}
        for each in pairs(settings.by_name) do
            table.insert(names, each)
        end
        local near = text.nearest(name, names)
        local meant = near and ", perhaps " .. near or ""
        fail("there is no setting %s%s; :set lists them", name, meant)
    end
    if word ~= "" then
        local value, wanted = setting.read(word)
        if value == nil then
            fail("%s takes %s, not '%s'", name, wanted, word)
        end
        session.settings[name] = value
    end
    session:write(("%s = %s\n"):format(name, shown(session.settings[name])))
end

-- No other line may begin: the session is closed on the loop, and this line with it.
local function quit(session)
    session.on_quit(0)
    nr.await(function()
        return function() end
    end)
end

return {
    {
        name = "help", args = "[TOPIC]", completes = "topic", example = ":help streams",
        help = "list the commands, or tell about a command or a topic",
        run = function(session, rest)
            help.show(session, rest, require "nylon_ring.repl.commands")
        end,
    },
    {
        name = "set", args = "[NAME [VALUE]]", completes = "setting", example = ":set depth 2",
        help = "show the settings, or change one", run = set,
    },
    { name = "quit", help = "leave", example = ":quit", run = quit },
}
