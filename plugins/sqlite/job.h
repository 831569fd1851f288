/* One call on its way through the plugin.
 *
 *     handle ──▶ run queue ──▶ a thread: read the body ─▶ enter the file ─▶ prepare ─▶ step ─▶
 * answer ▲  ▲  ▲                                    │                          │ │  │  └── the
 * file's writers wait here ◀───┘ (one /exec at a time)    │ │  └───── a stream after its time slice
 * ◀─────────────────────────────┤ └──────── a stream that waits for its reader (parked)
 * ◀───────────────┘
 *
 * A job belongs to whoever it is with: a queue (under the engine's lock) or the one thread that
 * runs it. Fields in the second part of the structure are guarded by the lock, the others are the
 * thread's. */
#ifndef SQ_JOB_H
#define SQ_JOB_H

#include <nylon_ring/plugin.h>

#include "body.h"
#include "buf.h"
#include "conn.h"
#include "row.h"

typedef enum sq_route { SQ_QUERY, SQ_EXEC, SQ_ROWS } sq_route_t;

struct sq_file;
struct sq_queue;

typedef struct sq_job {
    uint64_t sid;
    sq_route_t route;
    char *db; /* as the caller wrote it */
    char *text;
    size_t text_len; /* the body as it came */
    sq_limits_t limits;
    sq_body_t body;
    sqlite3_stmt *stmt; /* of a stream, between its slices */
    sq_row_t row;
    sq_buf_t out;     /* the answer, or the frame that is being sent */
    bool frame_waits; /* out holds a frame that was refused and has to be sent again */
    sq_fault_t fault;

    /* guarded by the engine's lock */
    struct sq_job *next, *previous;
    struct sq_queue *queue; /* in which it is linked, or NULL */
    struct sq_job *chain;   /* in the table of jobs */
    struct sq_file *file;   /* entered */
    struct sq_conn *conn;   /* held */
    bool may_write;         /* it is the file's writer now */
    bool parked;            /* waits for nylon.writable/1 */
    bool writable;          /* which came before it was parked */
} sq_job_t;

/* A list of jobs in order. Zeroed it is empty. Guarded by the engine's lock. */
typedef struct sq_queue {
    sq_job_t *first, *last;
    size_t len;
} sq_queue_t;

void sq_queue_push(sq_queue_t *queue, sq_job_t *job);
sq_job_t *sq_queue_pop(sq_queue_t *queue); /* NULL when empty */
void sq_queue_remove(sq_job_t *job);       /* from the queue that it is in */

/* Copies what a call asks for out of the borrowed request. NULL when memory is short. */
sq_job_t *sq_job_new(uint64_t sid, sq_route_t route, const char *db, NrBytes payload);

/* Frees a job that holds no connection any more. */
void sq_job_free(sq_job_t *job);

/* Sets the statement back and forgets it: it is the connection's. */
void sq_job_drop_statement(sq_job_t *job);

#endif
