/* The functions that compiled Lua code calls through the FFI, and the layout that its cdef must
 * have. */
#include "fast.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bridge.h"

static NrBytes bytes(const char *data, size_t len) {
    NrBytes view = {(const uint8_t *)data, len};
    return view;
}

void nr__fast_release(nr_result_t *result) {
    if (result->release)
        nr_result_release(result);
    result->release = NULL;
}

int nr__fast_unloaded(nr__fast_t *fast, const nr__handle_t *plugin) {
    fast->err.code = fast->closed ? NR_E_LOOP_CLOSED : NR_E_PLUGIN_UNLOADED;
    fast->err.status = NR_OK;
    snprintf(fast->err.message, sizeof fast->err.message, "plugin '%.128s' was %s", plugin->name,
             fast->closed ? "closed: the program is leaving" : "unloaded");
    return fast->err.code;
}

int nr__fast_start(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, NrBytes body,
                   const nr_call_options_t *options, nr_result_t *result) {
    nr__fast_release(result);
    if (!plugin->plugin)
        return nr__fast_unloaded(fast, plugin);
    return nr_call(plugin->plugin, request, body, options, result, &fast->err);
}

int nr__fast_notify(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, NrBytes body,
                    const nr_call_options_t *options) {
    if (!plugin->plugin)
        return nr__fast_unloaded(fast, plugin);
    return nr_notify(plugin->plugin, request, body, options, &fast->err);
}

/* The result is there: how Lua takes it. What fits is copied to where it needs no pointer, because
 * reading a pointer may run a finalizer, which may call. */
static int show(nr__fast_t *fast) {
    nr_result_t *result = &fast->result;
    if (result->error != 0 || result->len > UINT32_MAX)
        return NR__ODD;
    fast->status = result->status;
    fast->size = (uint32_t)result->len;
    if (result->len <= sizeof fast->text) {
        memcpy(fast->text, result->data, (size_t)result->len);
        nr__fast_release(result);
        return NR__PLAIN;
    }
    fast->data = (const char *)result->data;
    fast->unread = 1;
    return NR__KEPT;
}

static int call(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, const char *body,
                size_t len, double timeout) {
    nr_call_options_t options = {.user = fast->current, .timeout_ms = (uint64_t)timeout};
    if (!fast->current)
        return NR__OUTSIDE;
    if (fast->unread)
        return NR__UNREAD;
    if (fast->interrupted)
        return NR__INTERRUPTED;
    int rc = nr__fast_start(fast, plugin, request, bytes(body, len), &options, &fast->result);
    return rc == NR_DONE ? show(fast) : rc;
}

static int notify(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, const char *body,
                  size_t len) {
    if (fast->interrupted && fast->current)
        return NR__INTERRUPTED;
    return nr__fast_notify(fast, plugin, request, bytes(body, len), NULL);
}

int nr__fast_next(nr__reader_t *reader, nr_result_t *result) {
    nr__fast_release(result);
    if (!reader->stream)
        return NR_E_STREAM_ENDED;
    int rc = nr_stream_next(reader->stream, result);
    if (rc == NR_DONE)
        reader->frames++;
    return rc;
}

/* A frame that another task waits for is not taken away from it. */
static int next(nr__fast_t *fast, nr__reader_t *reader) {
    if (fast->unread)
        return NR__UNREAD;
    if (fast->interrupted && fast->current)
        return NR__INTERRUPTED;
    int rc = reader->task ? NR_PENDING : nr__fast_next(reader, &fast->result);
    return rc == NR_DONE ? show(fast) : rc;
}

static int prepare(nr__fast_t *fast, nr_request_t *out, const NrRequest *from) {
    return nr_request_init(out, from, &fast->err);
}

static void release(nr__fast_t *fast) {
    nr__fast_release(&fast->result);
    fast->unread = 0;
}

/* ---- Layout ----------------------------------------------------------------------------- */

#define SIZE(type)                                                                                 \
    { #type, NULL, sizeof(type) }
#define FIELD(type, field)                                                                         \
    { #type, #field, offsetof(type, field) }

static const struct layout {
    const char *type, *field; /* field NULL: the size */
    size_t value;
} layout[] = {
    SIZE(NrStr),
    FIELD(NrStr, ptr),
    FIELD(NrStr, len),
    SIZE(NrHeader),
    FIELD(NrHeader, key),
    FIELD(NrHeader, value),
    SIZE(NrRequest),
    FIELD(NrRequest, path),
    FIELD(NrRequest, method),
    FIELD(NrRequest, query),
    FIELD(NrRequest, headers),
    FIELD(NrRequest, headers_len),
    SIZE(nr_request_t),
    FIELD(nr_request_t, request),
    SIZE(nr__handle_t),
    FIELD(nr__handle_t, plugin),
    SIZE(nr__reader_t),
    FIELD(nr__reader_t, stream),
    FIELD(nr__fast_t, status),
    FIELD(nr__fast_t, size),
    FIELD(nr__fast_t, data),
    FIELD(nr__fast_t, text),
    FIELD(nr__fast_t, call),
    FIELD(nr__fast_t, notify),
    FIELD(nr__fast_t, next),
    FIELD(nr__fast_t, prepare),
    FIELD(nr__fast_t, release),
    FIELD(nr__fast_t, interrupted),
};

/* core.layout: { ["type"] = size, ["type.field"] = offset } */
static void push_layout(lua_State *L) {
    lua_newtable(L);
    for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
        const struct layout *line = &layout[i];
        lua_pushfstring(L, "%s%s%s", line->type, line->field ? "." : "",
                        line->field ? line->field : "");
        lua_pushinteger(L, (lua_Integer)line->value);
        lua_rawset(L, -3);
    }
}

void nr__fast_open(lua_State *L, nr__bridge_t *b) {
    b->fast.call = call;
    b->fast.notify = notify;
    b->fast.next = next;
    b->fast.prepare = prepare;
    b->fast.release = release;
    lua_pushlightuserdata(L, &b->fast);
    lua_setfield(L, -2, "fast");
    lua_pushlightuserdata(L, (void *)&b->fast.interrupted);
    lua_setfield(L, -2, "interrupted");
    push_layout(L);
    lua_setfield(L, -2, "layout");
}

void nr__fast_close(nr__bridge_t *b) {
    release(&b->fast);
    nr__fast_release(&b->fast.slow_result);
}
