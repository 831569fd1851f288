/*
 * A retirement is held by the loop (then by the event that it becomes), by its helper, and by its
 * job while that is in the mailbox; the last of them frees it. The image is not held: it lives on
 * anyway.
 */
#define _POSIX_C_SOURCE 200809L
#include "retire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include "error.h"
#include "worker.h"

/* How long what the helper runs may take before the loop parts from it. */
#define SHUTDOWN_LIMIT_MS 5000
#define SHUTDOWN_LIMIT_MOST UINT32_MAX /* so that it can be counted in nanoseconds */

typedef enum stage {
    DRAINING,
    IN_SHUTDOWN,
    AWAITS_VERDICT, /* and then closes */
    ENDED
} stage_t;

typedef enum verdict { UNDECIDED, CLOSE, LEAVE } verdict_t;

struct nr__retire {
    nr__image_t *image;

    /* The loop's. */
    nr_worker_t *worker; /* NULL: the loop has done its part */
    nr__lane_t *lane;
    int started;       /* the helper */
    nr__timer_t timer; /* the grace, then the helper's limit */
    uint64_t limit_ms;
    nr__event_t event; /* the report */
    struct nr__retire *previous, *next;

    /* Shared with the helper; `lock` is of what follows it. */
    nr__address_t address;
    nr__job_t job; /* the helper's "look at me" */
    atomic_uint refs;
    uv_mutex_t lock;
    uv_cond_t changed;
    stage_t stage;
    verdict_t verdict;
    int queued;  /* the job is on its way */
    int overdue; /* the loop has parted from the helper, which still runs */
    int gone;    /* what closing came to */
};

#define RETIRE_OF(member, pointer)                                                                 \
    ((nr__retire_t *)(void *)((char *)(pointer)-offsetof(nr__retire_t, member)))

/* Images that stay mapped and may still run code. */
static atomic_size_t abandoned;

size_t nr_host_abandoned(void) {
    return atomic_load_explicit(&abandoned, memory_order_acquire);
}

static uint64_t limit_ms(void) {
    const char *wish = getenv("NYLON_RING_SHUTDOWN_MS");
    uint64_t ms = wish != NULL ? strtoull(wish, NULL, 10) : 0;
    ms = ms < SHUTDOWN_LIMIT_MOST ? ms : SHUTDOWN_LIMIT_MOST;
    return ms != 0 ? ms : SHUTDOWN_LIMIT_MS;
}

/* ---- Memory ------------------------------------------------------------------------------ */

static void ref(nr__retire_t *retire) {
    atomic_fetch_add_explicit(&retire->refs, 1, memory_order_relaxed);
}

/* For who knows of another reference. */
static void unref_not_last(nr__retire_t *retire) {
    atomic_fetch_sub_explicit(&retire->refs, 1, memory_order_release);
}

static void unref(nr__retire_t *retire) {
    /* The last one sees all that the others have written. */
    if (atomic_fetch_sub_explicit(&retire->refs, 1, memory_order_acq_rel) == 1) {
        nr__retire_free(retire);
    }
}

static void on_event_fetched(nr__event_t *event) {
    unref(RETIRE_OF(event, event));
}

static void on_job(nr__job_t *job, nr_worker_t *worker);

nr__retire_t *nr__retire_new(nr_worker_t *worker, void *user, nr_error_t *err) {
    nr__retire_t *retire = calloc(1, sizeof(*retire));
    if (retire == NULL || uv_mutex_init(&retire->lock) != 0) {
        goto no_memory;
    }
    if (uv_cond_init(&retire->changed) != 0) {
        uv_mutex_destroy(&retire->lock);
        goto no_memory;
    }
    retire->worker = worker;
    retire->address = nr__worker_address(worker);
    retire->job.run = on_job;
    retire->event.free = on_event_fetched;
    retire->event.event.kind = NR_EVENT_UNLOADED;
    retire->event.event.user = user;
    atomic_init(&retire->refs, 1);
    return retire;
no_memory:
    free(retire);
    nr__fail(err, NR_E_NO_MEMORY, "out of memory while a plugin was being unloaded");
    return NULL;
}

void nr__retire_free(nr__retire_t *retire) {
    uv_cond_destroy(&retire->changed);
    uv_mutex_destroy(&retire->lock);
    free(retire);
}

/* ---- The helper thread ------------------------------------------------------------------- */

/* Puts the job into the worker's mailbox, unless it is there already. */
static void notify(nr__retire_t *retire) {
    uv_mutex_lock(&retire->lock);
    int post = !retire->queued && !retire->overdue;
    retire->queued = retire->queued || post;
    uv_mutex_unlock(&retire->lock);
    if (post) {
        ref(retire);
        if (nr__worker_post(retire->address, &retire->job) != 0) {
            unref_not_last(retire); /* the closing worker waits for `changed` instead, or parted */
        }
    }
}

