/* A lease: memory of the host that a plugin writes a unary result into. One per sid at most; it
 * hangs at the slot's cold half, under its claim, and is freed by the loop unless it becomes the
 * result. */
#ifndef NR__LEASE_H
#define NR__LEASE_H

#include "slot.h"

typedef struct nr__lease {
    uint64_t cap, token;
    uint8_t bytes[];
} nr__lease_t;

/* `acquire_result_buffer` and `commit_result_buffer` of the host's table. [any thread] */
NrBufferLease nr__lease_acquire(void *host_ctx, uint64_t sid, uint64_t capacity);
NrStatus nr__lease_commit(void *host_ctx, uint64_t sid, NrStatus status, uint64_t token,
                          uint64_t len);

#endif
