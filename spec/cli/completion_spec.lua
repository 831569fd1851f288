local support = require "spec.support"

-- What bash offers for the last of these words, as a set.
local function bash(...)
    local script = [[
        program=$1; shift
        source <("$program" completion bash)
        complete -p nylon-ring >/dev/null || exit
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _nylon-ring nylon-ring "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    ]]
    local got = support.start("bash", { "-c", script, "bash", support.program, "nylon-ring", ... }):wait()
    assert.equal("", got.err)
    assert.equal(0, got.code)
    local offered = {}
    for word in got.out:gmatch "[^\n]+" do
        offered[word] = true
    end
    return offered
end

describe("completion bash", function()
    it("offers the commands, and narrows them down", function()
        local all = bash ""
        for _, command in ipairs { "run", "call", "inspect", "test", "completion", "man" } do
            assert.is_true(all[command], command)
        end
        assert.same({ inspect = true }, bash "ins")
    end)

    it("offers every option of a command that its help tells, and only those", function()
        local offered = bash("call", "--")
        local help = support.run({ "call", "--help" }).out
        for option in help:gmatch "%-%-%l+" do
            assert.is_true(offered[option], option)
        end
        assert.is_nil(bash("inspect", "--")["--repeat"])
        assert.same({ ["--concurrency"] = true }, bash("call", "x.so", "--conc"))
    end)

    it("offers the shells", function()
        assert.same({ bash = true, zsh = true }, bash("completion", ""))
    end)

    it("leaves file names to the shell where a file is meant", function()
        assert.same({}, bash("inspect", "./plug"))
        local got = support.start("bash", { "-c", 'source <("$0" completion bash); complete -p nylon-ring',
            support.program }):wait()
        assert.matches("%-o default", got.out)
    end)
end)

describe("completion zsh", function()
    -- A zsh on a terminal of its own, which loads the file that the build wrote as a user's zsh does, gets
    -- the keys, then Tab and Return. Answers the words that it would have run the program with.
    local function zsh(keys)
        local script = [[
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
            zpty -w z 'nylon-ring() { print -r -- "<$*"">" }; echo REA""DY'
            zpty -r -m z seen '*READY*'
            zpty -w -n z "$2"
            zpty -r -m z seen '*<*>*' && print -r -- "$seen"
        ]]
        local folder = support.build .. "/share/zsh/site-functions"
        return support.start("timeout", { "20", "zsh", "-f", "-c", script, "zsh", folder, keys .. "\t\r" })
            :wait().out:match "<([%w%-./ ]*)>"
    end

    local lines = {
        { "nylon-ring insp", "inspect" },
        { "nylon-ring call x.so /echo --conc", "call x.so /echo --concurrency" },
        { "nylon-ring completion ba", "completion bash" },
    }
    for _, case in ipairs(lines) do
        it(("makes `%s` `%s`"):format(case[1], case[2]), function()
            if not support.which "zsh" then
                return pending "zsh is not installed"
            end
            assert.equal(case[2], zsh(case[1]))
        end)
    end
end)
