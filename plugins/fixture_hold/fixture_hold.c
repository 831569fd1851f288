/* fixture_hold: keeps calls open until it is told to answer them.
 *
 *     /hold                       keeps the call
 *     /release?status=N&count=M   answers the M calls that are held longest (all) with status
 *                                 N (0) and this request's payload, from a thread, before this
 *                                 call is answered
 *     /frame?status=N             as /release for all of them, but keeps holding: frames of
 *                                 streams
 *     /count                      how many are held
 *
 * It does not offer nylon.cancel/1: a call that was given up stays held, and its answer comes
 * late. */
#include <pthread.h>

#include "../fixture.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *held; /* oldest first */
static size_t held_count, held_cap;

static bool locked_add(uint64_t sid) {
    if (held_count == held_cap) {
        size_t cap = held_cap > 0 ? held_cap * 2 : 64;
        uint64_t *grown = realloc(held, cap * sizeof(*held));
        if (grown == NULL) {
            return false;
        }
        held = grown;
        held_cap = cap;
    }
    held[held_count++] = sid;
    return true;
}

static NrStatus hold(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    pthread_mutex_lock(&lock);
    bool kept = locked_add(sid);
    pthread_mutex_unlock(&lock);
    return kept ? NR_OK : NR_ERR;
}

typedef struct Release {
    const uint64_t *sids;
    size_t count;
    NrStatus status;
    NrBytes payload;
} Release;

static void *release_main(void *arg) {
    const Release *release = arg;
    for (size_t i = 0; i < release->count; i++) {
        nr_answer(&host, release->sids[i], release->status, release->payload);
    }
    return NULL;
}

/* Answers from a thread and waits for it, so that a spec knows when all answers are out. */
static NrStatus answer_held(uint64_t sid, const NrRequest *request, NrBytes payload, bool keep) {
    pthread_mutex_lock(&lock);
    uint64_t wanted = query_number(request, "count", held_count);
    size_t count = wanted < held_count ? (size_t)wanted : held_count;
    Release release = {held, count, (NrStatus)query_number(request, "status", NR_OK), payload};
    pthread_t thread;
    bool started = pthread_create(&thread, NULL, release_main, &release) == 0;
    if (started) {
        pthread_join(thread, NULL);
        if (!keep && count > 0) {
            held_count -= count;
            memmove(held, held + count, held_count * sizeof(*held));
        }
    }
    pthread_mutex_unlock(&lock);
    if (!started) {
        return NR_ERR;
    }
    answer_number(sid, count);
    return NR_OK;
}

static NrStatus release_held(uint64_t sid, const NrRequest *request, NrBytes payload) {
    return answer_held(sid, request, payload, false);
}

static NrStatus frame(uint64_t sid, const NrRequest *request, NrBytes payload) {
    return answer_held(sid, request, payload, true);
}

static NrStatus count(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    pthread_mutex_lock(&lock);
    size_t now = held_count;
    pthread_mutex_unlock(&lock);
    answer_number(sid, now);
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx;
    free(held);
}

FIXTURE_EXPORT_WITH("fixture_hold", fixture_init, shutdown, {"/hold", hold},
                    {"/release", release_held}, {"/frame", frame}, {"/count", count})
