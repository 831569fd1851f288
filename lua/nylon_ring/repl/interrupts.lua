-- Ctrl-C as it comes on the loop, for whoever has the terminal. What never comes back to the loop gets an
-- error without it (editor_interrupt.c).

local core = require "nylon_ring.core"
local editor = require "nylon_ring.editor"
local uv = require "luv"

local M = {}

---@class nylon_ring.repl.Interrupts
---@field private _poll userdata
---@field private _on_interrupt fun()
local Interrupts = {}
Interrupts.__index = Interrupts

---@param on_interrupt fun()
---@return nylon_ring.repl.Interrupts
function M.open(on_interrupt)
    local self = setmetatable({ _on_interrupt = on_interrupt }, Interrupts)
    self._poll = uv.new_poll(editor.watch_interrupts(core.interrupted))
    assert(self._poll:start("r", function()
        self:take()
    end))
    return self
end

---Takes those that have come.
function Interrupts:take()
    for _ = 1, editor.take_interrupts() do
        self._on_interrupt()
    end
end

---SIGINT goes where it went before.
function Interrupts:close()
    if not self._poll:is_closing() then
        self._poll:close()
    end
    editor.leave_interrupts()
end

return M
