-- Commands that measure: one evaluation, or many with a histogram of their times.

local bench = require "nylon_ring.repl.bench"
local evaluate = require "nylon_ring.repl.evaluate"
local fail = require "nylon_ring.repl.fail"
local nr = require "nylon_ring"
local outcomes = require "nylon_ring.repl.outcome"
local text = require "nylon_ring.io.text"
local uv = require "luv"

local function compile(session, code)
    if code:match "&$" then
        fail "what is measured begins in the foreground: leave the & out, and press Ctrl-Z while it runs"
    end
    local entry = evaluate.compile(code)
    if entry.err then
        fail("%s", (entry.err:gsub("^input:1: ", "")))
    end
    evaluate.bind(entry.fn, session.env)
    return entry
end

-- What it calls and what came is kept for `:spec`, as that of a line.
local function time(session, rest)
    local entry = compile(session, rest)
    session.notes:begin(entry)
    session:job_of(nr.current()).entry.record = entry.record
    local start = uv.hrtime()
    local values = evaluate.values(entry.fn)
    local took = uv.hrtime() - start
    local kind = entry.expression and outcomes.keep(session, entry, values) or "values"
    if not entry.silent then
        outcomes.show(session, kind, values, took, false)
    end
    if entry.silent or kind == "values" then
        session:write(("took %s\n"):format(text.time(took)))
    end
end

-- `EXPR [N [C]]`: the numbers are those at the end, as long as what is before them is an expression.
local function split(rest)
    local code, count, width = rest:match "^(.-)%s+(%d+)%s+(%d+)$"
    if code and loadstring("return " .. code) then
        return code, tonumber(count), tonumber(width)
    end
    code, count = rest:match "^(.-)%s+(%d+)$"
    if code and loadstring("return " .. code) then
        return code, tonumber(count), 1
    end
    return rest, 1000, 1
end

local function run_bench(session, rest)
    local code, count, width = split(rest)
    if count < 1 or width < 1 then
        fail ":bench takes numbers of 1 or more"
    end
    bench.run(session, compile(session, code).fn, count, width)
end

return {
    { name = "time", args = "EXPR", help = "evaluate once and tell how long it took",
        example = ":time echo:call('/thread', 'hi')", run = time },
    { name = "bench", args = "EXPR [N [C]]", run = run_bench,
        help = "evaluate N times (1000), C at a time (1)",
        more = "It tells the rate, quantiles and a histogram.",
        example = ":bench echo:call('/echo', 'hi') 10000 16" },
}
