#include "lease.h"

#include <stdlib.h>

#include "result.h"
#include "slab.h"

/* Differs from lease to lease; a plugin that makes one up does not meet it. */
static uint64_t token_of(const nr__lease_t *lease, uint64_t sid) {
    return ((uint64_t)(uintptr_t)lease ^ sid * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

NrBufferLease nr__lease_acquire(void *host_ctx, uint64_t sid, uint64_t capacity) {
    NrBufferLease out = {NULL, 0, 0};
    nr__lease_t *lease;
    nr__claim_t claim;

    if (host_ctx == NULL || nr__sid_is_stream(sid) || capacity > NR_RESULT_MAX) {
        return out;
    }
    lease = malloc(sizeof *lease + (capacity > 0 ? capacity : 1));
    if (lease == NULL) {
        return out;
    }
    claim = nr__slot_claim(nr__image_of(host_ctx), sid, NR__IN_HOLD);
    if (!claim.claimed) {
        free(lease);
        return out;
    }
    if (nr__slot_cold(claim.slot)->lease != NULL) {
        nr__slot_unclaim(claim.slot, claim.word);
        free(lease);
        return out;
    }
    lease->cap = capacity;
    lease->token = token_of(lease, sid);
    out.ptr = lease->bytes;
    out.cap = capacity;
    out.token = lease->token;
    nr__slot_cold(claim.slot)->lease = lease;
    nr__slot_unclaim(claim.slot, claim.word | NR__LEASED);
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

NrStatus nr__lease_commit(void *host_ctx, uint64_t sid, NrStatus status, uint64_t token,
                          uint64_t len) {
    nr__image_t *image;
    nr__claim_t claim;
    nr__lease_t *lease;

    if (host_ctx == NULL || nr__sid_is_stream(sid)) {
        return NR_INVALID;
    }
    image = nr__image_of(host_ctx);
    claim = nr__slot_claim(image, sid, NR__IN_COMMIT);
    if (!claim.claimed) {
        return NR_INVALID;
    }
    lease = nr__slot_cold(claim.slot)->lease;
    if (lease == NULL || lease->token != token || len > lease->cap) {
        nr__slot_unclaim(claim.slot, claim.word);
        return NR_INVALID;
    }
    if (claim.verdict == NR__PAID) {
        nr__slot_pay(image, &claim, sid);
        return NR_INVALID;
    }
    settle(image, &claim, sid, status, len);
    return NR_OK;
}
