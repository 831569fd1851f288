/*
 * Unloading and reloading. Both begin at once and end with a report: a userdata that the registry
 * keeps until the report is there, and that a task may wait for. A task that is cancelled meanwhile
 * stops waiting; the unload goes on.
 */
#include "unload.h"

#include "bridge.h"
#include "failure.h"
#include "plugin.h"
#include "suspend.h"

typedef struct nr__unload {
    nr_plugin_t *gone; /* no longer exists then; NULL: a reload */
    nr__task_t *task;  /* that waits, or NULL */
    int self;          /* registry reference until the report is there */
    int done;
    nr_unload_report_t report;
} nr__unload_t;

static void push_report(lua_State *L, const nr_unload_report_t *report) {
    lua_createtable(L, 0, 5);
    lua_pushboolean(L, report->unmapped);
    lua_setfield(L, -2, "unmapped");
    lua_pushnumber(L, (lua_Number)report->completed);
    lua_setfield(L, -2, "completed");
    lua_pushnumber(L, (lua_Number)report->owed);
    lua_setfield(L, -2, "owed");
    if (report->error != 0) {
        lua_pushstring(L, nr_error_code(report->error));
        lua_setfield(L, -2, "error");
    }
    if (report->reason[0]) {
        lua_pushstring(L, report->reason);
        lua_setfield(L, -2, "reason");
    }
}

void nr__unload_take(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    nr__unload_t *unload = delivery->event.user;
    unload->done = 1;
    unload->report = delivery->event.report;
    if (unload->gone)
        nr__plugin_gone(b, unload->gone);
    b->unloads--;
    lua_rawgeti(L, LUA_REGISTRYINDEX, unload->self); /* alive until the end of this function */
    luaL_unref(L, LUA_REGISTRYINDEX, unload->self);
    if (!unload->task)
        return;
    delivery->task = unload->task;
    unload->task = NULL;
    push_report(L, &unload->report);
    delivery->values = 1;
}

static void give_up(nr__bridge_t *b, nr__task_t *task) {
    (void)b;
    task->unload->task = NULL;
    task->unload = NULL;
}

/* Pushes a record that the registry keeps. */
static nr__unload_t *new_unload(lua_State *L, nr__bridge_t *b) {
    nr__unload_t *unload = nr__plugin_new_object(L, sizeof *unload, b->unload_meta);
    lua_pushvalue(L, -1);
    unload->self = luaL_ref(L, LUA_REGISTRYINDEX);
    return unload;
}

/* The record is on top: returns it, or nil and an Error when the start failed. */
static int started(lua_State *L, nr__bridge_t *b, const nr__handle_t *handle, nr__unload_t *unload,
                   int rc, const nr_error_t *err) {
    if (rc == 0) {
        b->unloads++;
        return 1;
    }
    luaL_unref(L, LUA_REGISTRYINDEX, unload->self);
    return nr__failure_return(L, b, err, handle->name);
}

static int is_gone(lua_State *L, nr__bridge_t *b, const nr__handle_t *handle) {
    nr__fast_unloaded(&b->fast, handle);
    return nr__failure_return(L, b, &b->fast.err, handle->name);
}

/* core.unload(handle, grace): a record for core.await_unload, or nil, Error. */
static int core_unload(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    uint64_t grace = (uint64_t)luaL_checknumber(L, 2);
    nr_error_t err;
    if (!handle->plugin)
        return is_gone(L, b, handle);
    nr__unload_t *unload = new_unload(L, b);
    unload->gone = handle->plugin;
    int rc = nr_plugin_unload(handle->plugin, grace, unload, &err);
    return started(L, b, handle, unload, rc, &err);
}

/* core.reload(handle, path, grace): the same; the new image answers from now on. */
static int core_reload(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    const char *path = luaL_optstring(L, 2, NULL);
    uint64_t grace = (uint64_t)luaL_checknumber(L, 3);
    nr_error_t err;
    if (!handle->plugin)
        return is_gone(L, b, handle);
    nr__unload_t *unload = new_unload(L, b);
    int rc = nr_plugin_reload(handle->plugin, path, grace, unload, &err);
    return started(L, b, handle, unload, rc, &err);
}

/* core.await_unload(record, handle, text): suspends until the report is there, and returns it. */
static int core_await_unload(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__unload_t *unload = nr__plugin_check_object(L, 1, b->unload_meta, "unload expected");
    if (unload->done) {
        push_report(L, &unload->report);
        return 1;
    }
    nr__task_t *task = nr__suspend_task(L, b);
    unload->task = task;
    task->unload = unload;
    task->give_up = give_up;
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    lua_remove(L, 1);
    return nr__suspend(L, 3);
}

void nr__unload_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {{"await_unload", core_await_unload},
                                         {"reload", core_reload},
                                         {"unload", core_unload},
                                         {NULL, NULL}};
    b->unload_meta = nr__plugin_new_meta(L, bridge, NULL);
    nr__bridge_register(L, bridge, functions);
}
