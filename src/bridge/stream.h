/* Streams as Lua holds them. See stream.c. */
#ifndef NYLON_RING_STREAM_H
#define NYLON_RING_STREAM_H

#include "turn.h"

/* NR_EVENT_READABLE. */
void nr__stream_take(lua_State *L, struct nr__bridge *b, nr__delivery_t *delivery);

void nr__stream_open(lua_State *L, struct nr__bridge *b, int bridge);

/* Closes every stream, before the worker is closed. */
void nr__stream_close_all(struct nr__bridge *b);

#endif
