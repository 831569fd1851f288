--- Spec files that specs write and run, to see what becomes of them.
local support = require "spec.support"

--- Runs `nylon-ring test` over one spec file of this content, which has `nr`; it is called inner_spec.lua in
--- what is printed.
---@async
---@param content string
---@param words? string[] further ones for the program
---@param env? table<string, string|false>
---@return spec.Outcome
return function(content, words, env)
    local path, remove = support.file("inner_spec.lua", "local nr = require 'nylon_ring'\n" .. content)
    local got = support.run({ "test", "-o", "TAP", path, unpack(words or {}) }, { env = env })
    remove()
    got.out = got.out:gsub("[^ \n(<\"'@]*/inner_spec%.lua", "inner_spec.lua")
    return got
end
