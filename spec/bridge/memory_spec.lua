-- Answers for which Lua has no memory: their call ends with an error, their payload is released once, and
-- everything else goes on. Run in a process whose allocator can be told to fail.

local support = require "spec.support"

local function run(script)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
        package.path, package.cpath = %q, %q
        local nr = require "nylon_ring"
        local function load(name) return assert(nr.load(%q .. "/plugins/" .. name .. ".so")) end
    ]]):format(package.path, package.cpath, support.build), script)
    file:close()
    local shell = [[%s/spec/native/short_memory %s 2>&1; echo "exit $?"]]
    local pipe = assert(io.popen(shell:format(support.build, path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
end

describe("where there is no memory for an answer", function()
    it("a call that is answered inside handle raises, and the next one works", function()
        assert.equal("false\tnot enough memory\n60000\n0\nexit 0\n", run [[
            nr.run(function()
                local bench, body = load "bench", ("x"):rep(60000)
                local request = nr.request { path = "/inside", body = body }
                limit(30000)
                print(pcall(bench.call, bench, request))
                limit()
                print(#select(2, bench:call(request)))
                print(bench:stats().in_flight)
                bench:unload()
            end)
        ]])
    end)

    it("a call that waits gets an Error, and others their answers", function()
        assert.equal("no_memory\n16\n60000\n0\nexit 0\n", run [[
            nr.run(function()
                local bench = load "bench"
                local large = nr.request { path = "/thread", body = ("x"):rep(60000) }
                local small = nr.request { path = "/thread", body = ("x"):rep(16) }
                local err, answer
                limit(30000)
                local first = nr.spawn(function() err = select(2, bench:call(large)) end)
                local second = nr.spawn(function() answer = select(2, bench:call(small)) end)
                first:join()
                second:join()
                limit()
                print(err.code)
                print(#answer)
                print(#select(2, bench:call(large)))
                print(bench:stats().in_flight)
                bench:unload()
            end)
        ]])
    end)

    it("a stream that waits gets an Error for the frame, and then the next frames", function()
        assert.equal("no_memory\n40000\n4\ntrue\nexit 0\n", run [[
            nr.run(function()
                local plugin, streams = load "fixture_result_ext", 0
                local stream, waited, status, data
                repeat -- until the frame comes while the task waits; where it is there already, recv raises
                    if stream then stream:close() end
                    stream, streams = assert(plugin:call_stream "/stream?frames=2&bytes=40000"), streams + 1
                    limit(30000)
                    waited, status, data = pcall(stream.recv, stream)
                    limit()
                until waited or streams == 1000
                print(status or data.code)
                print(#select(2, stream:recv()))
                print((stream:recv()))
                stream:close()
                plugin:unload()
                print(streams < 1000)
            end)
        ]])
    end)

    it("the payload is released exactly once", function()
        assert.equal("10\nexit 0\n", run [[
            nr.run(function()
                local plugin, body = load "fixture_result_ext", {}
                for i = 1, 5 do body[i] = ("x"):rep(40000 + i) end
                for i = 1, 5 do
                    plugin:call("/owned", body[i])
                    local stream = assert(plugin:call_stream "/stream?frames=1&bytes=40000")
                    limit(30000)
                    pcall(stream.recv, stream)
                    limit()
                    stream:each(function() end)
                end
                print(select(2, plugin:call "/stats"):match "released (%d+) ")
                plugin:unload()
            end)
        ]])
    end)
end)
