/* Tasks: coroutines that the bridge starts and resumes. See sched.c. */
#ifndef NYLON_RING_SCHED_H
#define NYLON_RING_SCHED_H

#include <lua.h>
#include <stddef.h>
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
    /* What it waits for, where C knows: gives that up, so that no completion comes. NULL: Lua
     * knows. */
    void (*give_up)(struct nr__bridge *b, struct nr__task *task);
} nr__task_t;

typedef struct nr__sched {
    nr__task_t *current; /* the task whose code runs, or NULL */
    nr__task_t *ready, **ready_end;
    nr__task_t *free;
    struct nr__task_chunk *chunks;
    uint32_t slots, alive;
    int busy;      /* a resume is under way that will run the ready queue when it returns */
    int depth;     /* resumes inside each other */
    int relaying;  /* coroutine.resume and .wrap hand suspensions on */
    int cancelled; /* how many tasks have an error in `cancels` */
    /* Registry references: tables of coroutines by slot, and of errors by coroutine; functions. */
    int anchors, cancels, on_exit, run;
} nr__sched_t;

/* Adds the functions of this part to the module table on top of the stack. */
void nr__sched_open(lua_State *L, struct nr__bridge *b, int bridge);
void nr__sched_close(struct nr__bridge *b);

/* The running task, when what runs may suspend it. Raises otherwise: a message that names cause and
 * cure, or the error that every suspension of a cancelled task gets. */
nr__task_t *nr__sched_suspendable(lua_State *L, struct nr__bridge *b);

/* Suspends the task that `nr__sched_suspendable` returned: `return nr__sched_yield(L);` */
int nr__sched_yield(lua_State *L);

/* Resumes a waiting task with the values that the caller has put on its otherwise empty stack: at
 * once outside of tasks, else as soon as the outermost resume returns. `L` is the state of the C
 * function that runs. Does not fail because the task does. */
void nr__sched_wake(lua_State *L, struct nr__bridge *b, nr__task_t *task);

/* Runs what is ready, up to a limit; the rest comes in the loop's next turn. */
void nr__sched_run_ready(lua_State *L, struct nr__bridge *b);

/* What is running and whether a resume is under way, while something else runs that is in no task:
 * a callback inside a nested run of the loop. */
typedef struct nr__sched_frame {
    nr__task_t *current;
    int busy, depth;
} nr__sched_frame_t;

nr__sched_frame_t nr__sched_leave_task(struct nr__bridge *b);
void nr__sched_return_to_task(struct nr__bridge *b, nr__sched_frame_t frame);

#endif