/* Goes on to `stage` and tells the loop; 1 when the loop has parted from the helper before. */
static int advance(nr__retire_t *retire, stage_t stage) {
    uv_mutex_lock(&retire->lock);
    retire->stage = stage;
    uv_cond_broadcast(&retire->changed);
    int overdue = retire->overdue;
    uv_mutex_unlock(&retire->lock);
    notify(retire);
    return overdue;
}

static verdict_t await_verdict(nr__retire_t *retire) {
    uv_mutex_lock(&retire->lock);
    while (retire->verdict == UNDECIDED) {
        uv_cond_wait(&retire->changed, &retire->lock);
    }
    verdict_t verdict = retire->verdict;
    uv_mutex_unlock(&retire->lock);
    return verdict;
}

static void helper_main(void *arg) {
    nr__retire_t *retire = arg;
    nr__image_shutdown(retire->image);
    advance(retire, AWAITS_VERDICT);
    if (await_verdict(retire) == CLOSE) {
        retire->gone = nr__image_close(retire->image);
    } else {
        nr__image_abandon(retire->image);
    }
    if (advance(retire, ENDED) && !nr__image_may_run(retire->image)) {
        atomic_fetch_sub_explicit(&abandoned, 1, memory_order_release); /* late, but in order */
    }
    unref(retire);
}

/* ---- The end ----------------------------------------------------------------------------- */

static nr_unload_report_t *report_of(nr__retire_t *retire) {
    return &retire->event.event.report;
}

static void unlink_from_worker(nr__retire_t *retire) {
    nr__plugins_t *plugins = &retire->worker->plugins;
    if (retire->previous != NULL) {
        retire->previous->next = retire->next;
    } else {
        plugins->retiring = retire->next;
    }
    if (retire->next != NULL) {
        retire->next->previous = retire->previous;
    }
    plugins->retiring_len--;
}

/* The loop's part is done: the report goes out, or the worker is closing and nobody wants it. */
static void finish(nr__retire_t *retire, int silent) {
    nr_worker_t *worker = retire->worker;
    nr_unload_report_t *report = report_of(retire);
    report->owed = atomic_load_explicit(&retire->image->owed, memory_order_acquire);
    nr__worker_after_cancel(worker, &retire->timer);
    unlink_from_worker(retire);
    retire->worker = NULL;
    if (silent) {
        unref(retire);
    } else {
        nr__worker_emit(worker, &retire->event);
    }
    nr__worker_update(worker);
}

/* The helper has ended. */
static void conclude(nr__retire_t *retire, int silent) {
    nr_unload_report_t *report = report_of(retire);
    report->unmapped = retire->gone;
    if (!retire->gone && report->reason[0] == '\0') {
        snprintf(report->reason, sizeof(report->reason),
                 "the system keeps it: another library uses it, or a thread has data of it");
    }
    if (nr__image_may_run(retire->image)) {
        atomic_fetch_add_explicit(&abandoned, 1, memory_order_release);
    }
    finish(retire, silent);
}

/* The helper has not come back in time: whatever it does, the loop does not wait for it. */
static void part(nr__retire_t *retire, int silent) {
    uv_mutex_lock(&retire->lock);
    stage_t stage = retire->stage;
    if (stage != ENDED) {
        retire->overdue = 1;
        retire->verdict = retire->verdict == UNDECIDED ? LEAVE : retire->verdict;
        atomic_fetch_add_explicit(&abandoned, 1, memory_order_release);
        uv_cond_broadcast(&retire->changed);
    }
    uv_mutex_unlock(&retire->lock);
    if (stage == ENDED) {
        conclude(retire, silent);
        return;
    }
    snprintf(report_of(retire)->reason, sizeof(report_of(retire)->reason),
             "its %s has not returned within %" PRIu64 " ms (NYLON_RING_SHUTDOWN_MS)",
             stage == IN_SHUTDOWN ? "shutdown" : "static destructors", retire->limit_ms);
    finish(retire, silent);
}

static void on_limit(nr__timer_t *timer) {
    part(RETIRE_OF(timer, timer), 0);
}

/* ---- The way there ----------------------------------------------------------------------- */

/* After shutdown has returned: no call is open, so nothing of the image is used but what the reason
 * names. */
static void decide(nr__retire_t *retire) {
    nr_unload_report_t *report = report_of(retire);
    int keeps = nr__image_keeps(retire->image, report->reason, sizeof(report->reason));
    if (!keeps) {
        nr__worker_release_parked(retire->worker, retire->image);
    }
    uv_mutex_lock(&retire->lock);
    retire->verdict = keeps ? LEAVE : CLOSE;
    uv_cond_broadcast(&retire->changed);
    uv_mutex_unlock(&retire->lock);
}

