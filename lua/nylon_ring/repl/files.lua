-- Names of files as they are typed.

local uv = require "luv"

local M = {}

local function kind_of(path, kind)
    if kind == "link" or kind == "unknown" or not kind then
        local stat = uv.fs_stat(path)
        return stat and stat.type
    end
    return kind
end

---@param path string
---@return string path with the home folder for `~`
function M.expand(path)
    local home = os.getenv "HOME"
    return home and path:gsub("^~/", home .. "/") or path
end

---The files that begin with some text.
---@param word string
---@return string[] each as the word was begun; a folder ends with a slash
function M.matching(word)
    local folder, name = word:match "^(.*/)([^/]*)$"
    folder, name = folder or "", name or word
    local real = M.expand(folder)
    local scan = uv.fs_scandir(real ~= "" and real or ".")
    local list = {}
    while scan do
        local each, kind = uv.fs_scandir_next(scan)
        if not each then
            break
        end
        if each:sub(1, #name) == name and (each:sub(1, 1) ~= "." or name:sub(1, 1) == ".") then
            local slash = kind_of(real .. each, kind) == "directory" and "/" or ""
            table.insert(list, folder .. each .. slash)
        end
    end
    return list
end

return M
