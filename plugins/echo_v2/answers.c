/* One answer a call, each entry by another way of handing over its payload.
 *
 *     borrowed   the host copies before the function returns
 *     NrVecU8    owned = 1: the memory is the host's, which frees it by drop_fn
 *     owned      the memory stays the plugin's; release says when the host is done with it
 *     lease      the memory is the host's from the start
 *
 * The last three spare the host's copy. Whatever the host answers, it has consumed the payload. */
#include "echo_v2.h"
#include "upper.h"

NrStatus entry_echo(uint64_t sid, NrBytes payload) {
    nr_answer(&echo_v2.host, sid, NR_OK, payload);
    return NR_OK;
}

static void vec_drop(uint8_t *ptr, size_t len, size_t cap) {
    (void)len, (void)cap;
    free(ptr);
}

NrStatus entry_upper(uint64_t sid, NrBytes payload) {
    size_t cap = payload.len + 1;
    NrVecU8 text = {.ptr = malloc(cap), .len = payload.len, .cap = cap, .owned = 1};
    if (text.ptr == NULL) {
        return NR_ERR;
    }
    text.drop_fn = vec_drop;
    upper_copy(text.ptr, payload.ptr, payload.len);
    echo_v2.host.result->send_result(echo_v2.host.ctx, sid, NR_OK, text);
    return NR_OK;
}

/* owner_ctx is the allocation, which here is where ptr points too. */
static void owned_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)ptr, (void)len;
    free(owner_ctx);
}

NrStatus entry_owned(uint64_t sid, NrBytes payload) {
    uint8_t *copy = malloc(payload.len + 1);
    if (copy == NULL) {
        return NR_ERR;
    }
    memcpy(copy, payload.ptr, payload.len);
    NrOwnedBytes owned = {copy, payload.len, copy, owned_release};
    echo_v2.host.result->send_result_owned(echo_v2.host.ctx, sid, NR_OK, owned);
    return NR_OK;
}

NrStatus entry_lease(uint64_t sid, NrBytes payload) {
    const NrHost *host = &echo_v2.host;
    NrBufferLease lease = host->result->acquire_result_buffer(host->ctx, sid, payload.len);
    if (lease.ptr == NULL) {
        return NR_UNSUPPORTED; /* a stream, or more than the host can lend */
    }
    memcpy(lease.ptr, payload.ptr, payload.len);
    host->result->commit_result_buffer(host->ctx, sid, NR_OK, lease.token, payload.len);
    return NR_OK;
}

NrStatus entry_state(uint64_t sid, NrBytes payload) {
    const NrHost *host = &echo_v2.host;
    if (host->state == NULL) {
        return NR_UNSUPPORTED;
    }
    NrStr key = nr_str("demo");
    NrBytes refusal = host->state->set_state(host->ctx, sid, key, payload);
    if (refusal.len > 0) {
        nr_answer(host, sid, NR_ERR, refusal);
        return NR_OK;
    }
    nr_answer(host, sid, NR_OK, host->state->get_state(host->ctx, sid, key));
    return NR_OK;
}

typedef struct ThreadCall {
    Job job;
    bool finished;
    uint64_t len;
    uint8_t payload[];
} ThreadCall;

/* A call that was cancelled still gets its last result: until then the host counts it as owed. */
static void thread_free(Job *job) {
    if (!((ThreadCall *)job)->finished) {
        nr_answer_str(&echo_v2.host, job->sid, NR_ERR, "given up");
    }
    free(job);
}

static int64_t thread_run(Job *job) {
    ThreadCall *call = (ThreadCall *)job;
    nr_answer(&echo_v2.host, job->sid, NR_OK, nr_bytes(call->payload, call->len));
    call->finished = true;
    return JOB_DONE;
}

NrStatus entry_thread(uint64_t sid, NrBytes payload) {
    ThreadCall *call = malloc(sizeof(*call) + payload.len);
    if (call == NULL) {
        return NR_ERR;
    }
    call->job.sid = sid;
    call->job.run = thread_run;
    call->job.free = thread_free;
    call->finished = false;
    call->len = payload.len;
    memcpy(call->payload, payload.ptr, payload.len);
    worker_post(&echo_v2.worker, &call->job, 0);
    return NR_OK;
}
