/*
 * Deadlines: a heap of (due, sid) for calls and a sorted list of named timers, behind the one timer
 * of a worker's loop.
 *
 * A call's entry is not taken out when the call finishes: an entry counts only while its slot's
 * `queued` still names its time, and when too many are stale the heap is packed. A deadline that
 * moves later keeps its entry, which is queued again when it comes up. [loop]
 */
#ifndef NR__DEADLINE_H
#define NR__DEADLINE_H

#include <stddef.h>
#include <stdint.h>

#include <nylon_ring/host.h>

#define NR__NEVER UINT64_MAX

struct nr__cold;

typedef struct nr__timer {
    void (*fire)(struct nr__timer *timer);
    uint64_t due;
    struct nr__timer *previous, *next;
    int set;
} nr__timer_t;

typedef struct nr__due {
    uint64_t due, sid;
} nr__due_t;

typedef struct nr__deadlines {
    nr__due_t *heap;
    size_t len, cap;
    size_t stale;        /* entries that no longer count, at most */
    nr__timer_t *timers; /* earliest first */
    uint64_t armed;      /* when the loop's timer is due; NR__NEVER: it is stopped */
} nr__deadlines_t;

/* Monotonic milliseconds. [any thread] */
uint64_t nr__now(void);

/* The time `ms` from now, never early; NR__NEVER for 0. [any thread] */
uint64_t nr__due_in(uint64_t ms);

/* Makes `due` (NR__NEVER: none) the deadline of the open call `sid`. [loop] */
void nr__deadline_set(nr_worker_t *worker, uint64_t sid, uint64_t due);

/* The call is over: its entry, if it has one, is stale. [loop] */
void nr__deadline_clear(nr_worker_t *worker, struct nr__cold *cold);

void nr__deadlines_free(nr__deadlines_t *deadlines);

#endif
