/* What is recorded of a plugin's ABI, as tables. */
#include "trace.h"

#include <nylon_ring/nr_trace.h>

#include "bridge.h"
#include "failure.h"
#include "fields.h"
#include "plugin.h"

#define BATCH 32 /* events that are copied at a time */

/* core.trace(handle, capacity): true, or nil, Error. 0 ends it. */
static int core_trace(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    const nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    nr_error_t err;
    if (!handle->plugin) {
        nr__fast_unloaded(&b->fast, handle);
        return nr__failure_return(L, b, &b->fast.err, handle->name);
    }
    if (nr_plugin_trace(handle->plugin, (size_t)luaL_checknumber(L, 2), &err) != 0)
        return nr__failure_return(L, b, &err, handle->name);
    lua_pushboolean(L, 1);
    return 1;
}

static void set_sid(lua_State *L, uint64_t sid) {
    if (sid == 0)
        return;
    nr__failure_push_sid(L, sid);
    lua_setfield(L, -2, "sid");
}

/* What the plugin answers a status to. */
static int has_answer(const nr_trace_event_t *event) {
    return event->outcome != NR_OUTCOME_UNDER_WAY && event->kind <= NR_TRACE_STREAM_CLOSE;
}

/* What comes with a status, or a level. */
static int has_status(const nr_trace_event_t *event) {
    return event->kind == NR_TRACE_SEND_RESULT || event->kind == NR_TRACE_SEND_RESULT_OWNED ||
           event->kind == NR_TRACE_COMMIT_RESULT_BUFFER || event->kind == NR_TRACE_LOG;
}

static void push_event(lua_State *L, const nr_trace_event_t *event) {
    static const char *const wheres[] = {
        [NR_TRACE_ON_LOOP] = "loop", [NR_TRACE_INSIDE] = "inside", [NR_TRACE_ON_THREAD] = "thread"};
    lua_createtable(L, 0, 14);
    nr__set_number(L, "seq", event->seq);
    nr__set_text(L, "kind", nr_trace_name(event->kind));
    nr__set_text(L, "text", event->text[0] ? event->text : NULL);
    nr__set_number(L, "bytes", event->len);
    nr__set_text(L, "outcome", nr_outcome_name(event->outcome));
    nr__set_text(L, "where", wheres[event->where]);
    nr__set_number(L, "thread", event->thread);
    nr__set_number(L, "image", event->image);
    set_sid(L, event->sid);
    if (has_status(event))
        nr__set_number(L, "status", event->status);
    if (has_answer(event))
        nr__set_number(L, "answer", event->answer);
    lua_pushnumber(L, (lua_Number)event->at_ns / 1e6);
    lua_setfield(L, -2, "time");
    if (event->took_ns > 0) {
        lua_pushnumber(L, (lua_Number)event->took_ns / 1e6);
        lua_setfield(L, -2, "took");
    }
}

/* core.events(handle, after): a list of tables, oldest first, and how many were lost. */
static int core_events(lua_State *L) {
    const nr__handle_t *handle = nr__plugin_handle(L, nr__bridge_self(L), 1);
    uint64_t after = (uint64_t)luaL_checknumber(L, 2);
    nr_trace_event_t events[BATCH];
    uint64_t lost = 0, lost_now;
    size_t count = BATCH;
    int len = 0;
    lua_newtable(L);
    while (handle->known && count == BATCH) {
        count = nr_plugin_events(handle->known, after, events, BATCH, &lost_now);
        lost += lost_now;
        for (size_t i = 0; i < count; i++) {
            push_event(L, &events[i]);
            lua_rawseti(L, -2, ++len);
        }
        after = count > 0 ? events[count - 1].seq : after;
    }
    lua_pushnumber(L, (lua_Number)lost);
    return 2;
}

void nr__trace_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {
        {"events", core_events}, {"trace", core_trace}, {NULL, NULL}};
    (void)b;
    nr__bridge_register(L, bridge, functions);
}
