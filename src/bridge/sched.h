/* Starting, suspending and resuming tasks. See sched.c. */
#ifndef NYLON_RING_SCHED_H
#define NYLON_RING_SCHED_H

#include <lua.h>
#include <stdint.h>

#include "task.h"

struct nr__bridge;

typedef struct nr__sched {
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

/* Puts the `values` on top of L on the stack of a waiting task. */
void nr__sched_hand_over(lua_State *L, nr__task_t *task, int values);

/* Resumes a task that got what it waits for, and then what is ready. Where no resume is under way
 * and the caller is protected. */
void nr__sched_run(lua_State *L, struct nr__bridge *b, nr__task_t *task);

/* Resumes a task that got what it waits for: at once outside of tasks, else as soon as the
 * outermost resume returns. `L` is the state of the C function that runs. Does not fail because the
 * task does. */
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
