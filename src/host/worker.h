/*
 * A worker: one loop's calls, events, deadlines and plugins. Everything here belongs to the loop's
 * thread; other threads reach it through its mailbox only.
 *
 *     mailbox ──detach──▶ batch ─────┐      batch: slots and jobs, the worker's own until each one
 *     ends, ready, emitted ──────────┴─▶ nr_worker_next          is taken, also by a nested next
 *
 *     ends     calls that the host ended (timeout, unload): one line each
 *     ready    streams that somebody waits for and that have something
 *     emitted  events that others made: unloads, logs
 */
#ifndef NR__WORKER_H
#define NR__WORKER_H

#include "deadline.h"
#include "ended.h"
#include "frame.h"
#include "mailbox.h"
#include "plugin.h"
#include "slab.h"

/* ---- For the rest of the core ---- */

/* Where another thread sends jobs: good for ever, also when the worker is gone. */
typedef struct nr__address {
    nr__mailbox_t *box;
    uint64_t epoch;
} nr__address_t;

/* Work for a worker's loop; embedded in its data. `run` owns the job from then on. `worker` is NULL
 * when the worker closed before it came to the job: clean up only. [loop] */
typedef struct nr__job {
    nr__mail_t mail;
    void (*run)(struct nr__job *job, nr_worker_t *worker);
} nr__job_t;

nr__address_t nr__worker_address(const nr_worker_t *worker);

/* Runs the job in nr_worker_next on the worker's loop. 0, or LOOP_CLOSED: the worker is gone and
 * the job stays the caller's. [any thread] */
int nr__worker_post(nr__address_t to, nr__job_t *job);

/* An event to come; embedded in, or followed by, what it points to. */
typedef struct nr__event {
    struct nr__event *next;
    nr_event_t event;
    void (*free)(struct nr__event *self); /* called at the next nr_worker_next after it was given
                                             out, or when the worker closes */
} nr__event_t;

/* Queues an event; the worker owns it. [loop] */
void nr__worker_emit(nr_worker_t *worker, nr__event_t *event);

/* Calls `timer->fire` on the loop after `ms`, in nr_worker_timer. The node stays the caller's; it
 * must not be set twice. Taking it back is allowed at any time. [loop] */
void nr__worker_after(nr_worker_t *worker, uint64_t ms, nr__timer_t *timer);
void nr__worker_after_cancel(nr_worker_t *worker, nr__timer_t *timer);

/* Completes everything that is open on the lane with this error; their events come. Plugins are
 * told as after a timeout. Answers how many. [loop] */
uint64_t nr__worker_give_up_lane(nr_worker_t *worker, nr__lane_t *lane, int error);

/* Frees what given-up calls of this image keep for its plugin (leases, state values), after its
 * shutdown has returned. [loop] */
void nr__worker_release_parked(nr_worker_t *worker, const nr__image_t *image);

/* To be called after anything that changes nr_worker_pending: tells the loop whether it must stay
 * alive. [loop] */
void nr__worker_update(nr_worker_t *worker);

/* ---- For worker.c, pending.c, stream.c ---- */

struct nr_worker {
    nr__slab_t *slab; /* outlives the worker */
    uint64_t epoch;   /* which worker of its slab it is */
    nr_loop_t loop;
    size_t open; /* calls and streams */
    int alive;   /* what the loop was told */

    uintptr_t batch; /* detached mail, oldest first */
    nr__ends_t ends;
    struct nr_stream *ready, *ready_last;
    nr__event_t *emitted, *emitted_last;
    nr__event_t *given; /* what the last nr_worker_next gave out */

    struct nr_stream *streams; /* all, so that closing can part from them */
    nr__frames_t frames;       /* spare nodes for frames that are sent inside `handle` */
    nr__deadlines_t deadlines;
    nr__plugins_t plugins;
};

/* Queues the end of a call. [loop] */
void nr__worker_ended(nr_worker_t *worker, void *user, uint64_t sid, int error);

/* Takes the queued end of a call back: 1 when there was one. [loop] */
int nr__worker_forget_ended(nr_worker_t *worker, uint64_t sid);

#endif
