/* The records of tasks. See task.c. */
#ifndef NYLON_RING_TASK_H
#define NYLON_RING_TASK_H

#include <lua.h>
#include <stdint.h>

struct nr__bridge;

typedef enum nr__task_state {
    NR__TASK_FREE,
    NR__TASK_READY,   /* in the ready queue, what it is resumed with is on its stack */
    NR__TASK_RUNNING, /* or waiting for a task that it has started itself and that runs */
    NR__TASK_WAITING  /* suspended; exactly one completion resumes it */
} nr__task_state_t;

typedef struct nr__task {
    lua_State *co;         /* anchored under `slot` as long as the task lives */
    struct nr__task *next; /* in the ready queue or the free list */
    uint32_t slot;
    nr__task_state_t state;
    /* While it waits in the bridge. */
    uint64_t sid;              /* for this call; 0: for none */
    struct nr__reader *reader; /* for a frame of this stream */
    struct nr__unload *unload; /* for the end of this image */
    uint64_t timeout, since;   /* of the wait; loop time */
    /* What it waits for, where C knows: gives that up, so that no completion comes. NULL: Lua
     * knows. */
    void (*give_up)(struct nr__bridge *b, struct nr__task *task);
} nr__task_t;

/* Makes the coroutine at `index` a task. */
nr__task_t *nr__task_new(lua_State *L, struct nr__bridge *b, int index);

/* The task has ended; its coroutine may be collected. */
void nr__task_free(lua_State *L, struct nr__bridge *b, nr__task_t *task);

/* Pushes the task's coroutine. */
void nr__task_push(lua_State *L, const struct nr__bridge *b, const nr__task_t *task);

/* Sets the error that every suspension of the coroutine at `index` raises to the value on top,
 * which is popped; nil for none. */
void nr__task_set_cancel(lua_State *L, struct nr__bridge *b, int index);

/* Pushes that error or nil; and whether there is one. */
void nr__task_push_cancel(lua_State *L, struct nr__bridge *b, const nr__task_t *task);
int nr__task_is_cancelled(lua_State *L, struct nr__bridge *b, const nr__task_t *task);

void nr__task_open(lua_State *L, struct nr__bridge *b);
void nr__task_close_all(struct nr__bridge *b);

#endif
