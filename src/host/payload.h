/*
 * A payload on its way from a plugin to who reads it, and who has to free it.
 *
 * Whoever holds one calls exactly one of: `nr__payload_drop`, or a move into a slot, a frame or a
 * result, which then drops it. What a plugin lends is counted in its image's `held` from the moment
 * it comes in until its own function has freed it, so that the image is not unmapped before.
 */
#ifndef NR__PAYLOAD_H
#define NR__PAYLOAD_H

#include <nylon_ring/abi_v2.h>
#include <nylon_ring/host.h>

#include "image.h"

#define NR__PAYLOAD_INLINE 40

typedef enum nr__payload_kind {
    NR__NOTHING, /* in a slot: nobody wants the answer */
    NR__SMALL,   /* in a slot or a frame: its own bytes; on the way: borrowed, and it fits there */
    NR__HEAP,    /* free(extra) */
    NR__OWNED,   /* NrOwnedBytes: free_fn is release, extra its owner_ctx */
    NR__VECTOR,  /* NrVecU8: free_fn is drop_fn, extra its cap */
    NR__FAILED   /* no payload: `extra` is the NR_E_* that ends the call */
} nr__payload_kind_t;

typedef struct nr__kept {
    const uint8_t *data;
    uint64_t len;
    uint64_t extra;
    void (*free_fn)(void); /* of its kind's type */
} nr__kept_t;

typedef struct nr__payload {
    nr__kept_t kept;
    nr__payload_kind_t kind;
} nr__payload_t;

/* Takes what a plugin gave. A malformed one (NULL with a length) becomes FAILED with
 * MALFORMED_RESULT, and is freed if it is owned; one that is too large likewise with TOO_LARGE.
 * [any thread] */
nr__payload_t nr__payload_borrowed(const uint8_t *data, uint64_t len);
nr__payload_t nr__payload_owned(nr__image_t *image, NrOwnedBytes bytes);
nr__payload_t nr__payload_vector(nr__image_t *image, NrVecU8 vec);

static inline nr__payload_t nr__payload_failed(int error) {
    nr__payload_t payload = {{NULL, 0, (uint64_t)(int64_t)error, NULL}, NR__FAILED};

    return payload;
}

static inline int nr__kept_error(const nr__kept_t *kept) {
    return (int)(int64_t)kept->extra;
}

/* Makes a borrowed payload one of its own that outlives the plugin's call; too little memory makes
 * it FAILED with NO_MEMORY. Others stay as they are. [any thread] */
void nr__payload_keep(nr__payload_t *payload);

/* The same for a lent one: copies it and gives it back. [any thread] */
void nr__payload_copy(nr__image_t *image, nr__payload_t *payload);

/* Frees it; may run the plugin's own function. [any thread] */
void nr__payload_drop(nr__image_t *image, nr__payload_kind_t kind, const nr__kept_t *kept);

/* Moves a HEAP one into a result. [loop] */
void nr__payload_heap_into(nr_result_t *result, const nr__kept_t *kept);

/* Moves any but a SMALL one into a result, `image` as the one that lent it. [loop] */
void nr__payload_into(nr_result_t *result, nr__image_t *image, nr__payload_kind_t kind,
                      const nr__kept_t *kept);

#endif
