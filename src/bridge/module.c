/* The module nylon_ring.core: one bridge a Lua state, however often the module is opened. */
#include "bridge.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nylon_ring/nr_crash.h>

#include "call.h"
#include "failure.h"
#include "inspect.h"
#include "plugin.h"
#include "stream.h"
#include "trace.h"
#include "turn.h"
#include "unload.h"

static const char core_key;

static void *as_light(const char *value) {
    return (void *)(uintptr_t)value;
}

void nr__bridge_set_ref(lua_State *L, int *ref, int index) {
    luaL_unref(L, LUA_REGISTRYINDEX, *ref);
    *ref = LUA_NOREF;
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TFUNCTION);
    lua_pushvalue(L, index);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void nr__bridge_register(lua_State *L, int bridge, const luaL_Reg *functions) {
    for (; functions->name; functions++) {
        lua_pushvalue(L, bridge);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, -2, functions->name);
    }
}

/* core.home(prefix): the source prefix of our own Lua files, which misuse is not blamed on. */
static int core_home(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    snprintf(b->home, sizeof b->home, "%s", luaL_checkstring(L, 1));
    return 0;
}

/* Gives everything up and closes the worker. The Lua state may be closing: touches no Lua value. */
static void close_worker(nr__bridge_t *b) {
    if (!b->worker)
        return;
    nr__stream_close_all(b);
    nr__fast_close(b);
    nr_worker_close(b->worker);
    b->worker = NULL;
    b->fast.closed = 1;
    nr__plugin_close(b);
}

static int collect_bridge(lua_State *L) {
    nr__bridge_t *b = lua_touserdata(L, 1);
    close_worker(b);
    nr__task_close_all(b);
    nr__luv_close(b);
    return 0;
}

/* core.close(): gives up what is open and drops the plugins, for good.
 * Unload plugins first to drain them. */
static int core_close(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    if (b->worker) {
        close_worker(b);
        nr__loop_close(b);
    }
    return 0;
}

static int core_abandoned(lua_State *L) {
    lua_pushnumber(L, (lua_Number)nr_host_abandoned());
    return 1;
}

static int core_pending(lua_State *L) {
    const nr__bridge_t *b = nr__bridge_self(L);
    lua_pushnumber(L, b->worker ? (lua_Number)nr_worker_pending(b->worker) : 0);
    return 1;
}

/* core.report_crashes(): on what standard error is now, wherever descriptor 2 leads later. */
static int core_report_crashes(lua_State *L) {
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)L;
    if (fd >= 0)
        nr_report_crashes(fd);
    return 0;
}

static int core_status_name(lua_State *L) {
    lua_pushstring(L, nr_status_name((NrStatus)luaL_checknumber(L, 1)));
    return 1;
}

/* core.utf8_prefix(text, from): how many bytes from there on are whole characters of UTF-8. */
static int core_utf8_prefix(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    size_t at = (size_t)luaL_optinteger(L, 2, 1) - 1;
    luaL_argcheck(L, at <= len, 2, "position in the text expected");
    lua_pushnumber(L, (lua_Number)nr_utf8_prefix((const uint8_t *)text + at, len - at));
    return 1;
}

/* core.refs(): the registry references that tasks and unfinished unloads hold; calls and streams
 * hold none. */
static int core_refs(lua_State *L) {
    const nr__bridge_t *b = nr__bridge_self(L);
    lua_pushnumber(L, (lua_Number)b->sched.alive + b->unloads);
    return 1;
}

/* Pushes a bridge whose memory is cleared; everything that it owns goes with it. */
static nr__bridge_t *new_bridge(lua_State *L) {
    nr__bridge_t *b = lua_newuserdata(L, sizeof *b);
    memset(b, 0, sizeof *b);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, collect_bridge);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return b;
}

static void open_module(lua_State *L) {
    static const luaL_Reg functions[] = {{"abandoned", core_abandoned},
                                         {"close", core_close},
                                         {"home", core_home},
                                         {"pending", core_pending},
                                         {"refs", core_refs},
                                         {"report_crashes", core_report_crashes},
                                         {"status_name", core_status_name},
                                         {"utf8_prefix", core_utf8_prefix},
                                         {NULL, NULL}};
    nr__bridge_t *b = new_bridge(L);
    int bridge = lua_gettop(L);
    lua_newtable(L);
    nr__bridge_register(L, bridge, functions);
    lua_pushstring(L, nr_version());
    lua_setfield(L, -2, "version");
    nr__failure_open(L, b);
    nr__luv_open(L, b, bridge);
    nr__sched_open(L, b, bridge);
    nr__turn_open(L, b, bridge);
    nr__loop_open(L, b, bridge);
    nr__fast_open(L, b);
    nr__plugin_open(L, b, bridge);
    nr__unload_open(L, b, bridge);
    nr__inspect_open(L, b, bridge);
    nr__call_open(L, b, bridge);
    nr__stream_open(L, b, bridge);
    nr__trace_open(L, b, bridge);
}

__attribute__((visibility("default"))) int luaopen_nylon_ring_core(lua_State *L);

int luaopen_nylon_ring_core(lua_State *L) {
    lua_pushlightuserdata(L, as_light(&core_key));
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1))
        return 1;
    open_module(L);
    lua_pushlightuserdata(L, as_light(&core_key));
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
    return 1;
}
