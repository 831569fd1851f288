/* One thread that runs jobs: at once, later, or again and again.
 *
 * handle must return at once, so whatever takes time needs a thread of the plugin. One that lives
 * from init to shutdown serves all calls; a thread for each call would cost more than most calls
 * do.
 *
 *     post ──▶ ready ──▶ running ──▶ done: freed
 *                ▲          │
 *                │          ▼ again in some time
 *     wake, or ──┴─────── waiting (sorted by due time)
 *     its time has come
 *
 * The worker owns a job from worker_post on, until it calls the job's free. A call has one job at
 * most, which is found by its sid. */
#ifndef ECHO_WORKER_H
#define ECHO_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* What a job's run answers when it has nothing left to do. */
#define JOB_DONE (-1)

/* What it answers to wait until it is woken. */
#define JOB_PARKED INT64_MAX

typedef enum JobState { JOB_READY, JOB_WAITING, JOB_RUNNING, JOB_STATES } JobState;

/* The head of a job; put it first in a structure of your own. The first three fields are the
 * poster's, the others the worker's. */
typedef struct Job {
    uint64_t sid;

    /* Answers in how many milliseconds to run again, JOB_PARKED or JOB_DONE. */
    int64_t (*run)(struct Job *job);

    /* Frees the job. Called exactly once, on any thread. */
    void (*free)(struct Job *job);

    TAILQ_ENTRY(Job) link;
    uint64_t due; /* milliseconds of the monotonic clock, while waiting */
    JobState state;
    bool cancelled; /* was cancelled while it ran */
    bool woken;     /* was woken while it ran */
} Job;

TAILQ_HEAD(JobList, Job);

typedef struct Worker {
    pthread_mutex_t lock; /* guards everything below; never held while a job runs */
    pthread_cond_t changed;
    struct JobList jobs[JOB_STATES];
    bool stopping;
    pthread_t thread;
} Worker;

/* Starts the thread. Answers false when there is none to be had; nothing is to be undone then.
 * [host thread] */
bool worker_start(Worker *worker);

/* Ends the thread after the job that it runs, and frees the jobs that are left. The worker must not
 * be used afterwards. [host thread] */
void worker_stop(Worker *worker);

/* Hands a job over, to be run in so many milliseconds; 0 is at once, in the order of these calls,
 * JOB_PARKED when it is woken. [any thread] */
void worker_post(Worker *worker, Job *job, uint64_t delay);

/* Hands a job over and runs it for the first time on the calling thread, before this returns. It
 * may be freed by then. [any thread] */
void worker_run(Worker *worker, Job *job);

/* Lets the waiting job of that call run now, and one that runs at this moment once more. No job, no
 * effect. [any thread] */
void worker_wake(Worker *worker, uint64_t sid);

/* Frees the job of that call without another run. No job, no effect. [any thread] */
void worker_cancel(Worker *worker, uint64_t sid);

#endif
