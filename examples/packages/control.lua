-- Reads Debian control files: paragraphs of `Field: value` lines, parted by empty lines; a line that begins
-- with a space goes on with the value above it. It takes the text in chunks, cut anywhere.

local find, sub, byte, gsub = string.find, string.sub, string.byte, string.gsub

local M = {}

local SPACE, TAB = byte " ", byte "\t"

-- Where the value ends whose first line ends at `stop`: behind the last line that continues it.
local function value_end(text, stop)
    local following = byte(text, stop + 1)
    while following == SPACE or following == TAB do
        stop = find(text, "\n", stop + 1, true)
        following = byte(text, stop + 1)
    end
    return stop
end

-- The wanted fields of the paragraph that begins at `at`, and where it ends: behind its empty line.
local function paragraph(text, at, wanted)
    local fields = {}
    while byte(text, at) ~= 10 do
        local stop = find(text, "\n", at, true)
        local _, colon, name = find(text, "^([^:\n]+):[ \t]*", at)
        if not colon then
            return nil, ("a line without a field: %q"):format(sub(text, at, stop - 1))
        end
        stop = value_end(text, stop)
        if wanted[name] then
            fields[name] = sub(text, colon + 1, stop - 1)
        end
        at = stop + 1
    end
    return fields, at + 1
end

-- Position behind the last empty line of the text, or nil.
local function last_break(text)
    local from, found = 1, nil
    repeat
        local _, stop = find(text, "\n\n", from, true)
        found, from = stop or found, stop
    until not stop
    return found
end

---Goes through the paragraphs of a text that comes in chunks. Raises where the text is no control file.
---@param chunks fun(): string|nil may suspend
---@param wanted table<string, true> the fields to keep
---@return fun(): table<string, string>|nil
function M.paragraphs(chunks, wanted)
    local text, at, limit = "", nil, 0 -- the next paragraph; whole ones are before `limit`
    local rest, ended = "", false

    local function refill()
        local chunk = not ended and chunks()
        ended = not chunk
        text = rest .. (chunk or "\n\n") -- the last paragraph may lack its empty line
        limit = last_break(text) or 0
        rest, at = sub(text, limit + 1), find(text, "[^\n]")
    end

    return function()
        while not at or at > limit do
            if ended then
                return nil
            end
            refill()
        end
        local fields, following = paragraph(text, at, wanted)
        if not fields then
            error(following, 0)
        end
        at = find(text, "[^\n]", following)
        return fields
    end
end

-- The length of the UTF-8 character at `at`, or nil. The ranges of the second byte leave out what the
-- standard forbids: overlong forms, surrogates, and beyond U+10FFFF.
local FORMS = {
    "^[\194-\223][\128-\191]()", "^\224[\160-\191][\128-\191]()",
    "^[\225-\236\238\239][\128-\191][\128-\191]()",
    "^\237[\128-\159][\128-\191]()", "^\240[\144-\191][\128-\191][\128-\191]()",
    "^[\241-\243][\128-\191][\128-\191][\128-\191]()", "^\244[\128-\143][\128-\191][\128-\191]()",
}

local function character_end(text, at)
    for _, form in ipairs(FORMS) do
        local _, _, stop = find(text, form, at)
        if stop then
            return stop
        end
    end
end

---The text with what is not UTF-8 replaced by U+FFFD.
---@param text string
---@return string
function M.utf8(text)
    local at = find(text, "[\128-\255]")
    while at do
        local stop = character_end(text, at)
        if not stop then
            text, stop = sub(text, 1, at - 1) .. "\239\191\189" .. sub(text, at + 1), at + 3
        end
        at = find(text, "[\128-\255]", stop)
    end
    return text
end

---A value of several lines as one: Debian writes an empty line as a single dot.
---@param value string
---@return string
function M.unfold(value)
    return (gsub(gsub(value, "\n[ \t]+%.\n", "\n\n"), "\n[ \t]+", "\n"))
end

return M
