#include "result.h"

#include <string.h>

#include "host_tables.h"
#include "inside.h"
#include "lease.h"
#include "slab.h"
#include "state.h"
#include "stream.h"
#include "trace.h"

/* At most NR__PAYLOAD_INLINE bytes. */
static inline void copy_small(uint8_t *to, const uint8_t *from, uint64_t len) {
    if (len >= 8) {
        uint64_t last;
        memcpy(&last, from + len - 8, 8);
        for (uint64_t i = 0; i + 8 <= len; i += 8) {
            memcpy(to + i, from + i, 8);
        }
        memcpy(to + len - 8, &last, 8);
        return;
    }
    for (uint64_t i = 0; i < len; i++) {
        to[i] = from[i];
    }
}

/* Puts the answer into its claimed slot. */
static inline void fill(nr__slot_t *slot, NrStatus status, const nr__payload_t *payload) {
    slot->status = status;
    slot->kind = (uint8_t)payload->kind;
    if (payload->kind == NR__SMALL) {
        slot->len = (uint8_t)payload->kept.len;
        copy_small(slot->data.bytes, payload->kept.data, payload->kept.len);
    } else {
        slot->data.kept = payload->kept;
    }
}

void nr__result_settle(nr__image_t *image, const nr__claim_t *claim, uint64_t sid, NrStatus status,
                       const nr__payload_t *payload) {
    uint64_t word = nr__word_in(claim->word, nr__rules[NR__OPEN][NR__IN_ANSWER].next);

    fill(claim->slot, status, payload);
    if (nr__inside_of(image, sid) != NULL) {
        nr__slot_unclaim(claim->slot, word);
    } else {
        nr__slot_send(claim->slot, sid, word);
    }
}

/* Answers a unary call. Consumes the payload. */
static nr_outcome_t answer(nr__image_t *image, uint64_t sid, NrStatus status,
                           nr__payload_t *payload) {
    nr__claim_t claim;

    nr__payload_keep(payload); /* before the claim: it may copy much */
    claim = nr__slot_claim(image, sid, NR__IN_ANSWER);
    if (!claim.claimed) {
        nr__payload_drop(image, payload->kind, &payload->kept);
        return nr__verdict_outcome(claim.verdict);
    }
    nr__result_settle(image, &claim, sid, status, payload);
    return payload->kind == NR__FAILED ? NR_OUTCOME_FAILED : NR_OUTCOME_DELIVERED;
}

/* Any result but the simplest. Consumes the payload. */
static nr_outcome_t send(nr__image_t *image, uint64_t sid, NrStatus status, nr__payload_t *payload,
                         int sees) {
    int lent = payload->kind == NR__OWNED || payload->kind == NR__VECTOR;

    if (lent && nr__values_hold(image, sid, payload->kept.data)) {
        nr__payload_copy(image, payload); /* the state ends before its reader has read it */
    }
    return nr__sid_is_stream(sid) ? nr__stream_send(image, sid, status, payload, sees)
                                  : answer(image, sid, status, payload);
}

/* The unary call whose `handle` runs on this thread is answered. */
static inline void answered(nr__slot_t *slot, uint64_t word) {
    nr__slot_unclaim(slot, nr__word_in(word, nr__rules[NR__OPEN][NR__IN_ANSWER].next));
}

static inline nr_outcome_t answer_small(nr__slot_t *slot, NrStatus status, NrBytes bytes) {
    uint64_t word;

    if (!nr__inside_claim(slot, &word)) {
        return NR__LONG_WAY;
    }
    slot->status = status;
    slot->kind = NR__SMALL;
    slot->len = (uint8_t)bytes.len;
    copy_small(slot->data.bytes, bytes.ptr, bytes.len);
    answered(slot, word);
    return NR_OUTCOME_DELIVERED;
}

static nr_outcome_t answer_large(nr__slot_t *slot, NrStatus status, NrBytes bytes) {
    nr__payload_t payload = nr__payload_borrowed(bytes.ptr, bytes.len);
    uint64_t word;

    nr__payload_keep(&payload);
    if (!nr__inside_claim(slot, &word)) {
        nr__payload_drop(NULL, payload.kind, &payload.kept); /* memory of our own, or none */
        return NR__LONG_WAY;
    }
    fill(slot, status, &payload);
    answered(slot, word);
    return payload.kind == NR__FAILED ? NR_OUTCOME_FAILED : NR_OUTCOME_DELIVERED;
}

