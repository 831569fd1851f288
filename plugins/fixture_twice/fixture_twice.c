/* fixture_twice: breaks the rule of one result for a unary call.
 *
 *     /inside?times=N   N results (2) inside handle: "1", "2", ...
 *     /thread?times=N   the same from a thread, before handle returns
 *     /mixed            "1" inside handle, then "1", "2" from a thread
 *     /ended            a stream's frame and end, then a frame and an end again */
#include <pthread.h>

#include "../fixture.h"

typedef struct Burst {
    uint64_t sid, times;
} Burst;

static void *answer_times(void *arg) {
    const Burst *burst = arg;
    for (uint64_t i = 1; i <= burst->times; i++) {
        answer_number(burst->sid, i);
    }
    return NULL;
}

static NrStatus on_thread(const Burst *burst) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, answer_times, (void *)burst) != 0) {
        return NR_ERR;
    }
    pthread_join(thread, NULL);
    return NR_OK;
}

static NrStatus inside(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    Burst burst = {sid, query_number(request, "times", 2)};
    answer_times(&burst);
    return NR_OK;
}

static NrStatus from_thread(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    Burst burst = {sid, query_number(request, "times", 2)};
    return on_thread(&burst);
}

static NrStatus mixed(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    Burst burst = {sid, 2};
    answer_number(sid, 1);
    return on_thread(&burst);
}

static NrStatus ended(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    for (int i = 0; i < 2; i++) {
        nr_answer_str(&host, sid, NR_OK, i == 0 ? "frame" : "after the end");
        nr_answer_str(&host, sid, NR_STREAM_END, "");
    }
    return NR_OK;
}

FIXTURE_EXPORT("fixture_twice", {"/inside", inside}, {"/thread", from_thread}, {"/mixed", mixed},
               {"/ended", ended})
