local support = require "spec.support"
local terminals = require "spec.support.terminal"
local uv = require "luv"

-- Files to be found, by folder; where a value is no file, `lone` would be put in by a shell that takes it for
-- one.
local files = { "fan.lua", "host.so", "input.txt", "my body.txt", "plug in/echo.so", "alone/lone" }

local function make_files()
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/nylon-ring-completion-XXXXXX"))
    for _, name in ipairs(files) do
        local inner = name:match "^(.*)/"
        if inner then
            uv.fs_mkdir(folder .. "/" .. inner, tonumber("755", 8))
        end
        assert(io.open(folder .. "/" .. name, "w")):close()
    end
    return folder
end

local function remove_files(folder)
    for _, name in ipairs(files) do
        os.remove(folder .. "/" .. name)
        os.remove(folder .. "/" .. (name:match "^(.*)/" or ""))
    end
    os.remove(folder)
end

local shells = {
    bash = { words = { "--norc", "--noprofile", "-i" }, setup = "" },
    zsh = { words = { "-f", "-i" }, setup = "autoload -U compinit; compinit -u -D" },
}

-- A shell on a terminal that has taken our script as a user's does, and shows the words that it would run the
-- program with.
local function start_shell(name, folder)
    local shell = shells[name]
    local terminal = terminals.open(shell.words, { program = name, width = 2000 })
    terminal:enter(shell.setup)
    terminal:enter(("PS1='$ '; source <('%s' completion %s)"):format(
        uv.fs_realpath(support.program), name))
    terminal:enter(([[cd '%s'; nylon-ring() { printf '<%%s>' "$@"; echo; }; echo REA""DY]]):format(folder))
    terminal:wait "READY"
    return terminal
end

-- What is typed, the folder below ours where that is, and the words after Tab.
local cases = {
    { "insp", "<inspect>" },
    { "fan", "<fan.lua>" },
    { "plu", "<plug in/>", continued = true },
    { "--cons", "<--console>" },
    { "--vers", "<--version>" },
    { "-e 1 fan", "<-e><1><fan.lua>" },
    { "fan.lua inp", "<fan.lua><input.txt>" },
    { "fan.lua --cons", "<fan.lua><--cons>" },
    { "call hos", "<call><host.so>" },
    { "call plug\\ in/", "<call><plug in/echo.so>" },
    { "call host.so /x --conc", "<call><host.so></x><--concurrency>" },
    { "call host.so /x -X DEL", "<call><host.so></x><-X><DELETE>" },
    { "call host.so /x -d @inp", "<call><host.so></x><-d><@input.txt>" },
    { "call host.so /x -d @my", "<call><host.so></x><-d><@my body.txt>" },
    { "call host.so /x -d@inp", "<call><host.so></x><-d@input.txt>" },
    { "call host.so /x -d lo", "<call><host.so></x><-d><lo>", folder = "alone" },
    { "call host.so /x --input=inp", "<call><host.so></x><--input=input.txt>" },
    { "call host.so /x --input my", "<call><host.so></x><--input><my body.txt>" },
    { "call host.so /x --timeout lo", "<call><host.so></x><--timeout><lo>", folder = "alone" },
    { "call host.so /x -H lo", "<call><host.so></x><-H><lo>", folder = "alone" },
    { "inspect host.so plug\\ in/ec", "<inspect><host.so><plug in/echo.so>" },
    { "test --no-shuffle-t", "<test><--no-shuffle-tests>" },
    { "test -o TA", "<test><-o><TAP>" },
    { "test --output=TA", "<test><--output=TAP>" },
    { "test --filter lo", "<test><--filter><lo>", folder = "alone" },
    { "completion ba", "<completion><bash>" },
    { "help insp", "<help><inspect>" },
}

