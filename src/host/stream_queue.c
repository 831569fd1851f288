/* The plugin's end of a stream. */
#include "inside.h"
#include "stream.h"
#include "worker.h"

/* What became of a frame. */
typedef enum outcome { QUEUED, ENDED, REFUSED, OVERFLOWED, DROPPED } outcome_t;

static int is_full(const nr_stream_t *stream, uint64_t len, int sees) {
    const nr__limits_t *limits = &stream->limits[sees];
    uint64_t frames =
        stream->sent_frames - atomic_load_explicit(&stream->taken_frames, memory_order_relaxed);
    uint64_t bytes =
        stream->sent_bytes - atomic_load_explicit(&stream->taken_bytes, memory_order_relaxed);

    /* One frame is taken whatever its size is: refusing it would be for ever. */
    return frames > 0 && (frames >= limits->frames || bytes + len > limits->bytes);
}

static void link_frame(nr_stream_t *stream, nr__frame_t *frame) {
    *stream->in_end = frame;
    stream->in_end = &frame->next;
    stream->sent_frames++;
    stream->sent_bytes += frame->kept.len;
}

/* Queues a frame, or says why not. The slot is claimed. */
static outcome_t append(nr_stream_t *stream, nr__frame_t *frame, int ends, int sees) {
    if (stream->error != 0) {
        return DROPPED;
    }
    if (!ends && is_full(stream, frame->kept.len, sees)) {
        if (sees) {
            atomic_fetch_add_explicit(&stream->refused, 1, memory_order_relaxed);
            return REFUSED;
        }
        stream->error = NR_E_BACKPRESSURE;
        return OVERFLOWED;
    }
    link_frame(stream, frame);
    if (ends) {
        stream->last_status = frame->status;
    }
    return ends ? ENDED : QUEUED;
}

/* Ends the claim, and makes the loop look where it has to. */
static void leave(const nr__claim_t *claim, uint64_t sid, nr__state_t next, int look, int inside) {
    uint64_t word = nr__word_in(claim->word, next);

    if (look && !inside) {
        nr__slot_send(claim->slot, sid, word);
    } else {
        nr__slot_unclaim(claim->slot, word);
    }
}

/* A frame's way. The frame is freed here when it was not queued. */
static NrStatus send_frame(nr__image_t *image, uint64_t sid, nr__frame_t *frame, int sees,
                           nr__inside_t *inside) {
    /* v1 knows no Backpressure: there 6 is a status like any that is not listed. */
    int ends = nr_status_ends(frame->status) || (!sees && frame->status == NR_BACKPRESSURE);
    nr__claim_t claim = nr__slot_claim(image, sid, ends ? NR__IN_ANSWER : NR__IN_FRAME);
    outcome_t outcome = DROPPED;

    if (claim.claimed) {
        nr_stream_t *stream = nr__slot_cold(claim.slot)->stream;
        int look = stream->waiting || ends;

        outcome = append(stream, frame, ends, sees);
        look |= outcome == OVERFLOWED;
        if (outcome == QUEUED || ends) {
            stream->waiting = 0;
        }
        leave(&claim, sid, ends ? NR__ANSWERED : NR__OPEN, look && outcome != REFUSED,
              inside != NULL);
    }
    if (outcome == QUEUED || outcome == ENDED) {
        return NR_OK;
    }
    nr__frame_free(inside != NULL ? &inside->worker->frames : NULL, frame);
    if (outcome == REFUSED || outcome == OVERFLOWED) {
        atomic_fetch_add_explicit(&image->backpressure, 1, memory_order_relaxed);
    } else if (claim.claimed) {
        atomic_fetch_add_explicit(&image->late, 1, memory_order_relaxed);
    }
    return outcome == REFUSED ? NR_BACKPRESSURE : NR_INVALID;
}

/* A result that can not be queued ends its stream with the error. */
static NrStatus send_failure(nr__image_t *image, uint64_t sid, int error,
                             const nr__inside_t *inside) {
    nr__claim_t claim = nr__slot_claim(image, sid, NR__IN_ANSWER);

    if (claim.claimed) {
        nr_stream_t *stream = nr__slot_cold(claim.slot)->stream;

        if (stream->error == 0) {
            stream->error = error;
        }
        stream->waiting = 0;
        leave(&claim, sid, NR__ANSWERED, 1, inside != NULL);
    }
    return NR_INVALID;
}

NrStatus nr__stream_send(nr__image_t *image, uint64_t sid, NrStatus status, nr__payload_t *payload,
                         int sees) {
    nr__inside_t *inside = nr__inside_of(image, sid);
    nr__frame_t *frame;

    if (payload->kind == NR__FAILED) {
        return send_failure(image, sid, nr__kept_error(&payload->kept), inside);
    }
    frame = nr__frame_new(inside != NULL ? &inside->worker->frames : NULL, image, status, payload);
    if (frame == NULL) {
        return send_failure(image, sid, NR_E_NO_MEMORY, inside);
    }
    return send_frame(image, sid, frame, sees, inside);
}
