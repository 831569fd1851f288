-- Where the package list comes from, as chunks of text: a child process or a file, both read through luv
-- without ever blocking the loop. A reader that is slow holds the source back: one chunk is read at a time.
--
-- Every source has a `fingerprint`: as long as it is the same, so is the text.

local nr = require "nylon_ring"
local uv = require "luv"

local M = {}

---@class packages.Source
---@field name string for people
---@field fingerprint string
---@field open fun(): fun(): string|nil starts reading; answers the iterator of its chunks

local CHUNK = 256 * 1024

-- The result of a luv function that takes a callback: `nil, err` becomes an error.
local function wait_for(start)
    local err, value = nr.await(start)
    if err then
        error(err, 0)
    end
    return value
end

-- The chunks of an open file; closes it at its end.
local function file_chunks(fd)
    return function()
        local chunk = wait_for(function(resume)
            return uv.fs_read(fd, CHUNK, -1, resume)
        end)
        if chunk ~= "" then
            return chunk
        end
        uv.fs_close(fd)
    end
end

---@param path string
---@return packages.Source|nil source
---@return string? err
function M.file(path)
    local stat, err = uv.fs_stat(path)
    if not stat then
        return nil, err
    elseif stat.type == "directory" then
        return nil, "EISDIR: illegal operation on a directory: " .. path
    end
    local full = uv.fs_realpath(path) or path
    return {
        name = path,
        fingerprint = ("%s %d %d.%09d"):format(full, stat.size, stat.mtime.sec, stat.mtime.nsec),
        open = function()
            return file_chunks(assert(uv.fs_open(path, "r", 0)))
        end,
    }
end

-- Starts a program; answers its standard output and a function that waits for its end.
local function start(file, args)
    local output, errors = uv.new_pipe(false), uv.new_pipe(false)
    local ended, on_end
    local process, err
    process, err = uv.spawn(file, { args = args, stdio = { nil, output, errors } }, function(code)
        ended = code
        process:close()
        if on_end then
            on_end(code)
        end
    end)
    errors:close()
    if not process then
        output:close()
        return nil, err
    end
    return output, function()
        return ended or nr.await(function(resume)
            on_end = resume
        end)
    end
end

local function next_chunk(output)
    return wait_for(function(resume)
        output:read_start(function(err, chunk)
            output:read_stop()
            resume(err, chunk)
        end)
        return function()
            output:close() -- the task is cancelled: the child ends by SIGPIPE
        end
    end)
end

---@param file string
---@param args string[]
---@param fingerprint string
---@return packages.Source
function M.program(file, args, fingerprint)
    local name = file .. " " .. table.concat(args, " ")
    return {
        name = name,
        fingerprint = name .. " " .. fingerprint,
        open = function()
            local output, wait = start(file, args)
            if not output then
                error(("%s: %s"):format(file, wait), 0)
            end
            return function()
                local chunk = next_chunk(output)
                if chunk then
                    return chunk
                end
                output:close()
                local code = wait()
                if code ~= 0 then
                    error(("%s ended with %d"):format(name, code), 0)
                end
            end
        end,
    }
end

-- What `apt-cache dumpavail` prints depends on the lists that apt has fetched.
local function apt_fingerprint()
    local folder, lists = "/var/lib/apt/lists/", {}
    for entry in uv.fs_scandir_next, assert(uv.fs_scandir(folder)) do
        if entry:find "_Packages" then
            local stat = assert(uv.fs_stat(folder .. entry))
            table.insert(lists, ("%s %d %d"):format(entry, stat.size, stat.mtime.sec))
        end
    end
    table.sort(lists)
    return #lists > 0 and table.concat(lists, " ") or nil
end

---The packages that this machine could install; where apt knows none, those that are installed.
---@return packages.Source|nil source
---@return string? err
function M.system()
    local ok, fingerprint = pcall(apt_fingerprint)
    if ok and fingerprint and uv.fs_access("/usr/bin/apt-cache", "X") then
        return M.program("apt-cache", { "dumpavail" }, fingerprint)
    end
    return M.file "/var/lib/dpkg/status"
end

return M
