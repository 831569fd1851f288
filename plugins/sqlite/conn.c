#define _GNU_SOURCE
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Virtual machine steps between two looks at `cancelled`: some tens of microseconds. */
#define PROGRESS_STEPS 4096

/* ---- Hooks of SQLite, called on the thread that runs the statement ---- */

/* sqlite3_interrupt does nothing between two statements, so a cancel that comes right before the
 * first step would be lost; this look at the flag catches it. */
static int on_progress(void *arg) {
    const sq_conn_t *conn = arg;
    return atomic_load_explicit(&conn->limits->cancelled, memory_order_relaxed);
}

/* Waits a little for another process's lock. 0 gives up: SQLITE_BUSY, "database is locked". */
static int on_busy(void *arg, int count) {
    const sq_conn_t *conn = arg;
    uint64_t step_ms = count < 4 ? 1 : count < 12 ? 5 : 25;
    uint64_t waited_ms = count < 4    ? (uint64_t)count
                         : count < 12 ? 4 + 5 * ((uint64_t)count - 4)
                                      : 44 + 25 * ((uint64_t)count - 12);
    if (waited_ms >= conn->limits->busy_ms ||
        atomic_load_explicit(&conn->limits->cancelled, memory_order_relaxed)) {
        return 0;
    }
    struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)step_ms * 1000000};
    (void)nanosleep(&pause, NULL);
    return 1;
}

static int on_authorize(void *arg, int action, const char *a, const char *b, const char *c,
                        const char *d) {
    (void)a, (void)b, (void)c, (void)d;
    sq_conn_t *conn = arg;
    if (!conn->checking) {
        return SQLITE_OK; /* our own, or VACUUM, which attaches a file of its own */
    }
    switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        conn->denied =
            "a transaction cannot span calls: send /exec several statements in an array, "
            "or \"rows\"; they are one transaction";
        return SQLITE_DENY;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        conn->denied = "ATTACH and DETACH are not available: connections are shared between calls";
        return SQLITE_DENY;
    default:
        return SQLITE_OK;
    }
}

/* ---- Opening and closing ---- */

static void remember_file(sq_conn_t *conn, const char *name) {
    struct stat info;
    if (stat(name, &info) == 0) {
        conn->device = info.st_dev;
        conn->inode = info.st_ino;
    }
}

bool sq_conn_is_current(const sq_conn_t *conn, const char *name) {
    sq_conn_t now = {.device = 0, .inode = 0};
    remember_file(&now, name);
    return now.device == conn->device && now.inode == conn->inode;
}

/* Calls must not see each other's private memory database, yet all of a plugin's connections to
 * ":memory:" must see the same: SQLite's memdb shares by name. */
static int open_database(sq_conn_t *conn, const char *name, bool writes, const void *memory_id) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (strcmp(name, ":memory:") != 0) {
        return sqlite3_open_v2(name, &conn->db, flags | (writes ? SQLITE_OPEN_CREATE : 0), NULL);
    }
    char uri[64];
    (void)snprintf(uri, sizeof(uri), "file:/nylon_ring_%p?vfs=memdb", memory_id);
    return sqlite3_open_v2(uri, &conn->db, flags | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL);
}

static void set_up(sq_conn_t *conn, bool writes) {
    sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
    (void)sqlite3_busy_handler(conn->db, on_busy, conn);
    (void)sqlite3_set_authorizer(conn->db, on_authorize, conn);
    if (writes) {
        /* Where WAL cannot be (a read-only folder, no shared memory) the file stays as it is; a
         * file that is no database says so at the first statement. */
        (void)sqlite3_exec(conn->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL,
                           NULL, NULL);
    }
}

sq_conn_t *sq_conn_open(const char *name, bool writes, const void *memory_id, sq_limits_t *limits,
                        sq_fault_t *fault) {
    sq_conn_t *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        sq_fail_memory(fault);
        return NULL;
    }
    if (open_database(conn, name, writes, memory_id) != SQLITE_OK) {
        (void)sq_fail(fault, NR_ERR, "%s: %s",
                      conn->db != NULL ? sqlite3_errmsg(conn->db) : "out of memory", name);
        sq_conn_close(conn);
        return NULL;
    }
    conn->limits = limits;
    remember_file(conn, name);
    set_up(conn, writes);
    return conn;
}

void sq_conn_close(sq_conn_t *conn) {
    if (conn == NULL) {
        return;
    }
    if (conn->db != NULL) { /* closing writes the WAL back, and no call's limits are for that */
        sqlite3_progress_handler(conn->db, 0, NULL, NULL);
        (void)sqlite3_busy_handler(conn->db, NULL, NULL);
    }
    sq_cache_deinit(&conn->cache);
    (void)sqlite3_close(conn->db);
    free(conn);
}

/* ---- Preparing ---- */

static int prepare(sq_conn_t *conn, const char *sql, size_t len, sqlite3_stmt **stmt,
                   const char **tail) {
    conn->denied = NULL;
    conn->checking = true;
    int size = len < INT32_MAX ? (int)len + 1 : INT32_MAX;
    int rc = sqlite3_prepare_v3(conn->db, sql, size, SQLITE_PREPARE_PERSISTENT, stmt, tail);
    conn->checking = false;
    return rc;
}

/* Whether nothing but white space, comments and semicolons is left in sql. SQLite itself is the one
 * that knows: such a text compiles to no statement. */
static bool is_blank(sq_conn_t *conn, const char *sql) {
    while (*sql != '\0') {
        sqlite3_stmt *stmt = NULL;
        const char *tail = sql;
        int rc = prepare(conn, sql, strlen(sql), &stmt, &tail);
        bool blank = rc == SQLITE_OK && stmt == NULL;
        (void)sqlite3_finalize(stmt);
        if (!blank || tail == sql) {
            return blank;
        }
        sql = tail;
    }
    return true;
}

sqlite3_stmt *sq_conn_prepare(sq_conn_t *conn, const char *sql, size_t len, sq_fault_t *fault) {
    sqlite3_stmt *stmt = sq_cache_find(&conn->cache, sql, len);
    if (stmt != NULL) {
        return stmt;
    }
    const char *tail = NULL;
    if (prepare(conn, sql, len, &stmt, &tail) != SQLITE_OK) {
        (void)(conn->denied != NULL ? sq_fail(fault, NR_INVALID, "%s", conn->denied)
                                    : sq_fail_sqlite(fault, conn->db));
        return NULL;
    }
    if (stmt == NULL) {
        (void)sq_fail(fault, NR_INVALID, "\"sql\" holds no statement");
        return NULL;
    }
    if (!is_blank(conn, tail)) {
        (void)sqlite3_finalize(stmt);
        (void)sq_fail(fault, NR_INVALID,
                      "\"sql\" holds more than one statement: send /exec an array of them");
        return NULL;
    }
    if (!sq_cache_add(&conn->cache, stmt, sql, len)) {
        (void)sq_fail_memory(fault);
        return NULL;
    }
    return stmt;
}
