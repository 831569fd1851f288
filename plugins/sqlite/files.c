#define _GNU_SOURCE
#include "files.h"

#include <stdlib.h>
#include <string.h>

static sq_file_t *find(const sq_files_t *files, const char *name) {
    for (sq_file_t *file = files->first; file != NULL; file = file->next) {
        if (strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static bool is_memory(const sq_file_t *file) {
    return strcmp(file->name, ":memory:") == 0;
}

/* Unlinks the unused file that was entered longest ago. ":memory:" is never it: its data would go.
 */
static sq_file_t *evict(sq_files_t *files) {
    sq_file_t **oldest = NULL;
    for (sq_file_t **at = &files->first; *at != NULL; at = &(*at)->next) {
        bool idle = (*at)->users == 0 && !is_memory(*at);
        if (idle && (oldest == NULL || (*at)->used < (*oldest)->used)) {
            oldest = at;
        }
    }
    if (oldest == NULL) {
        return NULL;
    }
    sq_file_t *file = *oldest;
    *oldest = file->next;
    files->len--;
    return file;
}

static sq_file_t *add(sq_files_t *files, const char *name) {
    sq_file_t *file = calloc(1, sizeof(*file));
    char *copy = strdup(name);
    if (file == NULL || copy == NULL) {
        free(file);
        free(copy);
        return NULL;
    }
    file->name = copy;
    file->next = files->first;
    files->first = file;
    files->len++;
    return file;
}

static sq_file_t *find_or_add(sq_files_t *files, sq_job_t *job, sq_file_t **evicted) {
    sq_file_t *file = find(files, job->db);
    if (file != NULL) {
        return file;
    }
    if (files->len >= SQ_FILES_MAX && (*evicted = evict(files)) == NULL) {
        (void)sq_fail(&job->fault, NR_ERR, "%d databases are in use, which is the limit: %s",
                      SQ_FILES_MAX, job->db);
        return NULL;
    }
    file = add(files, job->db);
    if (file == NULL) {
        (void)sq_fail_memory(&job->fault);
    }
    return file;
}

sq_entry_t sq_files_enter(sq_files_t *files, sq_job_t *job, sq_file_t **evicted) {
    *evicted = NULL;
    if (job->route == SQ_ROWS && files->streams >= SQ_STREAMS_MAX) {
        (void)sq_fail(&job->fault, NR_ERR, "%d streams are open, which is the limit",
                      SQ_STREAMS_MAX);
        return SQ_REFUSED;
    }
    sq_file_t *file = find_or_add(files, job, evicted);
    if (file == NULL) {
        return SQ_REFUSED;
    }
    files->streams += job->route == SQ_ROWS;
    file->users++;
    file->used = ++files->clock;
    job->file = file;
    if (job->route == SQ_EXEC && file->writing) {
        sq_queue_push(&file->line, job);
        return SQ_IN_LINE;
    }
    job->may_write = job->route == SQ_EXEC;
    file->writing = file->writing || job->may_write;
    return SQ_ENTERED;
}

void sq_files_take(sq_job_t *job) {
    sq_file_t *file = job->file;
    if (job->may_write) {
        job->conn = file->writer;
        file->writer = NULL;
    } else if (file->readers != NULL) {
        job->conn = file->readers;
        file->readers = job->conn->next;
        file->readers_len--;
    }
    if (job->conn != NULL) {
        job->conn->limits = &job->limits;
    }
}

/* Puts the connection back; answers it when there are enough. */
static sq_conn_t *give_back(sq_file_t *file, sq_conn_t *conn, bool writer) {
    conn->limits = NULL;
    if (writer) {
        file->writer = conn;
        return NULL;
    }
    if (file->readers_len >= SQ_IDLE_MAX) {
        return conn;
    }
    conn->next = file->readers;
    file->readers = conn;
    file->readers_len++;
    return NULL;
}

sq_job_t *sq_files_leave(sq_files_t *files, sq_job_t *job, sq_conn_t **surplus) {
    sq_file_t *file = job->file;
    *surplus = NULL;
    if (file == NULL) {
        return NULL;
    }
    if (job->conn != NULL) {
        *surplus = give_back(file, job->conn, job->may_write);
        job->conn = NULL;
    }
    files->streams -= job->route == SQ_ROWS;
    file->users--;
    job->file = NULL;
    if (!job->may_write) {
        return NULL;
    }
    sq_job_t *next = sq_queue_pop(&file->line);
    job->may_write = false;
    file->writing = next != NULL;
    if (next != NULL) {
        next->may_write = true;
    }
    return next;
}

void sq_file_free(sq_file_t *file) {
    if (file == NULL) {
        return;
    }
    while (file->readers != NULL) {
        sq_conn_t *conn = file->readers;
        file->readers = conn->next;
        sq_conn_close(conn);
    }
    sq_conn_close(file->writer);
    free(file->name);
    free(file);
}

void sq_files_deinit(sq_files_t *files) {
    while (files->first != NULL) {
        sq_file_t *file = files->first;
        files->first = file->next;
        sq_file_free(file);
    }
    files->len = 0;
}
