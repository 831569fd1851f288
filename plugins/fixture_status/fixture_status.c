/* fixture_status: any status, known or not.
 *
 *     /answer?status=N   the payload with status N (99)
 *     /return?status=N   handle returns N
 *     /stream?status=N   a frame "before", then the payload with status N, then a frame "after" */
#include "../fixture.h"

static NrStatus status_of(const NrRequest *request) {
    return (NrStatus)query_number(request, "status", 99);
}

static NrStatus answer(uint64_t sid, const NrRequest *request, NrBytes payload) {
    nr_answer(&host, sid, status_of(request), payload);
    return NR_OK;
}

static NrStatus give_back(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)payload;
    return status_of(request);
}

static NrStatus stream(uint64_t sid, const NrRequest *request, NrBytes payload) {
    nr_answer_str(&host, sid, NR_OK, "before");
    nr_answer(&host, sid, status_of(request), payload);
    nr_answer_str(&host, sid, NR_OK, "after");
    return NR_OK;
}

FIXTURE_EXPORT("fixture_status", {"/answer", answer}, {"/return", give_back}, {"/stream", stream})
