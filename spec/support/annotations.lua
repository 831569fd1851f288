--- The LuaCATS annotations of our Lua files, as far as specs look at them.
local uv = require "luv"

local M = {}

---@class spec.Field
---@field name string
---@field words string what it is, after its type
---@field hidden boolean private, protected or of the package

local function add_files(list, folder)
    for name, kind in uv.fs_scandir_next, uv.fs_scandir(folder) do
        local path = folder .. "/" .. name
        if kind == "directory" then
            add_files(list, path)
        elseif name:find "%.lua$" then
            table.insert(list, path)
        end
    end
end

-- What follows a type: that ends at the first blank which is not inside of brackets, nor after a mark that
-- joins two parts of it.
local function after_type(text)
    local depth, joined = 0, false
    for at = 1, #text do
        local char = text:sub(at, at)
        if char:find "[%(%[{<]" then
            depth = depth + 1
        elseif char:find "[%)%]}>]" then
            depth = depth - 1
        elseif char == " " and depth == 0 and not joined then
            return text:sub(at + 1)
        end
        joined = char:find "[:|,]" ~= nil
    end
    return ""
end

local function field_of(line)
    local text = line:match "^%-%-%-@field (.+)$"
    if text then
        local shown = text:gsub("^private ", ""):gsub("^package ", ""):gsub("^protected ", "")
        local name, rest = shown:match "^([%w_]+)%??%s+(.*)$"
        if not name then
            return nil -- an item of a list
        end
        return { name = name, words = after_type(rest), hidden = shown ~= text }
    end
end

--- Every class of the files below a folder, with its fields.
---@param folder string
---@return table<string, spec.Field[]>
function M.classes(folder)
    local files, classes = {}, {}
    add_files(files, folder)
    for _, path in ipairs(files) do
        local fields
        for line in io.lines(path) do
            local name = line:match "^%-%-%-@class ([%w_.]+)"
            if name then
                fields = {}
                classes[name] = fields
            elseif not line:find "^%-%-%-" then
                fields = nil
            end
            if fields then
                fields[#fields + 1] = field_of(line)
            end
        end
    end
    return classes
end

--- The words that stand above a function: its comment without what is annotated.
---@param fn function
---@return string
function M.words_above(fn)
    local info = debug.getinfo(fn, "S")
    local lines = {}
    for line in io.lines(info.source:sub(2)) do
        table.insert(lines, line)
    end
    local words, at = {}, info.linedefined - 1
    while lines[at] and lines[at]:find "^%s*%-%-" do
        table.insert(words, 1, lines[at]:match "^%s*%-%-%-%s*([^@].*)$" or "")
        at = at - 1
    end
    return (table.concat(words, " "):gsub("^%s+", ""))
end

return M
