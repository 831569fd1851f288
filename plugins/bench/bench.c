/* The plugin that benchmarks call. It answers as many bytes as it was given, and does as little
 * else as it can: no allocation and no lock on the way of a call, so that what is measured is the
 * host.
 *
 *   /inside   answers inside handle
 *   /thread   answers from one thread, which polls for a while before it sleeps
 *   /frames   a stream of nine frames inside handle
 *
 * The first eight bytes of an answer are a running number, so that no two bodies are equal and a
 * host that keeps strings once has to make each of them. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <nylon_ring/plugin.h>

#include "ring.h"

#define BODY_MAX 65536u
#define FRAMES 9
#define POLLS 20000 /* looks at an empty ring before the thread sleeps: some 100 µs */

typedef struct bench {
    NrHost host;
    uint8_t inside_body[BODY_MAX]; /* of handle; [host thread] */
    uint8_t thread_body[BODY_MAX]; /* of the thread */
    uint64_t inside_count, thread_count;

    ring_t ring;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the sleep alone */
    pthread_cond_t wake;
    _Atomic int sleeping; /* the thread sleeps, or is about to */
    _Atomic int stop;
} bench_t;

static bench_t bench;

static NrBytes stamped(uint8_t *body, uint64_t *count, uint64_t len) {
    ++*count;
    memcpy(body, count, sizeof(*count));
    return nr_bytes(body, len);
}

static void sleep_until_work(void) {
    pthread_mutex_lock(&bench.lock);
    while (atomic_load(&bench.sleeping) && !atomic_load(&bench.stop)) {
        pthread_cond_wait(&bench.wake, &bench.lock);
    }
    pthread_mutex_unlock(&bench.lock);
}

static void wake_thread(void) {
    pthread_mutex_lock(&bench.lock);
    atomic_store(&bench.sleeping, 0);
    pthread_cond_signal(&bench.wake);
    pthread_mutex_unlock(&bench.lock);
}

/* The next call, or false when the plugin shuts down. */
static bool next_item(ring_item_t *item) {
    for (;;) {
        for (int i = 0; i < POLLS; i++) {
            if (ring_pop(&bench.ring, item)) {
                return true;
            }
            if (atomic_load_explicit(&bench.stop, memory_order_relaxed)) {
                return false;
            }
        }
        /* Sequentially consistent with the look in enqueue: either the flag is seen there, or the
         * item here. */
        atomic_store(&bench.sleeping, 1);
        if (ring_pop(&bench.ring, item)) {
            atomic_store(&bench.sleeping, 0);
            return true;
        }
        sleep_until_work();
    }
}

static void *answer_all(void *arg) {
    (void)arg;
    ring_item_t item;
    while (next_item(&item)) {
        nr_answer(&bench.host, item.sid, NR_OK,
                  stamped(bench.thread_body, &bench.thread_count, item.len));
    }
    return NULL;
}

static NrStatus enqueue(uint64_t sid, uint64_t len) {
    ring_item_t item = {sid, len};
    if (!ring_push(&bench.ring, item)) {
        return NR_ERR;
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&bench.sleeping, memory_order_relaxed)) {
        wake_thread();
    }
    return NR_OK;
}

static NrStatus stream_frames(uint64_t sid, uint64_t len) {
    for (int i = 1; i < FRAMES; i++) {
        nr_answer(&bench.host, sid, NR_OK, stamped(bench.inside_body, &bench.inside_count, len));
    }
    nr_answer(&bench.host, sid, NR_STREAM_END, nr_bytes(NULL, 0));
    return NR_OK;
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx;
    if (payload.len > BODY_MAX || request->path.len != sizeof("/inside") - 1) {
        return NR_INVALID;
    }
    switch (request->path.ptr[1]) {
    case 'i':
        nr_answer(&bench.host, sid, NR_OK,
                  stamped(bench.inside_body, &bench.inside_count, payload.len));
        return NR_OK;
    case 't':
        return enqueue(sid, payload.len);
    case 'f':
        return stream_frames(sid, payload.len);
    default:
        return NR_INVALID;
    }
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    bench.host = nr_host_v1(host_ctx, vtable);
    if (!ring_init(&bench.ring)) {
        return NR_ERR;
    }
    pthread_mutex_init(&bench.lock, NULL);
    pthread_cond_init(&bench.wake, NULL);
    if (pthread_create(&bench.thread, NULL, answer_all, NULL) != 0) {
        ring_deinit(&bench.ring);
        return NR_ERR;
    }
    return NR_OK;
}

static void shutdown_plugin(void *ctx) {
    (void)ctx;
    atomic_store(&bench.stop, 1);
    wake_thread();
    pthread_join(bench.thread, NULL);
    ring_deinit(&bench.ring);
    pthread_cond_destroy(&bench.wake);
    pthread_mutex_destroy(&bench.lock);
}

NR_PLUGIN_EXPORT_V1("bench", "1.0.0", NULL, init, handle, shutdown_plugin)
