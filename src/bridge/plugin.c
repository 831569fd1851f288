/* Plugins as Lua holds them: a userdata whose pointer becomes NULL when the plugin is gone. */
#include "plugin.h"

#include <string.h>

#include <nylon_ring/nr_trace.h>

#include "bridge.h"
#include "failure.h"
#include "fields.h"
#include "refuse.h"

/* ---- Objects of the bridge -------------------------------------------------------------- */

void *nr__plugin_new_object(lua_State *L, size_t size, int meta) {
    void *object = lua_newuserdata(L, size);
    memset(object, 0, size);
    lua_rawgeti(L, LUA_REGISTRYINDEX, meta);
    lua_setmetatable(L, -2);
    return object;
}

void *nr__plugin_check_object(lua_State *L, int index, int meta, const char *what) {
    void *object = lua_touserdata(L, index);
    int same = 0;
    if (object && lua_getmetatable(L, index)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, meta);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    luaL_argcheck(L, same, index, what);
    return object;
}

int nr__plugin_new_meta(lua_State *L, int bridge, lua_CFunction gc) {
    lua_createtable(L, 0, 2);
    if (gc) {
        lua_pushvalue(L, bridge);
        lua_pushcclosure(L, gc, 1);
        lua_setfield(L, -2, "__gc");
    }
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- Handles ---------------------------------------------------------------------------- */

nr__handle_t *nr__plugin_handle(lua_State *L, nr__bridge_t *b, int index) {
    return nr__plugin_check_object(L, index, b->handle_meta, "plugin expected");
}

static nr__handle_t *new_handle(lua_State *L, nr__bridge_t *b, const char *name) {
    size_t len = strlen(name) + 1;
    nr__handle_t *handle = nr__plugin_new_object(L, sizeof *handle + len, b->handle_meta);
    memcpy(handle->name, name, len);
    handle->next = b->handles;
    handle->previous = &b->handles;
    if (handle->next)
        handle->next->previous = &handle->next;
    b->handles = handle;
    return handle;
}

static int collect_handle(lua_State *L) {
    nr__handle_t *handle = lua_touserdata(L, 1);
    if (!handle->previous)
        return 0;
    *handle->previous = handle->next;
    if (handle->next)
        handle->next->previous = handle->previous;
    if (!handle->plugin && handle->known)
        nr_plugin_trace(handle->known, 0, NULL); /* nobody can read it any more */
    return 0;
}

/* core.load(path, name, abi, trace): a handle, or nil, Error. */
static int core_load(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    const char *path = luaL_checkstring(L, 1);
    nr_load_options_t options = {.name = luaL_optstring(L, 2, NULL),
                                 .abi = (uint32_t)luaL_optinteger(L, 3, 0),
                                 .trace = (size_t)luaL_optnumber(L, 4, 0)};
    nr__handle_t *handle;
    nr_plugin_t *plugin;
    nr_plugin_info_t info;
    nr_error_t err;
    if (!b->worker)
        nr__refuse(L, b, "no plugin can be loaded any more: the program is leaving");
    if (nr_plugin_load(b->worker, path, &options, &plugin, &err) != 0)
        return nr__failure_return(L, b, &err, options.name);
    nr_plugin_info(plugin, &info);
    handle = new_handle(L, b, info.name);
    handle->plugin = handle->known = plugin;
    return 1;
}

/* core.info(handle): a table; nil once the plugin is gone. */
static int core_info(lua_State *L) {
    nr__handle_t *handle = nr__plugin_handle(L, nr__bridge_self(L), 1);
    nr_plugin_info_t info;
    if (!handle->plugin)
        return 0;
    nr_plugin_info(handle->plugin, &info);
    lua_createtable(L, 0, 11);
    nr__set_text(L, "name", info.name);
    nr__set_text(L, "path", info.path);
    nr__set_text(L, "version", info.version);
    nr__set_text(L, "own_name", info.own_name);
    nr__set_text(L, "pinned", info.pinned);
    nr__set_number(L, "abi", info.abi);
    nr__set_number(L, "serial", info.serial);
    nr__set_number(L, "trace", info.trace);
    nr__set_flag(L, "has_cancel", info.has_cancel);
    nr__set_flag(L, "has_writable", info.has_writable);
    nr__set_flag(L, "takes_input", info.takes_input);
    return 1;
}

/* core.stats(handle): a table of numbers; nil once the plugin is gone. */
static int core_stats(lua_State *L) {
    nr__handle_t *handle = nr__plugin_handle(L, nr__bridge_self(L), 1);
    nr_stats_t stats;
    if (!handle->plugin)
        return 0;
    nr_plugin_stats(handle->plugin, &stats);
    lua_createtable(L, 0, 11);
    nr__set_number(L, "calls", stats.calls);
    nr__set_number(L, "ok", stats.ok);
    nr__set_number(L, "errors", stats.errors);
    nr__set_number(L, "in_flight", stats.in_flight);
    nr__set_number(L, "late", stats.late);
    nr__set_number(L, "duplicate", stats.duplicate);
    nr__set_number(L, "unknown", stats.unknown);
    nr__set_number(L, "cancelled", stats.cancelled);
    nr__set_number(L, "timeouts", stats.timeouts);
    nr__set_number(L, "backpressure", stats.backpressure);
    nr__set_number(L, "owed", stats.owed);
    return 1;
}

void nr__plugin_gone(nr__bridge_t *b, const nr_plugin_t *plugin) {
    for (nr__handle_t *handle = b->handles; handle; handle = handle->next) {
        if (handle->plugin == plugin)
            handle->plugin = NULL;
    }
}

void nr__plugin_close(nr__bridge_t *b) {
    for (nr__handle_t *handle = b->handles; handle; handle = handle->next)
        handle->plugin = handle->known = NULL;
}

void nr__plugin_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {
        {"info", core_info}, {"load", core_load}, {"stats", core_stats}, {NULL, NULL}};
    b->handle_meta = nr__plugin_new_meta(L, bridge, collect_handle);
    nr__bridge_register(L, bridge, functions);
}
