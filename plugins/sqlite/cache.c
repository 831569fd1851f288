#include "cache.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: the texts are short, and a hit is compared in full. */
static uint64_t hash_of(const char *text, size_t len) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
    }
    return hash;
}

sqlite3_stmt *sq_cache_find(sq_cache_t *cache, const char *sql, size_t len) {
    uint64_t hash = hash_of(sql, len);
    for (size_t i = 0; i < SQ_CACHE_SIZE; i++) {
        sq_cached_t *entry = &cache->entries[i];
        if (entry->stmt != NULL && entry->hash == hash && strcmp(entry->sql, sql) == 0) {
            entry->used = ++cache->clock;
            return entry->stmt;
        }
    }
    return NULL;
}

static void drop(sq_cached_t *entry) {
    (void)sqlite3_finalize(entry->stmt);
    free(entry->sql);
    memset(entry, 0, sizeof(*entry));
}

bool sq_cache_add(sq_cache_t *cache, sqlite3_stmt *stmt, const char *sql, size_t len) {
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        (void)sqlite3_finalize(stmt);
        return false;
    }
    memcpy(copy, sql, len + 1);
    sq_cached_t *place = &cache->entries[0];
    for (size_t i = 1; i < SQ_CACHE_SIZE && place->stmt != NULL; i++) {
        sq_cached_t *entry = &cache->entries[i];
        if (entry->stmt == NULL || entry->used < place->used) {
            place = entry;
        }
    }
    drop(place);
    *place =
        (sq_cached_t){.stmt = stmt, .sql = copy, .hash = hash_of(sql, len), .used = ++cache->clock};
    return true;
}

void sq_cache_deinit(sq_cache_t *cache) {
    for (size_t i = 0; i < SQ_CACHE_SIZE; i++) {
        drop(&cache->entries[i]);
    }
}
