#define _GNU_SOURCE
#include "engine.h"

#include <signal.h>
#include <stdlib.h>

#include "run.h"

/* ---- The table of jobs: a chain for each hash of the sid. All with the lock held. ---- */

static sq_job_t **table_slot(sq_engine_t *engine, uint64_t sid) {
    sq_job_t **at = &engine->table[(sid ^ sid >> 20) % SQ_TABLE_SIZE];
    while (*at != NULL && (*at)->sid != sid) {
        at = &(*at)->chain;
    }
    return at;
}

static void table_add(sq_engine_t *engine, sq_job_t *job) {
    sq_job_t **slot = table_slot(engine, job->sid);
    job->chain = *slot;
    *slot = job;
}

static void table_remove(sq_engine_t *engine, sq_job_t *job) {
    sq_job_t **slot = table_slot(engine, job->sid);
    *slot = job->chain;
}

/* ---- Threads ---- */

static void *thread_main(void *arg);

/* One more thread, with all signals blocked: they are the host's. With the lock held. */
static void add_thread(sq_engine_t *engine) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t *thread = &engine->threads[engine->threads_len];
    if (pthread_create(thread, NULL, thread_main, engine) == 0) {
        (void)pthread_setname_np(*thread, "nylon-sqlite");
        engine->threads_len++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Queues the job for a thread that has nothing to do, or for one more. With the lock held. */
static void run_soon(sq_engine_t *engine, sq_job_t *job) {
    bool all_busy = engine->run.len >= engine->idle;
    if (all_busy && engine->threads_len < SQ_THREADS_MAX && !engine->stopping) {
        add_thread(engine);
    }
    sq_queue_push(&engine->run, job);
    (void)pthread_cond_signal(&engine->work);
}

/* What a thread does with a job that it has run for a while. Nobody else touches the job before
 * this has the lock, except its cancel and its writable, which only leave their mark. */
static void put_aside(sq_engine_t *engine, sq_job_t *job, sq_next_t next) {
    bool cancelled = atomic_load_explicit(&job->limits.cancelled, memory_order_relaxed);
    if (next == SQ_PARK && !job->writable && !cancelled) {
        job->parked = true;
        return;
    }
    job->writable = false;
    sq_queue_push(&engine->run, job); /* this very thread takes the next one */
}

static void *thread_main(void *arg) {
    sq_engine_t *engine = arg;
    (void)pthread_mutex_lock(&engine->lock);
    for (;;) {
        while (engine->run.first == NULL && !engine->stopping) {
            engine->idle++;
            (void)pthread_cond_wait(&engine->work, &engine->lock);
            engine->idle--;
        }
        sq_job_t *job = sq_queue_pop(&engine->run);
        if (job == NULL) {
            break; /* stopping, and what is left to do is with the other threads */
        }
        (void)pthread_mutex_unlock(&engine->lock);
        sq_next_t next = sq_run(engine, job);
        (void)pthread_mutex_lock(&engine->lock);
        if (next == SQ_PARK || next == SQ_AGAIN) {
            put_aside(engine, job, next);
        }
    }
    (void)pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* ---- Submitting, cancelling, going on ---- */

bool sq_engine_submit(sq_engine_t *engine, sq_job_t *job) {
    (void)pthread_mutex_lock(&engine->lock);
    table_add(engine, job);
    run_soon(engine, job);
    bool ok = engine->threads_len > 0;
    if (!ok) {
        sq_queue_remove(job);
        table_remove(engine, job);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    return ok;
}

/* Marks the job and makes it run to its end wherever it is. With the lock held. */
static void cancel(sq_engine_t *engine, sq_job_t *job) {
    atomic_store_explicit(&job->limits.cancelled, true, memory_order_relaxed);
    if (job->conn != NULL) {
        sqlite3_interrupt(
            job->conn->db); /* this connection runs nothing but this job's statement */
    }
    bool in_line = job->queue != NULL && job->queue != &engine->run;
    if (in_line) {
        sq_queue_remove(job);
    }
    if (in_line || job->parked) {
        job->parked = false;
        run_soon(engine, job);
    }
}

void sq_engine_cancel(sq_engine_t *engine, uint64_t sid) {
    (void)pthread_mutex_lock(&engine->lock);
    sq_job_t *job = *table_slot(engine, sid);
    if (job != NULL) {
        cancel(engine, job);
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

void sq_engine_writable(sq_engine_t *engine, uint64_t sid) {
    (void)pthread_mutex_lock(&engine->lock);
    sq_job_t *job = *table_slot(engine, sid);
    if (job != NULL && job->parked) {
        job->parked = false;
        run_soon(engine, job);
    } else if (job != NULL) {
        job->writable = true;
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

/* ---- Files ---- */

static void set_conn(sq_engine_t *engine, sq_job_t *job, sq_conn_t *conn) {
    (void)pthread_mutex_lock(&engine->lock);
    job->conn = conn;
    (void)pthread_mutex_unlock(&engine->lock);
}

/* Takes an idle connection, but none to a file that was removed or replaced meanwhile. */
static void take_idle(sq_engine_t *engine, sq_job_t *job) {
    for (;;) {
        (void)pthread_mutex_lock(&engine->lock);
        sq_files_take(job);
        sq_conn_t *conn = job->conn;
        (void)pthread_mutex_unlock(&engine->lock);
        if (conn == NULL || sq_conn_is_current(conn, job->db)) {
            return;
        }
        nr_logf(&engine->host, job->sid, NR_LOG_DEBUG, "%s is another file now, opening it",
                job->db);
        set_conn(engine, job, NULL);
        sq_conn_close(conn);
    }
}

static bool connect(sq_engine_t *engine, sq_job_t *job) {
    take_idle(engine, job);
    if (job->conn != NULL) {
        return true;
    }
    bool writes = job->route == SQ_EXEC;
    sq_conn_t *conn = sq_conn_open(job->db, writes, engine, &job->limits, &job->fault);
    if (conn == NULL) {
        return false;
    }
    set_conn(engine, job, conn);
    nr_logf(&engine->host, job->sid, NR_LOG_DEBUG, "opened %s for %s", job->db,
            writes ? "writing" : "reading");
    return true;
}

bool sq_engine_enter(sq_engine_t *engine, sq_job_t *job, sq_next_t *next) {
    if (job->file == NULL) {
        sq_file_t *evicted = NULL;
        (void)pthread_mutex_lock(&engine->lock);
        sq_entry_t entry = sq_files_enter(&engine->files, job, &evicted);
        (void)pthread_mutex_unlock(&engine->lock);
        sq_file_free(evicted);
        if (entry != SQ_ENTERED) {
            *next = entry == SQ_IN_LINE ? SQ_AWAY : SQ_DONE;
            return false;
        }
    }
    *next = SQ_DONE;
    return job->conn != NULL || connect(engine, job);
}

/* ---- The answer ---- */

static void free_payload(uint8_t *ptr, size_t len, size_t cap) {
    (void)len, (void)cap;
    free(ptr);
}

/* Hands the memory of the answer over, so that nobody copies it. */
static void answer(sq_engine_t *engine, uint64_t sid, NrStatus status, sq_buf_t *out) {
    const NrHost *host = &engine->host;
    if (host->result == NULL) {
        host->v1->send_result(host->ctx, sid, status, nr_bytes(out->data, out->len));
        return;
    }
    NrVecU8 payload = {.owned = 1, .drop_fn = free_payload};
    payload.ptr = (uint8_t *)sq_buf_take(out, &payload.len, &payload.cap);
    payload.drop_fn = payload.ptr != NULL ? free_payload : NULL;
    (void)host->result->send_result(host->ctx, sid, status, payload);
}

sq_next_t sq_engine_finish(sq_engine_t *engine, sq_job_t *job, NrStatus status) {
    sq_job_drop_statement(job);
    sq_conn_t *surplus = NULL;
    (void)pthread_mutex_lock(&engine->lock);
    sq_job_t *next = sq_files_leave(&engine->files, job, &surplus);
    if (next != NULL) {
        run_soon(engine, next);
    }
    table_remove(engine, job);
    (void)pthread_mutex_unlock(&engine->lock);
    sq_conn_close(surplus);
    answer(engine, job->sid, status, &job->out);
    sq_job_free(job);
    return SQ_DONE;
}

/* ---- Beginning and end ---- */

void sq_engine_init(sq_engine_t *engine, NrHost host) {
    engine->host = host;
    (void)pthread_mutex_init(&engine->lock, NULL);
    (void)pthread_cond_init(&engine->work, NULL);
}

void sq_engine_deinit(sq_engine_t *engine) {
    (void)pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    for (size_t i = 0; i < SQ_TABLE_SIZE; i++) {
        for (sq_job_t *job = engine->table[i]; job != NULL; job = job->chain) {
            cancel(engine, job);
        }
    }
    (void)pthread_cond_broadcast(&engine->work);
    (void)pthread_mutex_unlock(&engine->lock);
    for (size_t i = 0; i < engine->threads_len; i++) {
        (void)pthread_join(engine->threads[i], NULL);
    }
    sq_files_deinit(&engine->files);
    (void)pthread_cond_destroy(&engine->work);
    (void)pthread_mutex_destroy(&engine->lock);
}
