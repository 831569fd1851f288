-- A session of this process as the backend of a terminal.

local complete = require "nylon_ring.repl.complete"
local settings = require "nylon_ring.repl.settings"

local M = {}

---@class nylon_ring.repl.Local: nylon_ring.repl.Backend
local Local = {}
Local.__index = Local

---@param session nylon_ring.repl.Session
---@param terminal nylon_ring.repl.Terminal
---@return nylon_ring.repl.Local
function M.new(session, terminal)
    return setmetatable({ session = session, terminal = terminal }, Local)
end

function Local:submit(text)
    self.session:submit(text, function()
        self.terminal:ready()
    end)
end

function Local:complete(before, answer)
    answer(complete.complete(self.session, before))
end

function Local:interrupt()
    self.session:interrupt()
end

function Local:background()
    self.session:background()
end

function Local:resize(width)
    self.session.settings.width = settings.width_for(width)
end

return M
