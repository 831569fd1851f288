--- Mends what busted 2.1.1 hands its own output handlers and they can not write. For helpers: to be loaded
--- once, when there is a busted.
local base = require "busted.outputHandlers.base"()
local busted = require "busted"
local json = require "nylon_ring.io.json"
local report = require "nylon_ring.report"

-- Gives an error that is no hook's or spec's (of a file that does not parse, of the whole run) a place,
-- without which the TAP output fails.
local function place_error(element, _, message)
    local line = tostring(message):match ":(%d+):"
    local place = element.name or element.descriptor or "the run"
    element.trace = element.trace or { short_src = place, currentline = tonumber(line) or 0 }
    return nil, true
end

busted.subscribe({ "error" }, place_error, { priority = 1 })

-- ---- JSON ----

-- Tables of an element that say something: others are its parts, with functions in them.
local ELEMENT = { trace = true, attributes = true }

local plain

local function plain_table(value, known)
    local copy = {}
    for key, each in pairs(value) do
        if type(each) ~= "table" or not known or known[key] then
            copy[key] = plain(each, key)
        end
    end
    return copy
end

-- What JSON can say of a value that outputs are given.
function plain(value, key)
    local kind = type(value)
    if kind == "table" and key == "message" then
        return report.text_of(value)
    elseif kind == "table" then
        return plain_table(value, key == "element" and ELEMENT)
    end
    return (kind == "string" or kind == "number" or kind == "boolean") and value or nil
end

local function plain_json(encode)
    return function(value)
        return json.to_utf8(encode(plain(value)), function(byte)
            return "\\\\" .. byte
        end)
    end
end

-- ---- XML ----

local function escaped(bytes)
    return (bytes:gsub(".", function(byte)
        return "\\" .. byte:byte()
    end))
end

-- What failed that is no spec, in the order of its errors.
local outside = {}

local function note_outside(element)
    if element.descriptor ~= "it" then
        table.insert(outside, element)
    end
    return nil, true
end

busted.subscribe({ "error" }, note_outside, { priority = 1 })
busted.subscribe({ "failure" }, note_outside, { priority = 1 })

local function case_of(element, problem)
    local trace = element.trace or {}
    local case = require "pl.xml".new("testcase", {
        name = base.getFullName(element),
        classname = ("%s:%d"):format(trace.short_src or "the run", trace.currentline or 0),
        time = "0.00",
    })
    case:add_direct_child(problem)
    return case
end

-- JUnit knows errors of cases alone, and who reads it leaves out others: those of files and hooks become
-- cases. Answers how many.
local function add_cases(node)
    local count = 0
    for index, child in ipairs(node) do
        if child.tag == "error" and outside[1] then
            node[index] = case_of(table.remove(outside, 1), child)
            count = count + 1
        elseif child.tag == "testsuite" then
            count = count + add_cases(child)
        end
    end
    node.attr.tests = node.attr.tests + count
    return count
end

-- XML has no way to say most control characters, nor U+FFFE and U+FFFF.
local function plain_xml(to_string)
    return function(document, ...)
        if document.tag == "testsuites" then
            add_cases(document)
        end
        local text = json.to_utf8(to_string(document, ...), function(byte)
            return "\\" .. byte
        end)
        return (text:gsub("[%z\1-\8\11\12\14-\31]", escaped):gsub("\239\191[\190\191]", escaped))
    end
end

-- ---- Both ----

-- Puts another function in the place of a module's, for those that hear of an event after us and were there
-- before us: the outputs. Where busted has not loaded the module, no output needs it.
local function replace(channel, module, name, wrap)
    local original
    busted.subscribe(channel, function()
        local functions = package.loaded[module]
        if functions then
            original = functions[name]
            functions[name] = wrap(original)
        end
        return nil, true
    end, { priority = 1 })
    busted.subscribe(channel, function()
        if original then
            package.loaded[module][name] = original
            original = nil
        end
        return nil, true
    end)
end

replace({ "suite", "end" }, "dkjson", "encode", plain_json)
replace({ "exit" }, "pl.xml", "tostring", plain_xml)
