#include "lease.h"

#include <stdlib.h>

#include "result.h"
#include "slab.h"
#include "trace.h"

/* Differs from lease to lease; a plugin that makes one up does not meet it. */
static uint64_t token_of(const nr__lease_t *lease, uint64_t sid) {
    return ((uint64_t)(uintptr_t)lease ^ sid * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

/* Hangs a new lease at the open sid. */
static nr_outcome_t acquire(nr__image_t *image, uint64_t sid, uint64_t capacity,
                            NrBufferLease *out) {
    nr__lease_t *lease = NULL;
    nr__claim_t claim;

    if (!nr__sid_is_stream(sid) && capacity <= NR_RESULT_MAX) {
        lease = malloc(sizeof *lease + (capacity > 0 ? capacity : 1));
    }
    if (lease == NULL) {
        return NR_OUTCOME_REFUSED;
    }
    claim = nr__slot_claim(image, sid, NR__IN_HOLD);
    if (!claim.claimed) {
        free(lease);
        return nr__verdict_outcome(claim.verdict);
    }
    if (nr__slot_cold(claim.slot)->lease != NULL) {
        nr__slot_unclaim(claim.slot, claim.word);
        free(lease);
        return NR_OUTCOME_REFUSED;
    }
    lease->cap = capacity;
    lease->token = token_of(lease, sid);
    out->ptr = lease->bytes;
    out->cap = capacity;
    out->token = lease->token;
    nr__slot_cold(claim.slot)->lease = lease;
    nr__slot_unclaim(claim.slot, claim.word | NR__LEASED);
    return NR_OUTCOME_DONE;
}

NrBufferLease nr__lease_acquire(void *host_ctx, uint64_t sid, uint64_t capacity) {
    nr__image_t *image = nr__image_of(host_ctx);
    NrBufferLease out = {NULL, 0, 0};
    uint64_t seq;

    if (image == NULL) {
        return out;
    }
    seq = nr__trace_begin(image, NR_TRACE_ACQUIRE_RESULT_BUFFER, sid, NR_OK, capacity);
    nr__trace_end(image, seq, acquire(image, sid, capacity, &out), NR_OK);
    return out;
}

/* The lease becomes the answer. The slot is claimed and open. */
static void settle(nr__image_t *image, nr__claim_t *claim, uint64_t sid, NrStatus status,
                   uint64_t len) {
    nr__lease_t *lease = nr__slot_cold(claim->slot)->lease;
    nr__payload_t payload = {{lease->bytes, len, (uint64_t)(uintptr_t)lease, NULL}, NR__HEAP};

    nr__slot_cold(claim->slot)->lease = NULL;
    claim->word &= ~NR__LEASED;
    nr__result_settle(image, claim, sid, status, &payload);
}

static nr_outcome_t commit(nr__image_t *image, uint64_t sid, NrStatus status, uint64_t token,
                           uint64_t len) {
    nr__claim_t claim;
    nr__lease_t *lease;

    if (nr__sid_is_stream(sid)) {
        return NR_OUTCOME_REFUSED;
    }
    claim = nr__slot_claim(image, sid, NR__IN_COMMIT);
    if (!claim.claimed) {
        return nr__verdict_outcome(claim.verdict);
    }
    lease = nr__slot_cold(claim.slot)->lease;
    if (lease == NULL || lease->token != token || len > lease->cap) {
        nr__slot_unclaim(claim.slot, claim.word);
        return NR_OUTCOME_REFUSED;
    }
    if (claim.verdict == NR__PAID) {
        nr__slot_pay(image, &claim, sid);
        return NR_OUTCOME_LATE;
    }
    settle(image, &claim, sid, status, len);
    return NR_OUTCOME_DELIVERED;
}

NrStatus nr__lease_commit(void *host_ctx, uint64_t sid, NrStatus status, uint64_t token,
                          uint64_t len) {
    nr__image_t *image = nr__image_of(host_ctx);
    nr_outcome_t outcome;
    uint64_t seq;

    if (image == NULL) {
        return NR_INVALID;
    }
    seq = nr__trace_begin(image, NR_TRACE_COMMIT_RESULT_BUFFER, sid, status, len);
    outcome = commit(image, sid, status, token, len);
    nr__trace_end(image, seq, outcome, NR_OK);
    return nr__outcome_status(outcome);
}
