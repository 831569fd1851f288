-- Commands that read and write files: running a script, keeping the session as a script or as a spec.

local as_script = require "nylon_ring.repl.script"
local as_spec = require "nylon_ring.repl.spec"
local evaluate = require "nylon_ring.repl.evaluate"
local fail = require "nylon_ring.repl.fail"
local files = require "nylon_ring.repl.files"
local text = require "nylon_ring.io.text"

local function write(path, content)
    local file, err = io.open(files.expand(path), "wb")
    if not file then
        fail("%s", err)
    end
    file:write(content)
    file:close()
end

local function run(session, rest)
    local fn, err = loadfile(files.expand(rest))
    if not fn then
        fail("%s", err)
    end
    evaluate.bind(fn, session.env)()
    session.notes:add { kind = "run", path = files.expand(rest) }
end

local function save(session, rest)
    local content, count = as_script.write(session.notes.records)
    write(rest, content)
    session:write(("saved %s as %s\n"):format(text.plural(count, "line"), rest))
end

local function spec(session, rest)
    local content, count = as_spec.write(session.notes.records)
    if count == 0 then
        fail "no line has called a plugin yet"
    end
    write(rest, content)
    session:write(("saved %s as %s; nylon-ring test %s\n"):format(text.plural(count, "call"), rest, rest))
end

return {
    { name = "run", args = "FILE", completes = "file", help = "run a script here; its globals stay",
        example = ":run examples/unary.lua", run = run },
    { name = "save", args = "FILE", completes = "file", help = "write the session's lines as a script",
        example = ":save session.lua", run = save },
    { name = "spec", args = "FILE", completes = "file", run = spec, example = ":spec session_spec.lua",
        help = "write the session's calls and answers as a busted spec" },
}
