/* fixture_crash: ends the process, in each of the ways that a plugin has, or keeps it for ever.
 *
 *     /write      writes through a wild pointer, inside handle
 *     /jump       calls a wild pointer, inside handle
 *     /abort      calls abort, inside handle
 *     /overflow   calls itself until the stack is full, inside handle
 *     /thread     writes through a wild pointer on a thread of its own, after handle
 *     /threads    the same on 16 threads at once
 *     /host       has the host read a payload that is not there, inside handle
 *     /kill       sends SIGSEGV to the process, inside handle
 *     /hang       never returns from handle */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "../fixture.h"

/* Volatile, so that no compiler sees what is coming, and not NULL, which a sanitizer would catch.
 */
#define NOWHERE 16
static volatile uintptr_t nowhere = NOWHERE;
static volatile int depth;

static NrStatus write_nowhere(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    *(volatile int *)nowhere = 1;
    return NR_OK;
}

static NrStatus jump_nowhere(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    ((void (*)(void))nowhere)();
    return NR_OK;
}

static NrStatus call_abort(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    abort();
}

static int deeper(int from) {
    volatile char room[4096];
    room[0] = (char)from;
    depth++;
    return depth > 0 ? deeper(depth) + room[0] : 0;
}

static NrStatus overflow(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    return (NrStatus)deeper(0);
}

static void *thread_main(void *arg) {
    (void)arg;
    *(volatile int *)nowhere = 1;
    return NULL;
}

static NrStatus on_thread(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    pthread_t thread;
    return pthread_create(&thread, NULL, thread_main, NULL) == 0 ? NR_OK : NR_ERR;
}

static pthread_barrier_t all;

static void *threads_main(void *arg) {
    pthread_barrier_wait(&all);
    return thread_main(arg);
}

static NrStatus on_threads(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    enum { THREADS = 16 };
    pthread_t thread;
    int failed = pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        failed |= pthread_create(&thread, NULL, threads_main, NULL);
    }
    return failed == 0 ? NR_OK : NR_ERR;
}

static NrStatus in_host(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    nr_answer(&host, sid, NR_OK, nr_bytes((const void *)nowhere, 64));
    return NR_OK;
}

static NrStatus send_signal(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    kill(getpid(), SIGSEGV);
    return NR_OK;
}

static NrStatus hang(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request, (void)payload;
    while (nowhere == NOWHERE) {
        pause();
    }
    return NR_OK;
}

FIXTURE_EXPORT("fixture_crash", {"/write", write_nowhere}, {"/jump", jump_nowhere},
               {"/abort", call_abort}, {"/overflow", overflow}, {"/thread", on_thread},
               {"/threads", on_threads}, {"/host", in_host}, {"/kill", send_signal},
               {"/hang", hang})
