/*
 * Calls that the host has ended (timeout, unload) and whose events were not fetched: a queue, out
 * of which an end is also taken by its sid, at once however long the queue is. Each end has a
 * number; a slot's cold half names its newest one, and that the one before it. [loop]
 */
#ifndef NR__ENDED_H
#define NR__ENDED_H

#include <stddef.h>
#include <stdint.h>

struct nr__cold;

typedef struct nr__ended {
    void *user;
    uint64_t sid;
    int error;      /* 0: it was taken back */
    uint32_t older; /* number of the end of an earlier use of the slot, while that is queued */
} nr__ended_t;

typedef struct nr__ends {
    nr__ended_t *items;
    size_t first, len, cap; /* those from `first` on are queued, `len` of them */
    size_t live;            /* as many were not taken back */
    uint32_t number;        /* of the first; they wrap */
} nr__ends_t;

/* Queues the end of a call; `cold` is of its slot. */
void nr__ends_push(nr__ends_t *ends, struct nr__cold *cold, const nr__ended_t *ended);

/* Takes a queued end back: 1 when there was one. */
int nr__ends_take_back(nr__ends_t *ends, const struct nr__cold *cold, uint64_t sid);

/* Moves the first one out: 1 when there was one. */
int nr__ends_next(nr__ends_t *ends, nr__ended_t *ended);

void nr__ends_free(nr__ends_t *ends);

#endif
