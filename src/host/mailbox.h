/*
 * A mailbox: how any thread hands something to the thread of a loop.
 *
 *     any thread ── post ──▶ head ─▶ newest ─▶ ... ─▶ oldest        lock-free
 *     loop       ── detach ─────────▶ the whole chain, oldest first
 *
 * A post wakes the loop only if the box was empty and the loop has said that it is about to sleep.
 * Waking and closing exclude each other by a lock that is held around `nr_loop_t.wake` alone.
 *
 * A mailbox belongs to a worker's id, not to the worker: it is never freed, so that a thread may
 * post at any time, also after the loop is gone. What arrives then waits for the id's next worker.
 */
#ifndef NR__MAILBOX_H
#define NR__MAILBOX_H

#include <stdatomic.h>
#include <stdint.h>

#include <nylon_ring/host.h>

/* What a piece of mail is part of: the two lowest bits of its link. */
enum { NR__MAIL_SLOT = 0, NR__MAIL_JOB = 1, NR__MAIL_KINDS = 3 };

/* A piece of mail is embedded in what it announces, and is in one box at most. */
typedef struct nr__mail {
    uintptr_t next; /* address of the next one, with that one's kind; 0: the last */
} nr__mail_t;

struct nr__gate; /* the loop to wake, under a lock; freed never, as the box */

typedef struct nr__mailbox {
    _Alignas(64) _Atomic uintptr_t head; /* newest; 0: empty */
    atomic_int sleeping;                 /* the loop waits, or is about to */
    struct nr__gate *gate;
} nr__mailbox_t;

/* 0 or NO_MEMORY. The box starts closed. [any thread] */
int nr__mailbox_init(nr__mailbox_t *box);

/* Opens it for a new worker and answers which one of this box that is; or closes it: after the
 * return `wake` is not called any more. [loop] */
uint64_t nr__mailbox_open(nr__mailbox_t *box, const nr_loop_t *loop);
void nr__mailbox_close(nr__mailbox_t *box);

/* Adds `mail`, which stays the receiver's until it was detached. [any thread] */
void nr__mailbox_post(nr__mailbox_t *box, nr__mail_t *mail, uintptr_t kind);

/* As above, but only while the worker of this epoch has its box open: 0, else LOOP_CLOSED and
 * `mail` stays the caller's. [any thread] */
int nr__mailbox_post_to(nr__mailbox_t *box, uint64_t epoch, nr__mail_t *mail, uintptr_t kind);

/* Takes everything, oldest first; 0 when there is nothing. [loop] */
uintptr_t nr__mailbox_detach(nr__mailbox_t *box);

/* Says that the loop is about to wait. 1: there is mail, it must not; 0: it will be woken. [loop]
 */
int nr__mailbox_sleep(nr__mailbox_t *box);

/* Takes that back. [loop] */
static inline void nr__mailbox_awake(nr__mailbox_t *box) {
    atomic_store_explicit(&box->sleeping, 0, memory_order_relaxed);
}

static inline nr__mail_t *nr__mail_of(uintptr_t link) {
    return (nr__mail_t *)(link & ~(uintptr_t)NR__MAIL_KINDS);
}

#endif
