-- Commands that measure: one evaluation, or many with a histogram of their times.

local bench = require "nylon_ring.repl.bench"
local environment = require "nylon_ring.repl.environment"
local evaluate = require "nylon_ring.repl.evaluate"
local fail = require "nylon_ring.repl.fail"
local result = require "nylon_ring.repl.result"
local text = require "nylon_ring.io.text"
local uv = require "luv"

local function load(session, code)
    local fn, err = evaluate.load(code, session.env)
    if not fn and code:match "&%s*$" then
        fail "what is measured begins in the foreground: leave the & out, and press Ctrl-Z while it runs"
    end
    return fn or fail("%s", err)
end

local function time(session, rest)
    local fn = load(session, rest)
    local start = uv.hrtime()
    local values = evaluate.values(fn)
    local took = uv.hrtime() - start
    local answer = result.is_answer({ text = rest }, values)
    environment.keep(session.env, values, answer and values[2] or values[1])
    if answer then
        result.show_answer(session, values[1], values[2], took)
    else
        result.show_values(session, values, took)
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
    bench.run(session, load(session, code), count, width)
end

return {
    { name = "time", args = "EXPR", help = "evaluate once and tell how long it took",
        example = ":time echo:call('/thread', 'hi')", run = time },
    { name = "bench", args = "EXPR [N [C]]", run = run_bench,
        help = "evaluate N times (1000), C at a time (1)",
        more = "It tells the rate, quantiles and a histogram.",
        example = ":bench echo:call('/echo', 'hi') 10000 16" },
}
