-- The bridge as compiled code sees it: a structure of scalars, pointers and function pointers, called through
-- the FFI without touching the Lua state. The declarations are those of src/bridge/fast.h and are checked
-- against the module that was built when this file loads.

local core = require "nylon_ring.core"
local ffi = require "ffi"

local declarations = [[
typedef struct { const char *ptr; uint32_t len, reserved; } NrStr;
typedef struct { NrStr key, value; } NrHeader;
typedef struct {
    NrStr path, method, query;
    const NrHeader *headers;
    uint32_t headers_len, reserved0;
    uint64_t reserved1;
} NrRequest;
typedef struct { NrRequest request; uint32_t entry_id, entry_known; uint64_t entry_serial; } nr_request_t;
typedef struct { void *plugin, *known, *next, *previous; } nr__handle_t;
typedef struct {
    void *stream, *task, *next, *previous;
    uint32_t frames, padding;
    uint64_t opened, deadline, max_frames, max_bytes;
} nr__reader_t;
typedef struct nr__fast nr__fast_t;
struct nr__fast {
    uint32_t status, size;
    const char *data;
    char text[40];
    int (*call)(nr__fast_t *, nr__handle_t *, nr_request_t *, const char *, size_t, double);
    int (*notify)(nr__fast_t *, nr__handle_t *, nr_request_t *, const char *, size_t);
    int (*next)(nr__fast_t *, nr__reader_t *);
    int (*prepare)(nr__fast_t *, nr_request_t *, const NrRequest *);
    void (*release)(nr__fast_t *);
    int interrupted;
};
]]

local function check_layout()
    for name, expected in pairs(core.layout) do
        local type_name, field = name:match "^([^.]+)%.?(.*)$"
        local actual = field == "" and ffi.sizeof(type_name) or ffi.offsetof(type_name, field)
        if actual ~= expected then
            local message = "nylon_ring.fast and nylon_ring.core were not built together: %s is %s, not %d"
            error(message:format(name, tostring(actual), expected))
        end
    end
end

if not pcall(ffi.typeof, "nr__fast_t") then
    ffi.cdef(declarations)
end
check_layout()

return ffi.cast("nr__fast_t *", core.fast)
