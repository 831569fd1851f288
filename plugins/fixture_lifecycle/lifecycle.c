/* A plugin for what happens to images: load, reload, unload. Built several times, each build with
 * one trait (see CMakeLists.txt).
 *
 *     /version   FIXTURE_VERSION, answered inside handle
 *     /hold      not answered until /release, or never
 *     /release   answers every held call with FIXTURE_VERSION, then itself
 *     /late      answers every held call from shutdown, which is too late
 *
 * Tests that stand below the calls reach the rest by the exported fixture_ functions. */
#include <nylon_ring/plugin.h>

#include <pthread.h>

#ifndef FIXTURE_VERSION
#define FIXTURE_VERSION "1"
#endif

#define HELD_MAX 64

static NrHost host;
static uint64_t held[HELD_MAX];
static size_t held_len;
static int answers_late;

/* Answers every held call. */
NR_EXPORT void fixture_answer_held(void);
void fixture_answer_held(void) {
    while (held_len > 0) {
        nr_answer_str(&host, held[--held_len], NR_OK, FIXTURE_VERSION);
    }
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    nr_answer_str(&host, 1, NR_OK, "nobody has asked yet");
    nr_logf(&host, 0, NR_LOG_DEBUG, "version %s starts", FIXTURE_VERSION);
#ifdef FIXTURE_REFUSES
    return NR_UNSUPPORTED;
#else
    return NR_OK;
#endif
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)payload;
    if (nr_str_is(request->path, "/hold")) {
        if (held_len == HELD_MAX) {
            return NR_ERR;
        }
        held[held_len++] = sid;
        return NR_OK;
    }
    if (nr_str_is(request->path, "/release")) {
        fixture_answer_held();
    } else if (nr_str_is(request->path, "/late")) {
        answers_late = 1;
    } else if (!nr_str_is(request->path, "/version")) {
        return NR_INVALID;
    }
    nr_answer_str(&host, sid, NR_OK, FIXTURE_VERSION);
    return NR_OK;
}

#ifdef FIXTURE_NO_SHUTDOWN
#define SHUTDOWN NULL
#else
#define SHUTDOWN shut_down

#ifdef FIXTURE_BLOCKS
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int entered;
static int may_leave;

/* Waits until shutdown was entered. */
NR_EXPORT void fixture_await_shutdown(void);
void fixture_await_shutdown(void) {
    pthread_mutex_lock(&lock);
    while (!entered) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* Lets shutdown return. */
NR_EXPORT void fixture_leave_shutdown(void);
void fixture_leave_shutdown(void) {
    pthread_mutex_lock(&lock);
    may_leave = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void block(void) {
    pthread_mutex_lock(&lock);
    entered = 1;
    pthread_cond_broadcast(&changed);
    while (!may_leave) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}
#else
static void block(void) {}
#endif

static void shut_down(void *ctx) {
    (void)ctx;
    block();
    nr_logf(&host, 0, NR_LOG_INFO, "version %s ends", FIXTURE_VERSION);
    if (answers_late) {
        fixture_answer_held();
    }
}
#endif

NR_PLUGIN_EXPORT_V1("lifecycle", FIXTURE_VERSION ".0.0", NULL, init, handle, SHUTDOWN)
