/* The bridge's handles on luv's loop. See loop.c. */
#ifndef NYLON_RING_LOOP_H
#define NYLON_RING_LOOP_H

#include <lua.h>
#include <stdatomic.h>
#include <uv.h>

struct nr__bridge;

typedef struct nr__loop {
    _Atomic(uv_async_t *) async; /* read by `wake` on any thread */
    uv_prepare_t *prepare;
    uv_check_t *check;
    uv_idle_t *idle; /* active while the loop must not wait */
    uv_timer_t *timer;
    int alive;                                    /* the worker needs the loop */
    int more;                                     /* work was left for the next turn */
    int handles;                                  /* registry reference: all our handles, as keys */
    int on_async, on_prepare, on_check, on_timer; /* registry references: their callbacks */
    int on_reopen;                                /* the same: told when handles were made anew */
    int reopened;                                 /* it is still to be told */
} nr__loop_t;

/* Makes the handles and opens the bridge's worker on them. */
void nr__loop_open(lua_State *L, struct nr__bridge *b, int bridge);

/* Lets the handles be inert, after the worker was closed. luv closes them with its loop: one that
 * is still closing when the Lua state goes would be freed too early by luv. */
void nr__loop_close(struct nr__bridge *b);

/* Makes handles anew that a script has closed. */
void nr__loop_ensure(lua_State *L, struct nr__bridge *b);

/* Has the loop come round once more without waiting, and keeps it alive until then. */
void nr__loop_wake(struct nr__bridge *b);

#endif