/* A borrowed result of the call whose `handle` runs on this thread, if it is one and is not
 * recorded. Kept in its callers: they are the fast path. */
static inline __attribute__((always_inline)) nr_outcome_t
send_inside(nr__image_t *image, uint64_t sid, NrStatus status, NrBytes bytes, int sees) {
    nr__inside_t *inside = nr__inside_of(image, sid);

    if (inside == NULL || nr__traced(image) || (bytes.ptr == NULL && bytes.len > 0)) {
        return NR__LONG_WAY;
    }
    if (nr__sid_is_stream(sid)) {
        return nr__stream_send_inside(inside, status, bytes, sees);
    }
    return bytes.len <= NR__PAYLOAD_INLINE ? answer_small(inside->slot, status, bytes)
                                           : answer_large(inside->slot, status, bytes);
}

static __attribute__((noinline)) void send_long(nr__image_t *image, uint64_t sid, NrStatus status,
                                                NrBytes bytes) {
    uint64_t seq = nr__trace_begin(image, NR_TRACE_SEND_RESULT, sid, status, bytes.len);
    nr__payload_t payload = nr__payload_borrowed(bytes.ptr, bytes.len);

    nr__trace_end(image, seq, send(image, sid, status, &payload, 0), NR_OK);
}

static void send_result(void *host_ctx, uint64_t sid, NrStatus status, NrBytes bytes) {
    nr__image_t *image = nr__image_of(host_ctx);

    if (send_inside(image, sid, status, bytes, 0) == NR__LONG_WAY && image != NULL) {
        send_long(image, sid, status, bytes);
    }
}

/* A plugin that sees what it is answered has another chance after a malformed payload. `seq` of the
 * trace. */
static NrStatus send_seeing(nr__image_t *image, uint64_t sid, NrStatus status,
                            nr__payload_t *payload, uint64_t seq) {
    int malformed =
        payload->kind == NR__FAILED && nr__kept_error(&payload->kept) == NR_E_MALFORMED_RESULT;
    nr_outcome_t outcome = malformed ? NR_OUTCOME_REFUSED : send(image, sid, status, payload, 1);

    nr__trace_end(image, seq, outcome, NR_OK);
    return nr__outcome_status(outcome);
}

static NrStatus send_result2(void *host_ctx, uint64_t sid, NrStatus status, NrVecU8 vec) {
    nr__image_t *image = nr__image_of(host_ctx);
    nr__payload_t payload;
    uint64_t seq;

    if (image == NULL) {
        if (vec.owned && vec.drop_fn != NULL) {
            vec.drop_fn(vec.ptr, vec.len, vec.cap);
        }
        return NR_INVALID;
    }
    if (vec.owned == 0) {
        NrBytes bytes = {vec.ptr, vec.len};
        nr_outcome_t outcome = send_inside(image, sid, status, bytes, 1);

        if (outcome != NR__LONG_WAY) {
            return nr__outcome_status(outcome);
        }
    }
    seq = nr__trace_begin(image, NR_TRACE_SEND_RESULT, sid, status, vec.len);
    payload = nr__payload_vector(image, vec);
    return send_seeing(image, sid, status, &payload, seq);
}

static NrStatus send_result_owned(void *host_ctx, uint64_t sid, NrStatus status,
                                  NrOwnedBytes bytes) {
    nr__image_t *image = nr__image_of(host_ctx);
    nr__payload_t payload;
    uint64_t seq;

    if (image == NULL) {
        if (bytes.release != NULL) {
            bytes.release(bytes.owner_ctx, bytes.ptr, bytes.len);
        }
        return NR_INVALID;
    }
    seq = nr__trace_begin(image, NR_TRACE_SEND_RESULT_OWNED, sid, status, bytes.len);
    payload = nr__payload_owned(image, bytes);
    return send_seeing(image, sid, status, &payload, seq);
}

const NrHostVTable nr__host_vtable1 = {send_result};

const NrHostVTable2 nr__host_vtable2 = {send_result2, send_result_owned, nr__lease_acquire,
                                        nr__lease_commit};
