-- How a command says what is wrong: an error that is told without a stack.

local Refusal = { __tostring = function(refusal)
    return refusal.text
end }

---Ends the running command with a message.
---@param format string
---@param ... any
return function(format, ...)
    error(setmetatable({ text = format:format(...) }, Refusal), 0)
end
