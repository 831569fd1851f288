#include "exec.h"

#include <stdio.h>

#include "bind.h"

/* What the runs of one statement come to. */
typedef struct sq_outcome {
    sqlite3_int64 changes;
    size_t rows; /* returned, and written to job->out */
} sq_outcome_t;

static bool step_to_end(sq_job_t *job, sq_outcome_t *outcome) {
    for (;;) {
        int rc = sqlite3_step(job->stmt);
        if (rc == SQLITE_DONE) {
            return true;
        }
        if (rc != SQLITE_ROW) {
            return sq_fail_sqlite(&job->fault, job->conn->db);
        }
        if (outcome->rows++ > 0) {
            (void)sq_buf_add_str(&job->out, ",");
        }
        if (!sq_row_write(&job->row, job->stmt, &job->out, &job->fault)) {
            return false;
        }
    }
}

static bool run_once(sq_job_t *job, const json_t *params, sq_outcome_t *outcome) {
    sqlite3 *db = job->conn->db;
    /* sqlite3_changes keeps its value over statements that change nothing; the total tells. */
    sqlite3_int64 before = sqlite3_total_changes64(db);
    if (!sq_bind(job->stmt, params, &job->fault) || !step_to_end(job, outcome)) {
        return false;
    }
    if (sqlite3_total_changes64(db) != before) {
        outcome->changes += sqlite3_changes64(db);
    }
    (void)sqlite3_reset(job->stmt);
    return true;
}

static bool run_for_each(sq_job_t *job, const json_t *rows, sq_outcome_t *outcome) {
    size_t i;
    const json_t *params;
    json_array_foreach(rows, i, params) {
        if (atomic_load_explicit(&job->limits.cancelled, memory_order_relaxed)) {
            return sq_fail(&job->fault, NR_ERR, "interrupted");
        }
        if (!run_once(job, params, outcome)) {
            sq_fault_t reason = job->fault;
            return sq_fail(&job->fault, reason.status, "row %zu: %.950s", i + 1, reason.text);
        }
    }
    return true;
}

static bool start_statement(sq_job_t *job, const sq_statement_t *wanted) {
    job->stmt = sq_conn_prepare(job->conn, wanted->sql, wanted->sql_len, &job->fault);
    if (job->stmt == NULL) {
        return false;
    }
    sqlite3_set_last_insert_rowid(job->conn->db, 0);
    return true;
}

/* Writes the statement's answer; only rows and counts meet here, so it is put together as it comes.
 */
static bool run_statement(sq_job_t *job, const sq_statement_t *wanted) {
    if (!start_statement(job, wanted)) {
        return false;
    }
    bool returns = sqlite3_column_count(job->stmt) > 0;
    sq_outcome_t outcome = {.changes = 0, .rows = 0};
    (void)sq_buf_add_str(&job->out, returns ? "{\"rows\":[" : "{");
    bool ok = wanted->rows != NULL ? run_for_each(job, wanted->rows, &outcome)
                                   : run_once(job, wanted->params, &outcome);
    if (!ok) {
        return false;
    }
    sq_job_drop_statement(job);
    char counts[112];
    (void)snprintf(counts, sizeof(counts), "%s\"changes\":%lld,\"last_insert_rowid\":%lld}",
                   returns ? "]," : "", (long long)outcome.changes,
                   (long long)sqlite3_last_insert_rowid(job->conn->db));
    return sq_buf_add_str(&job->out, counts) || sq_fail_memory(&job->fault);
}

static bool run_list(sq_job_t *job) {
    (void)sq_buf_add_str(&job->out, "[");
    for (size_t i = 0; i < job->body.len; i++) {
        sq_statement_t wanted = sq_body_statement(&job->body, i);
        if (i > 0) {
            (void)sq_buf_add_str(&job->out, ",");
        }
        if (!run_statement(job, &wanted)) {
            sq_fault_t reason = job->fault;
            return sq_fail(&job->fault, reason.status, "statement %zu: %.950s", i + 1, reason.text);
        }
    }
    return sq_buf_add_str(&job->out, "]") || sq_fail_memory(&job->fault);
}

/* Ours, which no statement of a caller can send. */
static bool control(sq_job_t *job, const char *sql) {
    sqlite3 *db = job->conn->db;
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || sq_fail_sqlite(&job->fault, db);
}

static bool run_in_transaction(sq_job_t *job, const sq_statement_t *first) {
    sqlite3 *db = job->conn->db;
    if (!control(job, "BEGIN IMMEDIATE")) {
        return false;
    }
    bool ok = job->body.is_list ? run_list(job) : run_statement(job, first);
    sq_job_drop_statement(job);
    ok = ok && control(job, "COMMIT");
    if (sqlite3_get_autocommit(db) == 0) { /* some errors have rolled back already */
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return ok;
}

bool sq_exec(sq_job_t *job) {
    sq_statement_t first = {.sql = "", .rows = NULL};
    if (!job->body.is_list) {
        first = sq_body_statement(&job->body, 0);
    }
    bool together = job->body.is_list || first.rows != NULL;
    return together ? run_in_transaction(job, &first) : run_statement(job, &first);
}
