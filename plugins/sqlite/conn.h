/* One connection to a database file: used by one call at a time, on whatever thread that runs.
 *
 * What a statement may do is checked when it is prepared: transactions, savepoints and attached
 * databases would outlive the call on a connection that the next call knows nothing of. */
#ifndef SQ_CONN_H
#define SQ_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache.h"
#include "fault.h"

/* What the statements of a call heed while they run. */
typedef struct sq_limits {
    atomic_bool cancelled; /* set from any thread: stop now */
    uint64_t busy_ms;      /* how long to wait for a lock that another process holds */
} sq_limits_t;

typedef struct sq_conn {
    struct sq_conn *next; /* in its file's list of idle ones */
    sqlite3 *db;
    sq_cache_t cache;
    sq_limits_t *limits; /* of the call that has the connection; NULL while idle */
    const char *denied;  /* why the statement that is being prepared is refused */
    bool checking;       /* a caller's statement is being prepared */
    dev_t device;        /* of the file when it was opened; 0 where there is none */
    ino_t inode;
} sq_conn_t;

/* Opens name, for writing (the file is made when it is missing, WAL is switched on) or for reading.
 * ":memory:" is one database for all connections that give the same `memory_id`. NULL with *fault
 * filled when it fails. */
sq_conn_t *sq_conn_open(const char *name, bool writes, const void *memory_id, sq_limits_t *limits,
                        sq_fault_t *fault);

/* Whether the name still stands for the file that was opened. */
bool sq_conn_is_current(const sq_conn_t *conn, const char *name);

/* Prepares the one statement in sql, or takes it from the cache. The cache keeps it: the caller
 * resets it when it is done. NULL with *fault filled when it fails. */
sqlite3_stmt *sq_conn_prepare(sq_conn_t *conn, const char *sql, size_t len, sq_fault_t *fault);

/* Closes; NULL is allowed. */
void sq_conn_close(sq_conn_t *conn);

#endif
