/* fixture_fail_after: answers, and then says that the call has failed.
 *
 *     /inside?status=N&frames=M   M results (1) with Ok inside handle, which returns N (1)
 *     /thread?status=N&frames=M   the same with results from a thread
 *     /owned?status=N             one result whose memory is given back (nylon.result/1)
 *     /released                   how often that was */
#include <pthread.h>
#include <stdatomic.h>

#include "../fixture.h"

static atomic_ulong released;

typedef struct Frames {
    uint64_t sid, count;
    NrBytes payload;
} Frames;

static void *send_frames(void *arg) {
    const Frames *frames = arg;
    for (uint64_t i = 0; i < frames->count; i++) {
        nr_answer(&host, frames->sid, NR_OK, frames->payload);
    }
    return NULL;
}

static NrStatus status_of(const NrRequest *request) {
    return (NrStatus)query_number(request, "status", NR_ERR);
}

static NrStatus inside(uint64_t sid, const NrRequest *request, NrBytes payload) {
    Frames frames = {sid, query_number(request, "frames", 1), payload};
    send_frames(&frames);
    return status_of(request);
}

static NrStatus from_thread(uint64_t sid, const NrRequest *request, NrBytes payload) {
    Frames frames = {sid, query_number(request, "frames", 1), payload};
    pthread_t thread;
    if (pthread_create(&thread, NULL, send_frames, &frames) == 0) {
        pthread_join(thread, NULL);
    }
    return status_of(request);
}

static void count_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)owner_ctx, (void)ptr, (void)len;
    atomic_fetch_add(&released, 1);
}

static NrStatus owned(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    static const char text[] = "sent before the failure";
    NrOwnedBytes bytes = {(const uint8_t *)text, sizeof(text) - 1, NULL, count_release};
    host.result->send_result_owned(host.ctx, sid, NR_OK, bytes);
    return status_of(request);
}

static NrStatus count_released(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_number(sid, atomic_load(&released));
    return NR_OK;
}

FIXTURE_EXPORT("fixture_fail_after", {"/inside", inside}, {"/thread", from_thread},
               {"/owned", owned}, {"/released", count_released})
