/* Plugins as Lua holds them. See plugin.c. */
#ifndef NYLON_RING_PLUGIN_H
#define NYLON_RING_PLUGIN_H

#include <lua.h>

#include "fast.h"

struct nr__bridge;

/* The handle at `index`; raises on anything else. */
nr__handle_t *nr__plugin_handle(lua_State *L, struct nr__bridge *b, int index);

/* Pushes a new userdata whose metatable is the registry's `meta`; `size` bytes, cleared. */
void *nr__plugin_new_object(lua_State *L, size_t size, int meta);

/* The userdata at `index` if its metatable is the registry's `meta`; raises otherwise. */
void *nr__plugin_check_object(lua_State *L, int index, int meta, const char *what);

/* Makes a metatable with `gc` (or none), which has the bridge as upvalue; a registry reference. */
int nr__plugin_new_meta(lua_State *L, int bridge, lua_CFunction gc);

void nr__plugin_open(lua_State *L, struct nr__bridge *b, int bridge);

/* This plugin no longer exists. */
void nr__plugin_gone(struct nr__bridge *b, const nr_plugin_t *plugin);

/* The worker is gone and all plugins with it. */
void nr__plugin_close(struct nr__bridge *b);

#endif
