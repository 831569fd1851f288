/* The plugin's end of a stream. */
#include "inside.h"
#include "stream.h"
#include "worker.h"

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

/* Queues a frame, or says why not: BACKPRESSURE has ended a stream whose plugin does not see it.
 * The slot is claimed. */
static nr_outcome_t append(nr_stream_t *stream, nr__frame_t *frame, int ends, int sees) {
    if (stream->error != 0) {
        return NR_OUTCOME_LATE;
    }
    if (!ends && is_full(stream, frame->kept.len, sees)) {
        if (sees) {
            atomic_fetch_add_explicit(&stream->refused, 1, memory_order_relaxed);
        } else {
            stream->error = NR_E_BACKPRESSURE;
        }
        return NR_OUTCOME_BACKPRESSURE;
    }
    link_frame(stream, frame);
    if (ends) {
        stream->last_status = frame->status;
    }
    return NR_OUTCOME_DELIVERED;
}

/* Ends the claim, and makes the loop look where it has to. */
static void leave(nr__slot_t *slot, uint64_t word, uint64_t sid, nr__state_t next, int look) {
    word = nr__word_in(word, next);
    if (look) {
        nr__slot_send(slot, sid, word);
    } else {
        nr__slot_unclaim(slot, word);
    }
}

/* v1 knows no Backpressure: there 6 is a status like any that is not listed. */
static inline int ends_stream(NrStatus status, int sees) {
    return status != NR_OK && (nr_status_ends(status) || (!sees && status == NR_BACKPRESSURE));
}

/* Queues the frame in its claimed stream and ends the claim. `inside` 1: the loop looks anyway, as
 * soon as `handle` has returned. */
static inline nr_outcome_t deliver(nr__slot_t *slot, uint64_t word, uint64_t sid,
                                   nr__frame_t *frame, int ends, int sees, int inside) {
    nr_stream_t *stream = nr__slot_cold(slot)->stream;
    int look = stream->waiting || ends;
    nr_outcome_t outcome = append(stream, frame, ends, sees);

    look = outcome == NR_OUTCOME_BACKPRESSURE ? !sees : look;
    if (outcome == NR_OUTCOME_DELIVERED || ends) {
        stream->waiting = 0;
    }
    leave(slot, word, sid, ends ? NR__ANSWERED : NR__OPEN, look && !inside);
    return outcome;
}

/* A frame that was not queued: frees and counts it. */
static void drop_frame(nr__image_t *image, nr__frame_t *frame, nr_outcome_t outcome,
                       nr__frames_t *spare) {
    nr__frame_free(spare, frame);
    atomic_fetch_add_explicit(outcome == NR_OUTCOME_LATE ? &image->late : &image->backpressure, 1,
                              memory_order_relaxed);
}

/* A frame's way. The frame is freed here when it was not queued. */
static nr_outcome_t send_frame(nr__image_t *image, uint64_t sid, nr__frame_t *frame, int sees,
                               nr__inside_t *inside) {
    int ends = ends_stream(frame->status, sees);
    nr__frames_t *spare = inside != NULL ? &inside->worker->frames : NULL;
    nr__claim_t claim = nr__slot_claim(image, sid, ends ? NR__IN_ANSWER : NR__IN_FRAME);
    nr_outcome_t outcome;

    if (!claim.claimed) {
        nr__frame_free(spare, frame);
        return nr__verdict_outcome(claim.verdict);
    }
    outcome = deliver(claim.slot, claim.word, sid, frame, ends, sees, inside != NULL);
    if (outcome != NR_OUTCOME_DELIVERED) {
        drop_frame(image, frame, outcome, spare);
    }
    return outcome;
}

nr_outcome_t nr__stream_send_inside(nr__inside_t *inside, NrStatus status, NrBytes bytes,
                                    int sees) {
    nr__frames_t *spare = &inside->worker->frames;
    nr__frame_t *frame = nr__frame_copy(spare, inside->image, status, bytes);
    nr_outcome_t outcome;
    uint64_t word;

    if (frame == NULL) {
        return NR__LONG_WAY;
    }
    if (!nr__inside_claim(inside->slot, &word)) {
        nr__frame_free(spare, frame);
        return NR__LONG_WAY;
    }
    outcome = deliver(inside->slot, word, inside->sid, frame, ends_stream(status, sees), sees, 1);
    if (outcome != NR_OUTCOME_DELIVERED) {
        drop_frame(inside->image, frame, outcome, spare);
    }
    return outcome;
}

/* A result that can not be queued ends its stream with the error. */
static nr_outcome_t send_failure(nr__image_t *image, uint64_t sid, int error, int inside) {
    nr__claim_t claim = nr__slot_claim(image, sid, NR__IN_ANSWER);
    nr_stream_t *stream;

    if (!claim.claimed) {
        return nr__verdict_outcome(claim.verdict);
    }
    stream = nr__slot_cold(claim.slot)->stream;
    if (stream->error == 0) {
        stream->error = error;
    }
    stream->waiting = 0;
    leave(claim.slot, claim.word, sid, NR__ANSWERED, !inside);
    return NR_OUTCOME_FAILED;
}

nr_outcome_t nr__stream_send(nr__image_t *image, uint64_t sid, NrStatus status,
                             nr__payload_t *payload, int sees) {
    nr__inside_t *inside = nr__inside_of(image, sid);
    nr__frame_t *frame;

    if (payload->kind == NR__FAILED) {
        return send_failure(image, sid, nr__kept_error(&payload->kept), inside != NULL);
    }
    frame = nr__frame_new(inside != NULL ? &inside->worker->frames : NULL, image, status, payload);
    if (frame == NULL) {
        return send_failure(image, sid, NR_E_NO_MEMORY, inside != NULL);
    }
    return send_frame(image, sid, frame, sees, inside);
}
