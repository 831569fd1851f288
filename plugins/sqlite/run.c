#include "run.h"

#include "bind.h"
#include "exec.h"

/* Frames that a stream sends before it stands back for other jobs. */
#define SLICE_FRAMES 256

/* Answers with the fault's status and text. */
static sq_next_t fail(sq_engine_t *engine, sq_job_t *job) {
    sq_buf_clear(&job->out);
    (void)sq_buf_add_str(&job->out, job->fault.text);
    NrStatus status = job->fault.status;
    nr_logf(&engine->host, job->sid, NR_LOG_DEBUG, "%s: %s", job->db, job->fault.text);
    return sq_engine_finish(engine, job, status);
}

/* /query and /rows: the statement, with its parameters bound. */
static bool start_reading(sq_job_t *job) {
    sq_statement_t wanted = sq_body_statement(&job->body, 0);
    sqlite3_stmt *stmt = sq_conn_prepare(job->conn, wanted.sql, wanted.sql_len, &job->fault);
    if (stmt == NULL) {
        return false;
    }
    if (!sqlite3_stmt_readonly(stmt)) {
        return sq_fail(&job->fault, NR_INVALID, "this statement writes: use /exec");
    }
    job->stmt = stmt;
    return sq_bind(stmt, wanted.params, &job->fault);
}

/* Steps to the next row and writes it to job->out. SQLITE_ROW or SQLITE_DONE; anything else is in
 * job->fault. */
static int read_row(sq_job_t *job, const char *before) {
    int rc = sqlite3_step(job->stmt);
    if (rc == SQLITE_DONE) {
        return rc;
    }
    if (rc != SQLITE_ROW) {
        (void)sq_fail_sqlite(&job->fault, job->conn->db);
        return rc;
    }
    (void)sq_buf_add_str(&job->out, before);
    return sq_row_write(&job->row, job->stmt, &job->out, &job->fault) ? rc : SQLITE_ERROR;
}

static sq_next_t run_query(sq_engine_t *engine, sq_job_t *job) {
    int rc = read_row(job, "[");
    bool empty = rc == SQLITE_DONE;
    while (rc == SQLITE_ROW) {
        rc = read_row(job, ",");
    }
    if (rc != SQLITE_DONE) {
        return fail(engine, job);
    }
    if (!sq_buf_add_str(&job->out, empty ? "[]" : "]")) {
        (void)sq_fail_memory(&job->fault);
        return fail(engine, job);
    }
    return sq_engine_finish(engine, job, NR_OK);
}

/* Sends the frame in job->out. A refused one stays there until the host says that there is room. */
static NrStatus send_frame(sq_engine_t *engine, sq_job_t *job) {
    NrBytes frame = nr_bytes(job->out.data, job->out.len);
    NrStatus status = nr_offer(&engine->host, job->sid, NR_OK, frame);
    job->frame_waits = status == NR_BACKPRESSURE;
    return status;
}

static sq_next_t run_rows(sq_engine_t *engine, sq_job_t *job) {
    for (int i = 0; i < SLICE_FRAMES; i++) {
        if (!job->frame_waits) {
            sq_buf_clear(&job->out);
            int rc = read_row(job, "");
            if (rc != SQLITE_ROW) {
                return rc == SQLITE_DONE ? sq_engine_finish(engine, job, NR_STREAM_END)
                                         : fail(engine, job);
            }
        }
        NrStatus status = send_frame(engine, job);
        if (status == NR_BACKPRESSURE) {
            return SQ_PARK;
        }
        if (status != NR_OK) { /* nobody reads any more */
            (void)sq_fail(&job->fault, NR_ERR, "interrupted");
            return fail(engine, job);
        }
    }
    return SQ_AGAIN;
}

/* What every job does first, once. */
static bool read_body(sq_job_t *job) {
    return job->body.json != NULL ||
           sq_body_init(&job->body, job->text, job->text_len, job->route == SQ_EXEC, &job->fault);
}

sq_next_t sq_run(sq_engine_t *engine, sq_job_t *job) {
    if (atomic_load_explicit(&job->limits.cancelled, memory_order_relaxed)) {
        (void)sq_fail(&job->fault, NR_ERR, "interrupted");
        return fail(engine, job);
    }
    sq_next_t next = SQ_DONE;
    if (!read_body(job)) {
        return fail(engine, job);
    }
    if (!sq_engine_enter(engine, job, &next)) {
        return next == SQ_DONE ? fail(engine, job) : next;
    }
    if (job->route == SQ_EXEC) {
        return sq_exec(job) ? sq_engine_finish(engine, job, NR_OK) : fail(engine, job);
    }
    if (job->stmt == NULL && !start_reading(job)) {
        return fail(engine, job);
    }
    return job->route == SQ_QUERY ? run_query(engine, job) : run_rows(engine, job);
}
