/* The call in progress: which sid's `handle` runs on this thread. A result for it that comes on the
 * same thread needs neither mailbox nor wake. The only thread-local of the host. */
#ifndef NR__INSIDE_H
#define NR__INSIDE_H

#include "slot.h"

typedef struct nr__inside {
    uint64_t sid;
    nr__slot_t *slot;
    nr__image_t *image;
    nr_worker_t *worker;
    const NrRequest *request; /* the caller's, while `handle` runs */
    struct nr__inside *outer; /* the call in whose `handle` this one was started; mostly NULL */
} nr__inside_t;

extern _Thread_local nr__inside_t *nr__inside;

/* The result was not taken on the short way, and nothing has happened. */
#define NR__LONG_WAY NR_OUTCOME_UNDER_WAY

/* The call in progress if it is this one. [any thread] */
static inline nr__inside_t *nr__inside_of(const nr__image_t *image, uint64_t sid) {
    nr__inside_t *inside = nr__inside;

    return inside != NULL && inside->sid == sid && inside->image == image ? inside : NULL;
}

/* Claims the open slot of the call in progress: the only compare and swap on the way of a result
 * inside `handle`. 0: it has been answered, or another thread is at it. [plugin thread] */
static inline int nr__inside_claim(nr__slot_t *slot, uint64_t *word) {
    *word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    return (*word & (NR__STATE_MASK | NR__CLAIMED)) == NR__OPEN &&
           atomic_compare_exchange_strong_explicit(&slot->word, word, *word | NR__CLAIMED,
                                                   memory_order_acquire, memory_order_relaxed);
}

#endif
