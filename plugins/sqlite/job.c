#include "job.h"

#include <stdlib.h>
#include <string.h>

/* An answer beyond this belongs into a stream. */
#define RESULT_LIMIT ((size_t)64 << 20)

void sq_queue_push(sq_queue_t *queue, sq_job_t *job) {
    job->queue = queue;
    job->next = NULL;
    job->previous = queue->last;
    if (queue->last != NULL) {
        queue->last->next = job;
    } else {
        queue->first = job;
    }
    queue->last = job;
    queue->len++;
}

void sq_queue_remove(sq_job_t *job) {
    sq_queue_t *queue = job->queue;
    if (job->previous != NULL) {
        job->previous->next = job->next;
    } else {
        queue->first = job->next;
    }
    if (job->next != NULL) {
        job->next->previous = job->previous;
    } else {
        queue->last = job->previous;
    }
    queue->len--;
    job->queue = NULL;
}

sq_job_t *sq_queue_pop(sq_queue_t *queue) {
    sq_job_t *job = queue->first;
    if (job != NULL) {
        sq_queue_remove(job);
    }
    return job;
}

sq_job_t *sq_job_new(uint64_t sid, sq_route_t route, const char *db, NrBytes payload) {
    size_t db_size = strlen(db) + 1;
    sq_job_t *job = calloc(1, sizeof(*job));
    char *copy = malloc(db_size + payload.len);
    if (job == NULL || copy == NULL) {
        free(job);
        free(copy);
        return NULL;
    }
    memcpy(copy, db, db_size);
    if (payload.len > 0) {
        memcpy(copy + db_size, payload.ptr, payload.len);
    }
    job->sid = sid;
    job->route = route;
    job->db = copy;
    job->text = copy + db_size;
    job->text_len = payload.len;
    job->out.limit = RESULT_LIMIT;
    return job;
}

void sq_job_drop_statement(sq_job_t *job) {
    if (job->stmt != NULL) {
        (void)sqlite3_reset(job->stmt);
        (void)sqlite3_clear_bindings(job->stmt); /* they point into the body */
        job->stmt = NULL;
    }
    sq_row_close(&job->row);
}

void sq_job_free(sq_job_t *job) {
    sq_body_deinit(&job->body);
    sq_buf_deinit(&job->out);
    free(job->db);
    free(job);
}
