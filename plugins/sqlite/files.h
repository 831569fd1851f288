/* The database files in use: for each its idle connections and its line of writers.
 *
 * SQLite lets one connection write at a time and makes the others poll for the lock, holding their
 * threads. Here the writers of one file stand in a line instead, first come first served, and a
 * waiting one holds nothing but its place. Readers never wait: they see the state before the
 * writer's (WAL).
 *
 * All functions are called with the engine's lock held, and do no input or output. */
#ifndef SQ_FILES_H
#define SQ_FILES_H

#include "job.h"

#define SQ_FILES_MAX 64    /* kept at the same time */
#define SQ_IDLE_MAX 8      /* idle readers kept for a file */
#define SQ_STREAMS_MAX 256 /* open at the same time: each holds a connection until it ends */

typedef struct sq_file {
    struct sq_file *next;
    char *name;
    sq_conn_t *readers; /* idle */
    sq_conn_t *writer;  /* idle */
    size_t readers_len;
    bool writing;    /* a job holds the right to write */
    sq_queue_t line; /* jobs that wait for it */
    size_t users;    /* jobs that have entered and not left */
    uint64_t used;   /* the clock at the last entry */
} sq_file_t;

typedef struct sq_files {
    sq_file_t *first;
    size_t len;
    size_t streams; /* jobs of /rows that have entered */
    uint64_t clock;
} sq_files_t;

typedef enum sq_entry {
    SQ_ENTERED, /* go on */
    SQ_IN_LINE, /* the job will be the writer later, and is no longer the caller's */
    SQ_REFUSED  /* a limit is reached, or memory is short: job->fault */
} sq_entry_t;

/* Lets the job into its file. *evicted is a file that had to make room, with its connections, or
 * NULL: the caller frees it with sq_file_free, without the lock. */
sq_entry_t sq_files_enter(sq_files_t *files, sq_job_t *job, sq_file_t **evicted);

/* Gives the job an idle connection of its kind as job->conn, or leaves that NULL. */
void sq_files_take(sq_job_t *job);

/* Takes the job out of its file and its connection back. The answer is the next writer, to be run,
 * or NULL. *surplus is a connection that the caller closes, without the lock, or NULL. */
sq_job_t *sq_files_leave(sq_files_t *files, sq_job_t *job, sq_conn_t **surplus);

/* Closes its connections. Called without the lock, once nothing refers to the file. */
void sq_file_free(sq_file_t *file);

/* Frees all files, in the same way. */
void sq_files_deinit(sq_files_t *files);

#endif
