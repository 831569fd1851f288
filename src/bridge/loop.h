/* The bridge's handles on luv's loop. See loop.c. */
#ifndef NYLON_RING_LOOP_H
#define NYLON_RING_LOOP_H

#include <lua.h>
#include <uv.h>

struct nr__bridge;

typedef struct nr__loop {
    uv_async_t *async; /* owned by its luv userdata, which the registry keeps */
    int drain;         /* registry reference of the function that serves a turn of the loop */
    int ready_waits;   /* the loop has to come round for the ready queue */
} nr__loop_t;

void nr__loop_open(lua_State *L, struct nr__bridge *b, int bridge);

/* Has the loop come round once more, and keeps it alive until then. */
void nr__loop_wake(struct nr__bridge *b);

#endif