/* 0, or the image is left as it is. */
static int start_helper(nr__retire_t *retire) {
    retire->lane->on_idle = NULL;
    retire->started = 1;
    retire->stage = IN_SHUTDOWN;
    ref(retire);
    int rc = nr__thread_start(helper_main, retire, NULL);
    if (rc != 0) {
        retire->stage = ENDED;
        nr__image_abandon(retire->image);
        atomic_fetch_add_explicit(&abandoned, 1, memory_order_release);
        snprintf(report_of(retire)->reason, sizeof(report_of(retire)->reason),
                 "no thread could be started for its shutdown");
        unref_not_last(retire);
    }
    return rc;
}

static void shut_down(nr__retire_t *retire) {
    nr__worker_after_cancel(retire->worker, &retire->timer);
    retire->timer.fire = on_limit;
    nr__worker_after(retire->worker, retire->limit_ms, &retire->timer);
    if (start_helper(retire) != 0) {
        finish(retire, 0);
    }
}

static void on_job(nr__job_t *job, nr_worker_t *worker) {
    nr__retire_t *retire = RETIRE_OF(job, job);
    uv_mutex_lock(&retire->lock);
    retire->queued = 0;
    stage_t stage = retire->stage;
    verdict_t verdict = retire->verdict;
    uv_mutex_unlock(&retire->lock);
    int part_done = worker == NULL || retire->worker == NULL;
    if (!part_done && !retire->started) {
        shut_down(retire);
    } else if (!part_done && stage == ENDED) {
        conclude(retire, 0);
    } else if (!part_done && stage == AWAITS_VERDICT && verdict == UNDECIDED) {
        nr__worker_after_cancel(worker, &retire->timer);
        nr__worker_after(worker, retire->limit_ms, &retire->timer);
        decide(retire);
    }
    unref(retire);
}

/* The last call has finished, perhaps with its plugin still being told so: the helper has to wait
 * for the end of that. */
static void on_idle(nr__lane_t *lane) {
    notify(lane->owner);
}

/* What this gives up leads to on_idle; what was answered just now does so when it is fetched. */
static void on_grace(nr__timer_t *timer) {
    nr__retire_t *retire = RETIRE_OF(timer, timer);
    nr_unload_report_t *report = report_of(retire);
    report->completed = nr__worker_give_up_lane(retire->worker, retire->lane, NR_E_PLUGIN_UNLOADED);
    report->error = report->completed > 0 ? NR_E_DRAIN_TIMEOUT : 0;
}

void nr__retire_begin(nr__retire_t *retire, nr__lane_t *lane, uint64_t grace_ms) {
    nr__plugins_t *plugins = &retire->worker->plugins;
    retire->lane = lane;
    retire->image = lane->image;
    retire->limit_ms = limit_ms();
    retire->next = plugins->retiring;
    if (retire->next != NULL) {
        retire->next->previous = retire;
    }
    plugins->retiring = retire;
    plugins->retiring_len++;
    lane->closed = 1;
    if (lane->in_flight == 0) {
        shut_down(retire);
    } else {
        lane->owner = retire;
        lane->on_idle = on_idle;
        retire->timer.fire = on_grace;
        nr__worker_after(retire->worker, grace_ms, &retire->timer);
    }
    nr__worker_update(retire->worker);
}

/* ---- A worker that closes ---------------------------------------------------------------- */

/* Waits until the helper has left `stage`; 0 when it has not by then. */
static int await(nr__retire_t *retire, stage_t stage, uint64_t until) {
    uv_mutex_lock(&retire->lock);
    for (uint64_t now = nr__now(); retire->stage <= stage && now < until; now = nr__now()) {
        uv_cond_timedwait(&retire->changed, &retire->lock, (until - now) * 1000000);
    }
    int left = retire->stage > stage;
    uv_mutex_unlock(&retire->lock);
    return left;
}

static int is_undecided(nr__retire_t *retire) {
    uv_mutex_lock(&retire->lock);
    int undecided = retire->verdict == UNDECIDED;
    uv_mutex_unlock(&retire->lock);
    return undecided;
}

void nr__retire_all(nr_worker_t *worker) {
    nr__retire_t *retire, *next;
    for (retire = worker->plugins.retiring; retire != NULL; retire = next) {
        next = retire->next;
        nr__worker_after_cancel(worker, &retire->timer);
        if (!retire->started && start_helper(retire) != 0) {
            finish(retire, 1);
        }
    }
    uint64_t until = nr__now() + limit_ms();
    for (retire = worker->plugins.retiring; retire != NULL; retire = retire->next) {
        if (await(retire, IN_SHUTDOWN, until) && is_undecided(retire)) {
            decide(retire);
        }
    }
    for (retire = worker->plugins.retiring; retire != NULL; retire = next) {
        next = retire->next;
        await(retire, AWAITS_VERDICT, until);
        part(retire, 1);
    }
}
