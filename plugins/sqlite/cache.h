/* The prepared statements of one connection, kept by their text. Used by the thread that has the
 * connection. */
#ifndef SQ_CACHE_H
#define SQ_CACHE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQ_CACHE_SIZE 32

typedef struct sq_cached {
    sqlite3_stmt *stmt; /* NULL: a free place */
    char *sql;          /* the whole text; sqlite3_sql ends where the statement does */
    uint64_t hash;      /* of the text */
    uint64_t used;      /* the cache's clock when it was last asked for */
} sq_cached_t;

typedef struct sq_cache {
    sq_cached_t entries[SQ_CACHE_SIZE];
    uint64_t clock;
} sq_cache_t;

/* The statement of this zero-terminated text, or NULL. It stays the cache's. */
sqlite3_stmt *sq_cache_find(sq_cache_t *cache, const char *sql, size_t len);

/* Hands stmt over to the cache; the statement that was asked for longest ago makes room (a call
 * uses one statement at a time, so that one is not in use). False: memory is short, stmt was
 * finalized. */
bool sq_cache_add(sq_cache_t *cache, sqlite3_stmt *stmt, const char *sql, size_t len);

/* Finalizes all. */
void sq_cache_deinit(sq_cache_t *cache);

#endif
