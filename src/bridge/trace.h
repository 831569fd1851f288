/* What is recorded of a plugin's ABI, as tables. See trace.c. */
#ifndef NYLON_RING_BRIDGE_TRACE_H
#define NYLON_RING_BRIDGE_TRACE_H

#include <lua.h>

struct nr__bridge;

void nr__trace_open(lua_State *L, struct nr__bridge *b, int bridge);

#endif
