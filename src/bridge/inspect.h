/* core.inspect. See inspect.c. */
#ifndef NYLON_RING_INSPECT_H
#define NYLON_RING_INSPECT_H

#include <lua.h>

struct nr__bridge;

/* Adds `inspect` to the module table on top of the stack. */
void nr__inspect_open(lua_State *L, struct nr__bridge *b, int bridge);

#endif