-- zsh puts what follows a long option's name behind an equals sign, which it takes back before a space.
for name in pairs(shells) do
    describe("completion " .. name, function()
        if not (support.which(name) and support.which "tmux") then
            return pending(name .. " or tmux is not installed")
        end
        local folder, terminal
        setup(function()
            folder = make_files()
            terminal = start_shell(name, folder)
        end)
        teardown(function()
            terminal:close()
            remove_files(folder)
        end)

        for number, case in ipairs(cases) do
            it(("makes `%s` %s"):format(case[1], case[2]), function()
                terminal:enter(("cd '%s/%s'"):format(folder, case.folder or ""))
                terminal:type("nylon-ring " .. case[1])
                terminal:press "Tab"
                -- The number keeps apart what the screen still shows of others.
                terminal:enter((case.continued and "" or " ") .. number)
                local wanted = case.continued and case[2]:gsub(">$", number .. ">")
                    or ("%s<%d>"):format(case[2], number)
                terminal:wait(wanted)
            end)
        end
    end)
end

describe("completion bash", function()
    -- What it would offer for a word that begins so, which Meta-* puts into the line.
    local function offered(line)
        local folder = make_files()
        local terminal = start_shell("bash", folder)
        finally(function()
            terminal:close()
            remove_files(folder)
        end)
        terminal:type("nylon-ring " .. line)
        terminal:press "M-*"
        terminal:enter "END"
        local found = {}
        for word in terminal:wait("<END>"):match("\n(<[^\n]*)<END>"):gmatch "<([^>]*)>" do
            found[word] = true
        end
        return found
    end

    it("offers commands and scripts first", function()
        local found = offered ""
        for _, word in ipairs { "run", "call", "inspect", "test", "completion", "man", "help", "fan.lua" } do
            assert.is_true(found[word], word)
        end
        assert.is_nil(found["host.so"])
    end)

    it("offers every option of a command that its help tells, and only those", function()
        local found = offered "call --"
        local help = support.run({ "call", "--help" }).out
        for option in help:gmatch "%-%-%l[%l-]*" do
            assert.is_true(found[option], option)
        end
        assert.is_nil(found["--watch"])
    end)
end)

describe("completion zsh", function()
    it("is a function that zsh loads from the file that the build wrote", function()
        if not support.which "zsh" then
            return pending "zsh is not installed"
        end
        local terminal = terminals.open(shells.zsh.words, { program = "zsh" })
        finally(function() terminal:close() end)
        local written = uv.fs_realpath(support.build) .. "/share/zsh/site-functions"
        terminal:enter(("PS1='$ '; fpath=('%s' $fpath)"):format(written))
        terminal:enter(shells.zsh.setup)
        terminal:enter [[nylon-ring() { printf '<%s>' "$@"; echo; }; echo REA""DY]]
        terminal:wait "READY"
        for number = 1, 2 do -- at first the file is loaded
            terminal:type "nylon-ring insp"
            terminal:press "Tab"
            terminal:enter(tostring(number))
            terminal:wait(("<inspect><%d>"):format(number))
        end
    end)
end)

describe("completion", function()
    -- The names of an option in a line like "-c, --[no-]coverage  ..." or "-o, --output=LIBRARY ...", and
    -- whether it has a value.
    local function names_in(line)
        local names, has_value = {}, false
        for word in line:gmatch "%S+" do
            local name, value = word:match "^(%-%-?[^=,]+)=?(%u*),?$"
            if not name then
                return names, has_value or word:find "^%u+$" ~= nil
            end
            table.insert(names, (name:gsub("%[no%-%]", "")))
            if name:find("[no-]", 1, true) then
                table.insert(names, (name:gsub("[%[%]]", "")))
            end
            has_value = has_value or value ~= ""
        end
    end

    it("knows all options of the busted that is installed, and no others", function()
        local own, theirs = {}, {}
        for _, option in ipairs(require "nylon_ring.cli.busted_options".list) do
            for name in option.names:gmatch "%S+" do
                own[name] = option.value ~= nil
            end
        end
        local cli = require "busted.modules.cli" { standalone = false }
        local help = select(2, cli:parse { "--help" }):match "OPTIONS:(.*)"
        for line in help:gmatch "\n  (%-[^\n]*)" do
            local names, has_value = names_in(line)
            for _, name in ipairs(names) do
                theirs[name] = has_value
            end
        end
        assert.same(theirs, own)
    end)
end)
