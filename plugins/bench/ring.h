/* A bounded queue of waiting calls between many callers of handle and one answering thread.
 *
 * Each cell carries a ticket that says whose turn it is: equal to the position, the cell is free
 * for that producer; one more, it is full for the consumer. Neither side takes a lock or allocates.
 * Source of the algorithm: Dmitry Vyukov, "Bounded MPMC queue" (1024cores). */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_CELLS (1u << 17) /* above the most calls that a benchmark keeps in flight */

typedef struct ring_item {
    uint64_t sid;
    uint64_t len; /* of the answer */
} ring_item_t;

typedef struct ring_cell {
    _Atomic uint64_t ticket;
    ring_item_t item;
} ring_cell_t;

typedef struct ring {
    ring_cell_t *cells;
    _Alignas(64) _Atomic uint64_t head; /* next to be filled: producers */
    _Alignas(64) uint64_t tail;         /* next to be taken: the consumer alone */
} ring_t;

/* false: no memory. */
bool ring_init(ring_t *ring);
void ring_deinit(ring_t *ring);

/* false: full. [any thread] */
bool ring_push(ring_t *ring, ring_item_t item);

/* false: empty. [the one consumer] */
bool ring_pop(ring_t *ring, ring_item_t *item);

#endif
