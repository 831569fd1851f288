#define _GNU_SOURCE /* uv.h needs it in strict C11 */

#include "slab.h"

#include <stdlib.h>

#include <uv.h>

#include "deadline.h"

_Atomic(nr__slab_t *) nr__slabs[NR__SLABS];

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t registry; /* of `used` and of writing nr__slabs */

static void init_registry(void) {
    if (uv_mutex_init(&registry) != 0) {
        abort();
    }
}

/* Zeroed memory on a cache line of its own that is never freed. */
static void *line_calloc(size_t size) {
    char *memory = calloc(1, size + 63);

    return memory == NULL ? NULL : (void *)(memory + (-(uintptr_t)memory & 63));
}

static nr__slab_t *new_slab(uint8_t id, int *error) {
    nr__slab_t *slab = line_calloc(sizeof *slab);

    if (slab == NULL || nr__mailbox_init(&slab->mailbox) != 0) {
        *error = NR_E_NO_MEMORY;
        return NULL;
    }
    slab->id = id;
    atomic_store_explicit(&nr__slabs[id], slab, memory_order_release);
    return slab;
}

nr__slab_t *nr__slab_acquire(int *error) {
    nr__slab_t *slab = NULL;

    *error = NR_E_TOO_MANY_CALLS;
    uv_once(&once, init_registry);
    uv_mutex_lock(&registry);
    for (unsigned id = 0; id < NR__SLABS; id++) {
        slab = atomic_load_explicit(&nr__slabs[id], memory_order_relaxed);
        if (slab == NULL) {
            slab = new_slab((uint8_t)id, error);
            break;
        }
        if (!slab->used) {
            break;
        }
        slab = NULL;
    }
    if (slab != NULL) {
        slab->used = 1;
    }
    uv_mutex_unlock(&registry);
    return slab;
}

void nr__slab_release(nr__slab_t *slab) {
    uv_mutex_lock(&registry);
    slab->used = 0;
    uv_mutex_unlock(&registry);
}

void nr__slab_keep(nr__slab_t *slab, nr__slot_t *slot) {
    /* `forget` takes one generation more than a use. */
    if (nr__slot_generation(nr__slot_word(slot)) >= NR__GENERATION_MAX - 2) {
        return;
    }
    slot->mail.next = 0;
    if (slab->owing != NULL) {
        slab->owing_last->mail.next = (uintptr_t)slot;
    } else {
        slab->owing = slot;
    }
    slab->owing_last = slot;
    slab->owing_len++;
}

/* Makes a slot that was kept fit for another use. The generation that it gets is no sid's: it lets
 * the owed result find that its use is over, and look at what the image has forgotten. */
static void forget(nr__slot_t *slot) {
    nr__lane_t *lane = atomic_load_explicit(&nr__slot_cold(slot)->lane, memory_order_relaxed);
    uint64_t word = nr__slot_word(slot);

    /* Claimed meanwhile: the owed result comes before all of this, or after it. */
    if (nr__slot_state(word) != NR__DROPPED ||
        !atomic_compare_exchange_strong_explicit(&slot->word, &word, word | NR__CLAIMED,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return; /* it was paid */
    }
    atomic_fetch_add_explicit(&lane->image->forgotten, 1, memory_order_relaxed);
    /* Releases the above to whoever finds the generation. */
    nr__slot_unclaim(slot, nr__slot_step(word, NR__IN_FORGET) + (UINT64_C(1) << 28));
}

static nr__slot_t *take_owing(nr__slab_t *slab) {
    nr__slot_t *slot = slab->owing;

    slab->owing = (nr__slot_t *)slot->mail.next;
    slab->owing_len--;
    forget(slot);
    return slot;
}

/* A slot that was never used, or NULL as below. */
static nr__slot_t *take_fresh(nr__slab_t *slab, int *error) {
    uint32_t index = slab->fresh;
    nr__chunk_t *chunk;
    nr__slot_t *slot;

    if (index == NR__SLAB_SLOTS) {
        *error = NR_E_TOO_MANY_CALLS;
        return NULL;
    }
    chunk = atomic_load_explicit(&slab->chunks[index / NR__SLAB_CHUNK], memory_order_relaxed);
    if (chunk == NULL) {
        chunk = line_calloc(sizeof *chunk);
        if (chunk == NULL) {
            *error = NR_E_NO_MEMORY;
            return NULL;
        }
        /* Releases the zeroes to nr__slot_find. */
        atomic_store_explicit(&slab->chunks[index / NR__SLAB_CHUNK], chunk, memory_order_release);
    }
    slab->fresh++;
    slot = &chunk->slots[index % NR__SLAB_CHUNK];
    nr__slot_cold(slot)->due = nr__slot_cold(slot)->queued = NR__NEVER;
    atomic_store_explicit(&slot->word, (uint64_t)index << 8 | NR__DONE, memory_order_release);
    return slot;
}

nr__slot_t *nr__slab_more(nr__slab_t *slab, int *error) {
    nr__slot_t *slot = slab->owing_len > NR__SLAB_OWING ? NULL : take_fresh(slab, error);

    return slot == NULL && slab->owing_len > 0 ? take_owing(slab) : slot;
}
