/*
 * Retiring: how an image leaves a worker, after its plugin was unloaded or reloaded.
 *
 *     loop     draining ──idle, or grace over──▶ ·······▶ parked memory freed, ·······▶ report
 *                                         │      ▲        verdict: close or leave ▲
 *     helper                              └─ shutdown ────┘          └── dlclose ─┘
 *
 * The helper thread runs what may block (shutdown, static destructors), the loop decides. Where the
 * helper does not come back within its limit, the loop reports that and parts from it.
 */
#ifndef NR__RETIRE_H
#define NR__RETIRE_H

#include "plugin.h"

/* Prepared before anything is changed, so that an unload that began can not fail any more. */
typedef struct nr__retire nr__retire_t;

/* NULL: NO_MEMORY. [loop] */
nr__retire_t *nr__retire_new(nr_worker_t *worker, void *user, nr_error_t *err);

/* Frees what was not begun. [loop] */
void nr__retire_free(nr__retire_t *retire);

/* Closes the lane to new calls and lets its image go as drawn above; an NR_EVENT_UNLOADED with
 * `user` will come. [loop] */
void nr__retire_begin(nr__retire_t *retire, nr__lane_t *lane, uint64_t grace_ms);

/* Shuts down every image that is retiring, without further grace, and waits for all of them at most
 * the limit of one shutdown. No events come. [loop] */
void nr__retire_all(nr_worker_t *worker);

#endif
