#include "frame.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPARE_SIZE = 128,  /* of a node that is kept */
    SPARE_MOST = 1024, /* nodes that are kept */
    SPARE_BYTES = SPARE_SIZE - sizeof(nr__frame_t)
};

/* A node with room for `len` bytes. */
static nr__frame_t *node_new(nr__frames_t *frames, uint64_t len) {
    nr__frame_t *frame;

    if (len > SPARE_BYTES) {
        frame = malloc(sizeof *frame + len);
    } else if (frames != NULL && frames->first != NULL) {
        frame = frames->first;
        frames->first = frame->next;
        frames->len--;
    } else {
        frame = malloc(SPARE_SIZE);
    }
    if (frame != NULL) {
        frame->spare = len <= SPARE_BYTES;
    }
    return frame;
}

static void node_free(nr__frames_t *frames, nr__frame_t *frame) {
    if (frame->spare && frames != NULL && frames->len < SPARE_MOST) {
        frame->next = frames->first;
        frames->first = frame;
        frames->len++;
    } else {
        free(frame);
    }
}

nr__frame_t *nr__frame_copy(nr__frames_t *frames, nr__image_t *image, NrStatus status,
                            NrBytes bytes) {
    nr__frame_t *frame = bytes.len <= NR_RESULT_MAX ? node_new(frames, bytes.len) : NULL;

    if (frame == NULL) {
        return NULL;
    }
    frame->next = NULL;
    frame->image = image;
    frame->kept.data = frame->bytes;
    frame->kept.len = bytes.len;
    frame->status = status;
    frame->kind = NR__SMALL;
    if (bytes.len > 0) {
        memcpy(frame->bytes, bytes.ptr, bytes.len);
    }
    return frame;
}

nr__frame_t *nr__frame_new(nr__frames_t *frames, nr__image_t *image, NrStatus status,
                           nr__payload_t *payload) {
    NrBytes bytes = {payload->kept.data, payload->kept.len};
    nr__frame_t *frame;

    if (payload->kind == NR__SMALL) {
        return nr__frame_copy(frames, image, status, bytes);
    }
    frame = node_new(frames, 0);
    if (frame == NULL) {
        nr__payload_drop(image, payload->kind, &payload->kept);
        return NULL;
    }
    frame->next = NULL;
    frame->image = image;
    frame->kept = payload->kept;
    frame->status = status;
    frame->kind = (uint8_t)payload->kind;
    return frame;
}

void nr__frame_free(nr__frames_t *frames, nr__frame_t *frame) {
    nr__payload_drop(frame->image, (nr__payload_kind_t)frame->kind, &frame->kept);
    node_free(frames, frame);
}

void nr__frame_free_all(nr__frames_t *frames, nr__frame_t *first) {
    while (first != NULL) {
        nr__frame_t *next = first->next;
        nr__frame_free(frames, first);
        first = next;
    }
}

/* nr_result_t.release of a frame whose bytes are read where they are. */
static void release_frame(nr_result_t *result) {
    nr__frame_free(NULL, (nr__frame_t *)(uintptr_t)result->owner[0]);
}

void nr__frame_into(nr__frames_t *frames, nr__frame_t *frame, nr_result_t *result) {
    result->error = 0;
    result->status = frame->status;
    result->len = frame->kept.len;
    result->data = frame->kept.data;
    if (frame->kind != NR__SMALL || frame->kept.len > sizeof result->store) {
        result->owner[0] = (uint64_t)(uintptr_t)frame;
        result->release = release_frame;
        if (frame->kept.len == 0) {
            result->data = result->store; /* a lent nothing may be NULL */
        }
        return;
    }
    memcpy(result->store, frame->bytes, frame->kept.len);
    result->data = result->store;
    result->release = NULL;
    node_free(frames, frame);
}

void nr__frames_deinit(nr__frames_t *frames) {
    while (frames->first != NULL) {
        nr__frame_t *next = frames->first->next;
        free(frames->first);
        frames->first = next;
    }
    frames->len = 0;
}
