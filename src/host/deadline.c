#define _GNU_SOURCE /* uv.h needs it in strict C11 */

#include "deadline.h"

#include <stdlib.h>

#include <uv.h>

#include "memory.h"
#include "pending.h"
#include "worker.h"

uint64_t nr__now(void) {
    return uv_hrtime() / 1000000;
}

uint64_t nr__due_in(uint64_t ms) {
    uint64_t now;

    if (ms == 0) {
        return NR__NEVER;
    }
    now = nr__now() + 1; /* the present millisecond has partly passed */
    return ms >= NR__NEVER - now ? NR__NEVER : now + ms;
}

static void sift_up(nr__due_t *heap, size_t i, nr__due_t entry) {
    while (i > 0 && heap[(i - 1) / 4].due > entry.due) {
        heap[i] = heap[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    heap[i] = entry;
}

static void sift_down(nr__due_t *heap, size_t len, size_t i, nr__due_t entry) {
    for (;;) {
        size_t child = 4 * i + 1, end = child + 4 < len ? child + 4 : len, least = child;

        if (child >= len) {
            break;
        }
        for (size_t c = child + 1; c < end; c++) {
            least = heap[c].due < heap[least].due ? c : least;
        }
        if (heap[least].due >= entry.due) {
            break;
        }
        heap[i] = heap[least];
        i = least;
    }
    heap[i] = entry;
}

static nr__due_t heap_pop(nr__deadlines_t *deadlines) {
    nr__due_t first = deadlines->heap[0], last = deadlines->heap[--deadlines->len];

    sift_down(deadlines->heap, deadlines->len, 0, last);
    return first;
}

/* The cold half of the call that the entry is about, or NULL when the entry is stale. */
static nr__cold_t *entry_cold(const nr__due_t *entry) {
    nr__slot_t *slot = nr__slot_find(entry->sid);
    nr__cold_t *cold = nr__slot_cold(slot);

    return nr__slot_identity(nr__slot_word(slot)) == (entry->sid & (UINT64_MAX >> 8)) &&
                   cold->queued == entry->due
               ? cold
               : NULL;
}

/* Throws stale entries out when they are the most of a heap that is not small. */
static void pack(nr__deadlines_t *deadlines) {
    size_t kept = 0;

    if (deadlines->stale < 64 || deadlines->stale * 2 < deadlines->len) {
        return;
    }
    for (size_t i = 0; i < deadlines->len; i++) {
        if (entry_cold(&deadlines->heap[i]) != NULL) {
            deadlines->heap[kept++] = deadlines->heap[i];
        }
    }
    deadlines->len = kept;
    deadlines->stale = 0;
    for (size_t i = kept / 4 + 1; i-- > 0 && kept > 0;) {
        sift_down(deadlines->heap, kept, i, deadlines->heap[i]);
    }
}

/* When the loop's timer has to come; NR__NEVER: not at all. */
static uint64_t next_due(const nr__deadlines_t *deadlines) {
    uint64_t due = deadlines->len > 0 ? deadlines->heap[0].due : NR__NEVER;

    return deadlines->timers != NULL && deadlines->timers->due < due ? deadlines->timers->due : due;
}

/* Sets the loop's timer to the next deadline. One that is armed too early is left: it comes, finds
 * nothing and sets it anew. */
static void arm(nr_worker_t *worker) {
    nr__deadlines_t *deadlines = &worker->deadlines;
    uint64_t due = next_due(deadlines), now;

    if (due >= deadlines->armed) {
        return;
    }
    deadlines->armed = due;
    now = nr__now();
    worker->loop.set_timer(worker->loop.ctx, due > now ? due - now : 0);
}

static void heap_push(nr__deadlines_t *deadlines, uint64_t due, uint64_t sid) {
    nr__due_t entry = {due, sid};

    pack(deadlines);
    if (deadlines->len == deadlines->cap) {
        deadlines->cap = deadlines->cap == 0 ? 64 : deadlines->cap * 2;
        deadlines->heap =
            nr__must_realloc(deadlines->heap, deadlines->cap * sizeof *deadlines->heap);
    }
    sift_up(deadlines->heap, deadlines->len++, entry);
}

void nr__deadline_set(nr_worker_t *worker, uint64_t sid, uint64_t due) {
    nr__cold_t *cold = nr__slot_cold(nr__slot_find(sid));

    cold->due = due;
    if (due >= cold->queued) {
        return; /* the entry comes up sooner and is queued again then */
    }
    worker->deadlines.stale += cold->queued != NR__NEVER;
    cold->queued = due;
    heap_push(&worker->deadlines, due, sid);
    arm(worker);
}

void nr__deadline_clear(nr_worker_t *worker, nr__cold_t *cold) {
    if (cold->queued != NR__NEVER) {
        worker->deadlines.stale++;
        cold->queued = NR__NEVER;
    }
    cold->due = NR__NEVER;
}

void nr__worker_after(nr_worker_t *worker, uint64_t ms, nr__timer_t *timer) {
    nr__timer_t **place = &worker->deadlines.timers, *previous = NULL;

    timer->due = ms > 0 ? nr__due_in(ms) : nr__now() + 1; /* a long one must not wrap */
    while (*place != NULL && (*place)->due <= timer->due) {
        previous = *place;
        place = &previous->next;
    }
    timer->previous = previous;
    timer->next = *place;
    if (timer->next != NULL) {
        timer->next->previous = timer;
    }
    *place = timer;
    timer->set = 1;
    arm(worker);
}

void nr__worker_after_cancel(nr_worker_t *worker, nr__timer_t *timer) {
    if (!timer->set) {
        return;
    }
    timer->set = 0;
    if (timer->previous != NULL) {
        timer->previous->next = timer->next;
    } else {
        worker->deadlines.timers = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->previous = timer->previous;
    }
}

/* The first entry of the heap is due. */
static void fire_call(nr_worker_t *worker, uint64_t now) {
    nr__due_t entry = heap_pop(&worker->deadlines);
    nr__cold_t *cold = entry_cold(&entry);

    if (cold == NULL) {
        worker->deadlines.stale -= worker->deadlines.stale > 0;
        return;
    }
    cold->queued = NR__NEVER;
    if (cold->due <= now) {
        nr__pending_time_out(worker, entry.sid);
    } else if (cold->due != NR__NEVER) {
        cold->queued = cold->due;
        heap_push(&worker->deadlines, cold->due, entry.sid);
    }
}

void nr_worker_timer(nr_worker_t *worker) {
    nr__deadlines_t *deadlines = &worker->deadlines;
    uint64_t now = nr__now();

    deadlines->armed = NR__NEVER;
    while (deadlines->len > 0 && deadlines->heap[0].due <= now) {
        fire_call(worker, now);
    }
    while (deadlines->timers != NULL && deadlines->timers->due <= now) {
        nr__timer_t *timer = deadlines->timers;
        nr__worker_after_cancel(worker, timer);
        timer->fire(timer);
    }
    arm(worker);
    nr__worker_update(worker);
}

void nr__deadlines_free(nr__deadlines_t *deadlines) {
    free(deadlines->heap);
    deadlines->heap = NULL;
    deadlines->len = deadlines->cap = 0;
}
