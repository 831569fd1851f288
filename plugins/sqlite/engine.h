/* The threads of the plugin, what they have to do, and the table of calls that are under way.
 *
 * One lock guards all of it; it is held for a few pointers at a time, never while SQLite or the
 * host works (but for sqlite3_interrupt, which only sets a flag). Threads are started when there is
 * work for them, up to SQ_THREADS_MAX; they block all signals. */
#ifndef SQ_ENGINE_H
#define SQ_ENGINE_H

#include <pthread.h>

#include "files.h"

#define SQ_THREADS_MAX 16
#define SQ_TABLE_SIZE 1024

typedef struct sq_engine {
    NrHost host;
    pthread_mutex_t lock;
    pthread_cond_t work; /* the run queue has something, or stopping */
    sq_queue_t run;
    sq_files_t files;
    sq_job_t *table[SQ_TABLE_SIZE]; /* by sid: every job from submit to finish */
    pthread_t threads[SQ_THREADS_MAX];
    size_t threads_len;
    size_t idle; /* threads that wait for work */
    bool stopping;
} sq_engine_t;

/* What becomes of a job whose thread turns to another. */
typedef enum sq_next {
    SQ_DONE,  /* it was answered and is gone */
    SQ_AWAY,  /* it stands in its file's line, no longer ours */
    SQ_AGAIN, /* its time slice is over */
    SQ_PARK   /* the reader of its stream is behind */
} sq_next_t;

/* [host thread] */
void sq_engine_init(sq_engine_t *engine, NrHost host);

/* Takes the job over. False: there is no thread to run it, and it stays the caller's. [host thread]
 */
bool sq_engine_submit(sq_engine_t *engine, sq_job_t *job);

/* The call was given up: interrupts its statement, or its waiting. It still answers. [any thread]
 */
void sq_engine_cancel(sq_engine_t *engine, uint64_t sid);

/* The stream has room again. [any thread] */
void sq_engine_writable(sq_engine_t *engine, uint64_t sid);

/* Lets the job into its file. True: go on, with job->conn set. False: *next tells what became of
 * the job; when it is SQ_DONE it has job->fault and is still to be finished. [plugin thread] */
bool sq_engine_enter(sq_engine_t *engine, sq_job_t *job, sq_next_t *next);

/* Gives the job's connection back, answers the call with job->out and frees the job. Answers
 * SQ_DONE. [plugin thread] */
sq_next_t sq_engine_finish(sq_engine_t *engine, sq_job_t *job, NrStatus status);

/* Cancels what is under way, waits for the threads and closes all files. [host thread] */
void sq_engine_deinit(sq_engine_t *engine);

#endif
