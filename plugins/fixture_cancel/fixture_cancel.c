/* fixture_cancel: hears by nylon.cancel/1 which calls were given up.
 *
 *     /wait        keeps the call open and never answers it by itself
 *     /cancelled   how many were cancelled, and how many times one was cancelled twice: "2 0"
 *     /late        ends every cancelled call now, with Err and this payload, then says how many
 *     /echo        answers at once, so that a spec can see that an answered call is not cancelled
 */
#include <pthread.h>

#include "../fixture.h"

#define KEPT 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t cancelled[KEPT];
static size_t count, repeats;

static NrStatus wait_for_ever(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    return NR_OK;
}

static NrStatus report(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    char text[48];
    pthread_mutex_lock(&lock);
    snprintf(text, sizeof(text), "%zu %zu", count, repeats);
    pthread_mutex_unlock(&lock);
    nr_answer_str(&host, sid, NR_OK, text);
    return NR_OK;
}

static NrStatus late(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    pthread_mutex_lock(&lock);
    size_t kept = count < KEPT ? count : KEPT;
    for (size_t i = 0; i < kept; i++) {
        nr_answer(&host, cancelled[i], NR_ERR, payload);
    }
    pthread_mutex_unlock(&lock);
    answer_number(sid, kept);
    return NR_OK;
}

static NrStatus answer(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static void cancel(void *ctx, uint64_t sid) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count && i < KEPT; i++) {
        repeats += cancelled[i] == sid;
    }
    if (count < KEPT) {
        cancelled[count] = sid;
    }
    count++;
    pthread_mutex_unlock(&lock);
}

static const NrExtCancel cancel_table = {cancel};

FIXTURE_EXPORT("fixture_cancel", {"/wait", wait_for_ever}, {"/cancelled", report}, {"/late", late},
               {"/echo", answer})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})
