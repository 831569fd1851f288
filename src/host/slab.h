/*
 * A slab: the slots of one worker id, by index, without hashing.
 *
 *     sid = worker id (8) | generation (36) | slot (20)
 *
 * Generations go up with every use of a slot, odd ones for unary calls and even ones for streams,
 * so that a sid tells what it was even when it is stale. A slot whose generations are used up is
 * retired. Slabs and their chunks are never freed: a sid from anywhere may be looked up at any
 * time. A worker id is used again together with its slab, generations kept.
 */
#ifndef NR__SLAB_H
#define NR__SLAB_H

#include "mailbox.h"
#include "slot.h"

#define NR__SLAB_CHUNK 4096u
#define NR__SLAB_CHUNKS 256u
#define NR__SLAB_SLOTS (NR__SLAB_CHUNK * NR__SLAB_CHUNKS)
#define NR__SLABS 256u

/* So many slots whose last use is owed are kept as they are, before the oldest is used again and
 * its debt forgotten (see nr__image_t): while a slot is kept, it tells a late result from one that
 * comes twice. */
#define NR__SLAB_OWING 1024u

#define NR__GENERATION_BITS 36
#define NR__GENERATION_MAX ((UINT64_C(1) << NR__GENERATION_BITS) - 1)

/* Slots and their cold halves, the latter not at the same place of a page as the former. */
typedef struct nr__chunk {
    nr__slot_t slots[NR__SLAB_CHUNK];
    unsigned char gap[64 * 33];
    nr__cold_t cold[NR__SLAB_CHUNK];
} nr__chunk_t;

typedef struct nr__slab {
    nr__mailbox_t mailbox;
    _Alignas(64) _Atomic(nr__chunk_t *) chunks[NR__SLAB_CHUNKS];
    _Alignas(64) nr__slot_t *idle;  /* linked by mail.next, last used first [loop] */
    nr__slot_t *owing, *owing_last; /* idle ones whose last use is owed, oldest first [loop] */
    uint32_t owing_len;
    uint32_t fresh; /* slots from here on were never used [loop] */
    uint8_t id;
    int used; /* by a worker; under the registry's lock */
} nr__slab_t;

/* All slabs by worker id; each is written once. */
extern _Atomic(nr__slab_t *) nr__slabs[NR__SLABS];

/* A slab that no worker uses, or NULL: TOO_MANY_CALLS or NO_MEMORY in `*error`. [any thread] */
nr__slab_t *nr__slab_acquire(int *error);
void nr__slab_release(nr__slab_t *slab);

/* An idle slot, or NULL with TOO_MANY_CALLS or NO_MEMORY in `*error`. [loop] */
nr__slot_t *nr__slab_more(nr__slab_t *slab, int *error);

static inline nr__slot_t *nr__slab_take(nr__slab_t *slab, int *error) {
    nr__slot_t *slot = slab->idle;

    if (slot == NULL) {
        return nr__slab_more(slab, error);
    }
    slab->idle = (nr__slot_t *)slot->mail.next;
    return slot;
}

/* Takes a slot back, whose word says so already; one that is used up is left out. [loop] */
static inline void nr__slab_give(nr__slab_t *slab, nr__slot_t *slot) {
    if (nr__slot_generation(nr__slot_word(slot)) < NR__GENERATION_MAX - 1) {
        slot->mail.next = (uintptr_t)slab->idle;
        slab->idle = slot;
    }
}

/* The same for one whose last use is owed. [loop] */
void nr__slab_keep(nr__slab_t *slab, nr__slot_t *slot);

/* A slot below `fresh`. [loop] */
static inline nr__slot_t *nr__slab_slot(nr__slab_t *slab, uint32_t index) {
    return &atomic_load_explicit(&slab->chunks[index / NR__SLAB_CHUNK], memory_order_relaxed)
                ->slots[index % NR__SLAB_CHUNK];
}

static inline nr__cold_t *nr__slot_cold(nr__slot_t *slot) {
    return (nr__cold_t *)((char *)slot + offsetof(nr__chunk_t, cold));
}

static inline uint64_t nr__slot_sid(const nr__slab_t *slab, uint64_t word) {
    return (uint64_t)slab->id << 56 | nr__slot_identity(word);
}

/* The slot that a sid names, whoever uses it now; NULL: there is none. [any thread] */
static inline nr__slot_t *nr__slot_find(uint64_t sid) {
    nr__slab_t *slab = atomic_load_explicit(&nr__slabs[sid >> 56], memory_order_acquire);
    uint32_t index = (uint32_t)sid & (NR__SLAB_SLOTS - 1);
    nr__chunk_t *chunk;

    if (slab == NULL) {
        return NULL;
    }
    chunk = atomic_load_explicit(&slab->chunks[index / NR__SLAB_CHUNK], memory_order_acquire);
    return chunk == NULL ? NULL : &chunk->slots[index % NR__SLAB_CHUNK];
}

#endif
