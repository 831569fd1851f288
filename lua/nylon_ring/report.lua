-- Where errors go that nobody waits for: to the handler that `nr.on_error` set, else to standard error,
-- and then the program's exit code is not 0. And how the stacks of several tasks become one text.

local errors = require "nylon_ring.errors"

local M = {}

---@alias nylon_ring.ErrorHandler fun(err: any, traceback: string, task?: nylon_ring.Task)

---@type nylon_ring.ErrorHandler|nil
local handler
local unhandled = 0

---Sets who hears of errors that nobody waits for: of tasks that no one joins, and of luv callbacks. It is
---called once for each, with the error as it was raised.
---@param fn? nylon_ring.ErrorHandler nil: standard error again
---@return nylon_ring.ErrorHandler|nil previous
function M.on_error(fn)
    if fn ~= nil and type(fn) ~= "function" then
        error(("nr.on_error takes a function, not a %s"):format(type(fn)), 2)
    end
    local previous = handler
    handler = fn
    return previous
end

---How many errors went to standard error because nobody took them.
---@return integer
function M.unhandled()
    return unhandled
end

-- How much is shown of a table that was raised.
local LONGEST, DEPTH = 200, 3

-- A table that can not say what it is: its contents on one line.
local function contents_of(value)
    local known, inspect = pcall(require, "inspect")
    if not known then
        return tostring(value)
    end
    local text = inspect(value, { newline = " ", indent = "", depth = DEPTH })
    return #text > LONGEST and text:sub(1, LONGEST) .. "..." or text
end

---An error as text, whatever it is: also one whose `__tostring` fails.
---@param err any
---@return string
function M.text_of(err)
    local meta = debug.getmetatable(err)
    local plain = type(err) == "table" and not (meta and meta.__tostring)
    local ok, text = pcall(plain and contents_of or tostring, err)
    return ok and text or ("(%s)"):format(type(err))
end

-- What the program makes of a stack: the part that is the script's.
---@type (fun(traceback: string): string)|nil
local part_of

---Has only a part of each stack go to standard error.
---@param fn fun(traceback: string): string
function M.show_part(fn)
    part_of = fn
end

local function write(err, traceback, task)
    unhandled = unhandled + 1
    if part_of and traceback then
        traceback = part_of(traceback)
    end
    local where = task and (" in %s"):format(tostring(task)) or ""
    io.stderr:write(("nylon-ring: error%s: %s\n%s\n"):format(where, M.text_of(err), traceback or ""))
end

---Delivers an error that nobody waits for.
---@param err any
---@param traceback? string
---@param task? nylon_ring.Task
function M.deliver(err, traceback, task)
    traceback = type(traceback) == "string" and traceback or nil -- of a bare error there is none
    if not handler then
        return write(err, traceback, task)
    end
    local ok, failure = xpcall(handler, debug.traceback, err, traceback or "", task)
    if not ok then
        write(err, traceback, task)
        write(("nr.on_error's handler failed: %s"):format(M.text_of(failure)), "")
    end
end

---A message handler for `xpcall`: the error as it was raised, with the stack.
---@param err any
---@return { raised: any, traceback: string }
function M.keep_stack(err)
    return { raised = err, traceback = debug.traceback("", 2):gsub("^\n", "") }
end

---The stack of the task that failed, then that of the one that waited for it.
---@param inner string
---@param task nylon_ring.Task the one that waited
---@param own string its own stack
---@return string
function M.splice(inner, task, own)
    own = own:gsub("^.-stack traceback:\n", "")
    return ("%s\nawaited by %s:\n%s"):format(inner, tostring(task), own)
end

---Keeps the stack in the error, where that is one of ours.
---@param err any
---@param traceback string
function M.annotate(err, traceback)
    if errors.is(err) then
        err.traceback = traceback
    end
end

return M
