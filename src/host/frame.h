/* One frame of a stream between its plugin and its reader. */
#ifndef NR__FRAME_H
#define NR__FRAME_H

#include "payload.h"

typedef struct nr__frame {
    struct nr__frame *next;
    nr__image_t *image; /* that a lent payload goes back to */
    nr__kept_t kept;    /* `data` points into `bytes` when the payload was copied */
    NrStatus status;
    uint8_t kind;  /* nr__payload_kind_t: SMALL (copied) or lent */
    uint8_t spare; /* it may be kept for reuse */
    uint8_t bytes[];
} nr__frame_t;

/* Spare nodes of one loop. */
typedef struct nr__frames {
    nr__frame_t *first;
    uint32_t len;
} nr__frames_t;

/* Makes a frame of a payload, which it consumes; borrowed bytes are copied into the same piece of
 * memory. `frames` NULL: not on its loop. NULL: no memory, and the payload was dropped.
 * [any thread] */
nr__frame_t *nr__frame_new(nr__frames_t *frames, nr__image_t *image, NrStatus status,
                           nr__payload_t *payload);

/* Makes a frame of bytes that are copied. NULL: too large, or no memory. [any thread] */
nr__frame_t *nr__frame_copy(nr__frames_t *frames, nr__image_t *image, NrStatus status,
                            NrBytes bytes);

/* Frees a frame with its payload. `frames` as above. [any thread] */
void nr__frame_free(nr__frames_t *frames, nr__frame_t *frame);

/* Frees a chain of them. [any thread] */
void nr__frame_free_all(nr__frames_t *frames, nr__frame_t *first);

/* Moves the frame into a result, which frees what it needs of it. `frames` as above. [loop] */
void nr__frame_into(nr__frames_t *frames, nr__frame_t *frame, nr_result_t *result);

void nr__frames_deinit(nr__frames_t *frames);

#endif
