/* Unloading and reloading. See unload.c. */
#ifndef NYLON_RING_UNLOAD_H
#define NYLON_RING_UNLOAD_H

#include "turn.h"

/* NR_EVENT_UNLOADED. */
void nr__unload_take(lua_State *L, struct nr__bridge *b, nr__delivery_t *delivery);

void nr__unload_open(lua_State *L, struct nr__bridge *b, int bridge);

#endif
