#define _POSIX_C_SOURCE 200809L

#include "worker.h"

#include <time.h>

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The functions named locked_... are called with the lock held. */

static void locked_enter(Worker *worker, Job *job, JobState state) {
    job->state = state;
    TAILQ_INSERT_TAIL(&worker->jobs[state], job, link);
}

static void locked_leave(Worker *worker, Job *job) {
    TAILQ_REMOVE(&worker->jobs[job->state], job, link);
}

/* Due times mostly grow, so the place is near the tail. */
static void locked_wait(Worker *worker, Job *job, uint64_t delay) {
    struct JobList *waiting = &worker->jobs[JOB_WAITING];
    uint64_t now = now_ms();
    job->state = JOB_WAITING;
    job->due = delay < JOB_PARKED ? now + delay : UINT64_MAX;
    Job *before = TAILQ_LAST(waiting, JobList);
    while (before != NULL && before->due > job->due) {
        before = TAILQ_PREV(before, JobList, link);
    }
    if (before != NULL) {
        TAILQ_INSERT_AFTER(waiting, before, job, link);
    } else {
        TAILQ_INSERT_HEAD(waiting, job, link);
    }
}

static void locked_schedule(Worker *worker, Job *job, uint64_t delay) {
    if (delay == 0) {
        locked_enter(worker, job, JOB_READY);
    } else {
        locked_wait(worker, job, delay);
    }
    pthread_cond_signal(&worker->changed);
}

static Job *locked_find(Worker *worker, uint64_t sid) {
    for (int state = 0; state < JOB_STATES; state++) {
        Job *job;
        TAILQ_FOREACH(job, &worker->jobs[state], link) {
            if (job->sid == sid) {
                return job;
            }
        }
    }
    return NULL;
}

/* Runs a job that is in no list, then frees it or puts it where it waits for its next run. The lock
 * is let go meanwhile: run and free call the host, which may call the plugin back. */
static void locked_run(Worker *worker, Job *job) {
    job->woken = false;
    locked_enter(worker, job, JOB_RUNNING);
    pthread_mutex_unlock(&worker->lock);
    int64_t delay = job->run(job);
    pthread_mutex_lock(&worker->lock);
    locked_leave(worker, job);
    if (delay != JOB_DONE && !job->cancelled) {
        locked_schedule(worker, job, job->woken ? 0 : (uint64_t)delay);
        return;
    }
    pthread_mutex_unlock(&worker->lock);
    job->free(job);
    pthread_mutex_lock(&worker->lock);
}

static void locked_sleep(Worker *worker) {
    Job *next = TAILQ_FIRST(&worker->jobs[JOB_WAITING]);
    if (next == NULL || next->due == UINT64_MAX) {
        pthread_cond_wait(&worker->changed, &worker->lock);
        return;
    }
    struct timespec until = {(time_t)(next->due / 1000), (long)(next->due % 1000) * 1000000};
    pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
}

static void locked_make_due_ready(Worker *worker) {
    Job *job;
    uint64_t now = now_ms();
    while ((job = TAILQ_FIRST(&worker->jobs[JOB_WAITING])) != NULL && job->due <= now) {
        locked_leave(worker, job);
        locked_enter(worker, job, JOB_READY);
    }
}

static void *worker_main(void *arg) {
    Worker *worker = arg;
    pthread_mutex_lock(&worker->lock);
    while (!worker->stopping) {
        locked_make_due_ready(worker);
        Job *job = TAILQ_FIRST(&worker->jobs[JOB_READY]);
        if (job == NULL) {
            locked_sleep(worker);
            continue;
        }
        locked_leave(worker, job);
        locked_run(worker, job);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

bool worker_start(Worker *worker) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&worker->lock, NULL);
    for (int state = 0; state < JOB_STATES; state++) {
        TAILQ_INIT(&worker->jobs[state]);
    }
    worker->stopping = false;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) == 0) {
        return true;
    }
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->changed);
    return false;
}

void worker_stop(Worker *worker) {
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);

    for (int state = 0; state < JOB_STATES; state++) {
        Job *job;
        while ((job = TAILQ_FIRST(&worker->jobs[state])) != NULL) {
            TAILQ_REMOVE(&worker->jobs[state], job, link);
            job->free(job);
        }
    }
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->changed);
}

void worker_post(Worker *worker, Job *job, uint64_t delay) {
    job->cancelled = false;
    pthread_mutex_lock(&worker->lock);
    locked_schedule(worker, job, delay);
    pthread_mutex_unlock(&worker->lock);
}

void worker_run(Worker *worker, Job *job) {
    job->cancelled = false;
    pthread_mutex_lock(&worker->lock);
    locked_run(worker, job);
    pthread_mutex_unlock(&worker->lock);
}

void worker_wake(Worker *worker, uint64_t sid) {
    pthread_mutex_lock(&worker->lock);
    Job *job = locked_find(worker, sid);
    if (job != NULL && job->state == JOB_WAITING) {
        locked_leave(worker, job);
        locked_schedule(worker, job, 0);
    } else if (job != NULL) {
        job->woken = true;
    }
    pthread_mutex_unlock(&worker->lock);
}

void worker_cancel(Worker *worker, uint64_t sid) {
    pthread_mutex_lock(&worker->lock);
    Job *job = locked_find(worker, sid);
    if (job != NULL && job->state == JOB_RUNNING) {
        job->cancelled = true;
        job = NULL;
    } else if (job != NULL) {
        locked_leave(worker, job);
    }
    pthread_mutex_unlock(&worker->lock);
    if (job != NULL) {
        job->free(job);
    }
}
