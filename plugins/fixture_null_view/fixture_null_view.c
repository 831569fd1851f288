/* fixture_null_view: hands over views that are NULL and have a length.
 *
 *     /answer     as the payload of a result
 *     /frame      as the payload of a frame; then a proper frame and the end
 *     /vec        as an NrVecU8 (nylon.result/1); then answers with the status that it got
 *     /owned      as an NrOwnedBytes; then answers with the status that it got
 *     /released   how often the release of an /owned was called
 *     /key        as a key of state; answers the host's reason
 *     /value      as a value of state; answers the host's reason */
#include <stdatomic.h>

#include "../fixture.h"

#define LENGTH 16

static atomic_ulong released;

static NrStatus answer(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    nr_answer(&host, sid, NR_OK, nr_bytes(NULL, LENGTH));
    return NR_OK;
}

static NrStatus frame(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&host, sid, NR_OK, nr_bytes(NULL, LENGTH));
    nr_answer(&host, sid, NR_OK, payload);
    nr_answer(&host, sid, NR_STREAM_END, nr_bytes(NULL, 0));
    return NR_OK;
}

static NrStatus vec(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_number(sid, nr_offer(&host, sid, NR_OK, nr_bytes(NULL, LENGTH)));
    return NR_OK;
}

static void count_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)owner_ctx, (void)ptr, (void)len;
    atomic_fetch_add(&released, 1);
}

static NrStatus owned(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    NrOwnedBytes bytes = {NULL, LENGTH, NULL, count_release};
    answer_number(sid, host.result->send_result_owned(host.ctx, sid, NR_OK, bytes));
    return NR_OK;
}

static NrStatus key(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    NrStr malformed = nr_str_n(NULL, LENGTH);
    nr_answer(&host, sid, NR_OK, host.state->set_state(host.ctx, sid, malformed, payload));
    return NR_OK;
}

static NrStatus value(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    NrBytes malformed = nr_bytes(NULL, LENGTH);
    nr_answer(&host, sid, NR_OK, host.state->set_state(host.ctx, sid, nr_str("k"), malformed));
    return NR_OK;
}

static NrStatus count_released(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_number(sid, atomic_load(&released));
    return NR_OK;
}

FIXTURE_EXPORT("fixture_null_view", {"/answer", answer}, {"/frame", frame}, {"/vec", vec},
               {"/owned", owned}, {"/key", key}, {"/value", value}, {"/released", count_released})
