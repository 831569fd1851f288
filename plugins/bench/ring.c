#include "ring.h"

#include <stdlib.h>

bool ring_init(ring_t *ring) {
    ring->cells = calloc(RING_CELLS, sizeof(*ring->cells));
    if (ring->cells == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < RING_CELLS; i++) {
        atomic_store_explicit(&ring->cells[i].ticket, i, memory_order_relaxed);
    }
    atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
    ring->tail = 0;
    return true;
}

void ring_deinit(ring_t *ring) {
    free(ring->cells);
    ring->cells = NULL;
}

bool ring_push(ring_t *ring, ring_item_t item) {
    uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
    for (;;) {
        ring_cell_t *cell = &ring->cells[at % RING_CELLS];
        /* Acquire: pairs with the release in ring_pop, which gave the cell back. */
        uint64_t ticket = atomic_load_explicit(&cell->ticket, memory_order_acquire);
        if (ticket == at) {
            if (atomic_compare_exchange_weak_explicit(&ring->head, &at, at + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                cell->item = item;
                /* Release: the item before the ticket that tells of it. */
                atomic_store_explicit(&cell->ticket, at + 1, memory_order_release);
                return true;
            }
        } else if (ticket < at) {
            return false;
        } else {
            at = atomic_load_explicit(&ring->head, memory_order_relaxed);
        }
    }
}

bool ring_pop(ring_t *ring, ring_item_t *item) {
    ring_cell_t *cell = &ring->cells[ring->tail % RING_CELLS];
    /* Acquire: pairs with the release in ring_push. */
    if (atomic_load_explicit(&cell->ticket, memory_order_acquire) != ring->tail + 1) {
        return false;
    }
    *item = cell->item;
    /* Release: the item is read before the cell is free for the next round. */
    atomic_store_explicit(&cell->ticket, ring->tail + RING_CELLS, memory_order_release);
    ring->tail++;
    return true;
}
