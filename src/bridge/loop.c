/*
 * The bridge's handles on luv's loop. They are made through luv, because luv and uv.walk crash on
 * handles that are not luv's; their callbacks are C functions of this module, which luv calls on
 * its own state.
 */
#include "loop.h"

#include "bridge.h"

/* Runs luv's `name` with the values on top of the stack and leaves one result. */
static void call_luv(lua_State *L, const char *name, int values) {
    nr__luv_push(L);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    lua_insert(L, -values - 1);
    lua_call(L, values, 1);
}

/* Pops a luv handle off the stack and keeps it for ever: a thread may still be about to use it. */
static void *keep_handle(lua_State *L) {
    void *handle = *(void **)lua_touserdata(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    return handle;
}

static void open_async(lua_State *L, nr__bridge_t *b) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->loop.drain);
    call_luv(L, "new_async", 1);
    b->loop.async = keep_handle(L);
    b->luv.unref((uv_handle_t *)b->loop.async);
}

/* The async callback. */
static int drain(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__sched_frame_t frame = nr__sched_leave_task(b);
    if (b->loop.ready_waits) {
        b->loop.ready_waits = 0;
        b->luv.unref((uv_handle_t *)b->loop.async);
    }
    nr__sched_run_ready(L, b);
    nr__sched_return_to_task(b, frame);
    return 0;
}

void nr__loop_wake(nr__bridge_t *b) {
    b->loop.ready_waits = 1;
    b->luv.ref((uv_handle_t *)b->loop.async);
    b->luv.async_send(b->loop.async);
}

void nr__loop_open(lua_State *L, nr__bridge_t *b, int bridge) {
    lua_pushvalue(L, bridge);
    lua_pushcclosure(L, drain, 1);
    b->loop.drain = luaL_ref(L, LUA_REGISTRYINDEX);
    open_async(L, b);
}
