/* Hands what has finished to the tasks that wait for it. See turn.c. */
#ifndef NYLON_RING_TURN_H
#define NYLON_RING_TURN_H

#include <lua.h>
#include <nylon_ring/host.h>

#include "sched.h"

struct nr__bridge;

/* One event in hand. Whoever pushes for a task first says which one it is, so that the task still
 * gets something when memory runs out on the way. */
typedef struct nr__delivery {
    nr_event_t event; /* its `result` is released however the delivery ends */
    nr__task_t *task; /* gets `values` values on top of the stack; NULL: nobody waits */
    int values;
    int open; /* was taken and not handed over */
} nr__delivery_t;

/* Fetches and hands out what has finished, then runs what is ready. [loop] */
void nr__turn(lua_State *L, struct nr__bridge *b);

/* Adds `on_log` and `log_level` to the module table on top of the stack. */
void nr__turn_open(lua_State *L, struct nr__bridge *b, int bridge);

#endif
