--- Stacks as their readers want them: without the functions of the house, which no script can mend.
local M = {}

local home = debug.getinfo(1, "S").source:match "^@(.*/)cli/stack%.lua$"
local parent = home:gsub("nylon_ring/$", "")

--- Whether a place's file, which Lua shows no more than the end of where it is long, is one of ours.
local function is_ours(file)
    local cut = file:match "^%.%.%.(.*)$"
    if not cut then
        return file == "nylon_ring" or file:sub(1, #home) == home
    end
    local before = cut:match "^(.*)nylon_ring/"
    return before ~= nil and parent:sub(-#before) == before
end

--- A traceback without our frames, and without those of C functions that we have called.
---@param traceback string
---@return string
function M.of_script(traceback)
    local lines, kept = {}, {}
    for line in (traceback .. "\n"):gmatch "(.-)\n" do
        table.insert(lines, line)
    end
    local ours = true -- whoever called what is at the end of a stack
    for i = #lines, 1, -1 do
        local file = lines[i]:match "^\t(.-):%d+: in " or lines[i]:match "^\t(%[C%]):"
        if not file then
            ours = true
        elseif file ~= "[C]" then
            ours = is_ours(file)
        end
        if not (file and ours) then
            table.insert(kept, 1, lines[i])
        end
    end
    return table.concat(kept, "\n")
end

return M
