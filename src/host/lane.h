/*
 * A lane: one image as one worker sees it. Its counters belong to the worker's loop, so that a call
 * touches no counter that another thread writes.
 *
 * A lane is never freed: a late result on any thread may still compare `image` of the lane that its
 * slot remembers. `worker` and `image` are constant; everything else is for the loop only.
 */
#ifndef NR__LANE_H
#define NR__LANE_H

#include "image.h"

typedef struct nr__lane {
    nr_worker_t *worker; /* followed on the loop only: it is freed before the lane */
    nr__image_t *image;

    /* Counted when a call starts, and when it has finished in one of four ways: `ok` (a result with
     * a status that is no failure), `errors` (any other status, a refused handle, an end by the
     * host that is not named here), `cancelled`, `timeouts`. [loop] */
    uint64_t calls, ok, errors, cancelled, timeouts;
    uint32_t in_flight; /* started and not finished */

    int closed; /* new calls are refused with PLUGIN_UNLOADED: an unload or a reload is under way */

    /* Set while retiring: called when in_flight has become 0, at the end of whatever finished the
     * last call, at most once (whoever calls it clears it first). It may start threads and set
     * timers, but calls no plugin. */
    void (*on_idle)(struct nr__lane *lane);
    void *owner;

    struct nr__lane *older; /* of the same plugin, before a reload: its counters count on */
    struct nr__lane *next;  /* of the same image */
} nr__lane_t;

#endif
