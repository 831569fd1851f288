/* fixture_threads: answers from 64 threads.
 *
 *     /answer            the payload, from whichever thread is free
 *     /before            the payload, from a thread, before handle returns
 *     /race              all threads answer this one call at the same moment, each with its
 *                        number
 *     /stream?frames=N   all threads send N frames (10) of the form "thread frame" at the same
 *                        time; the last one that is done sends the end
 *
 * Work goes through one queue of tickets; a ticket is one thread's part of a call. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "../fixture.h"

#define THREADS 64

typedef struct Work {
    uint64_t sid;
    void (*run)(struct Work *work, int thread);
    uint64_t frames;
    NrRequestCopy *copy;
    pthread_barrier_t together; /* for work of all threads */
    atomic_int unfinished;      /* parts that still run */
    bool waited_for;            /* handle frees it, not the last part */
    int parts;
} Work;

typedef struct Ticket {
    STAILQ_ENTRY(Ticket) link;
    Work *work;
} Ticket;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static STAILQ_HEAD(, Ticket) tickets = STAILQ_HEAD_INITIALIZER(tickets);
static bool stopping;
static pthread_t threads[THREADS];
static int numbers[THREADS];

static void work_free(Work *work) {
    pthread_barrier_destroy(&work->together);
    nr_request_free(work->copy);
    free(work);
}

static Work *work_new(uint64_t sid, const NrRequest *request, NrBytes payload, int parts) {
    Work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return NULL;
    }
    work->sid = sid;
    work->parts = parts;
    work->frames = query_number(request, "frames", 10);
    atomic_init(&work->unfinished, parts);
    work->copy = nr_request_copy(request, payload);
    if (work->copy == NULL || pthread_barrier_init(&work->together, NULL, (unsigned)parts) != 0) {
        nr_request_free(work->copy);
        free(work);
        return NULL;
    }
    return work;
}

/* All tickets of a work go in together: two works of all threads must not wait for each other. */
static bool work_post(Work *work) {
    STAILQ_HEAD(, Ticket) parts = STAILQ_HEAD_INITIALIZER(parts);
    Ticket *ticket = NULL;
    for (int i = 0; i < work->parts; i++) {
        ticket = malloc(sizeof(*ticket));
        if (ticket == NULL) {
            break;
        }
        ticket->work = work;
        STAILQ_INSERT_TAIL(&parts, ticket, link);
    }
    if (ticket == NULL) {
        while ((ticket = STAILQ_FIRST(&parts)) != NULL) {
            STAILQ_REMOVE_HEAD(&parts, link);
            free(ticket);
        }
        return false;
    }
    pthread_mutex_lock(&lock);
    STAILQ_CONCAT(&tickets, &parts);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

/* The last part of a work wakes the handle that waits for it, or frees the work. */
static void work_part_done(Work *work) {
    /* acq_rel: the parts before this one happen before the free or the wake. */
    if (atomic_fetch_sub_explicit(&work->unfinished, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (!work->waited_for) {
        work_free(work);
        return;
    }
    pthread_mutex_lock(&lock);
    work->waited_for = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *thread_main(void *arg) {
    const int *number = arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        Ticket *ticket = STAILQ_FIRST(&tickets);
        if (ticket == NULL && stopping) {
            break;
        }
        if (ticket == NULL) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&tickets, link);
        pthread_mutex_unlock(&lock);
        ticket->work->run(ticket->work, *number);
        work_part_done(ticket->work);
        free(ticket);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static NrStatus start(uint64_t sid, const NrRequest *request, NrBytes payload, int parts,
                      void (*run)(Work *, int)) {
    Work *work = work_new(sid, request, payload, parts);
    if (work == NULL) {
        return NR_ERR;
    }
    work->run = run;
    if (!work_post(work)) {
        work_free(work);
        return NR_ERR;
    }
    return NR_OK;
}

static void run_answer(Work *work, int thread) {
    (void)thread;
    nr_answer(&host, work->sid, NR_OK, work->copy->payload);
}

static NrStatus answer(uint64_t sid, const NrRequest *request, NrBytes payload) {
    return start(sid, request, payload, 1, run_answer);
}

static NrStatus before(uint64_t sid, const NrRequest *request, NrBytes payload) {
    Work *work = work_new(sid, request, payload, 1);
    if (work == NULL) {
        return NR_ERR;
    }
    work->run = run_answer;
    work->waited_for = true;
    bool posted = work_post(work);
    pthread_mutex_lock(&lock);
    while (posted && work->waited_for) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    work_free(work);
    return posted ? NR_OK : NR_ERR;
}

static void run_race(Work *work, int thread) {
    pthread_barrier_wait(&work->together);
    answer_number(work->sid, (uint64_t)thread);
}

static NrStatus race(uint64_t sid, const NrRequest *request, NrBytes payload) {
    return start(sid, request, payload, THREADS, run_race);
}

static void run_stream(Work *work, int thread) {
    char text[48];
    pthread_barrier_wait(&work->together);
    for (uint64_t i = 0; i < work->frames; i++) {
        int len = snprintf(text, sizeof(text), "%d %" PRIu64, thread, i);
        nr_answer(&host, work->sid, NR_OK, nr_bytes(text, (uint64_t)len));
    }
    /* One thread gets another answer than 0, and only when all have sent their frames. */
    if (pthread_barrier_wait(&work->together) != 0) {
        nr_answer_str(&host, work->sid, NR_STREAM_END, "");
    }
}

static NrStatus stream(uint64_t sid, const NrRequest *request, NrBytes payload) {
    return start(sid, request, payload, THREADS, run_stream);
}

static void stop(int started) {
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, thread_main, &numbers[i]) != 0) {
            stop(i);
            return NR_ERR;
        }
    }
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx;
    stop(THREADS);
}

FIXTURE_EXPORT_WITH("fixture_threads", init, shutdown, {"/answer", answer}, {"/before", before},
                    {"/race", race}, {"/stream", stream})
