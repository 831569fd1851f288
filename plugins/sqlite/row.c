#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

static bool taken(const sq_row_t *row, int before, const char *key) {
    for (int i = 0; i < before; i++) {
        if (strcmp(row->keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* A name that JSON cannot hold (bytes that are not UTF-8) is replaced by the column's number. */
static const char *plain_name(sqlite3_stmt *stmt, int column, char *store, size_t size) {
    const char *name = sqlite3_column_name(stmt, column);
    json_t *probe = name != NULL ? json_string(name) : NULL;
    if (probe == NULL) {
        (void)snprintf(store, size, "column %d", column + 1);
        return store;
    }
    json_decref(probe);
    return name;
}

static char *make_key(const sq_row_t *row, sqlite3_stmt *stmt, int column) {
    char store[32];
    const char *name = plain_name(stmt, column, store, sizeof(store));
    size_t size = strlen(name) + 16;
    char *key = malloc(size);
    if (key == NULL) {
        return NULL;
    }
    (void)snprintf(key, size, "%s", name);
    for (int i = 1; taken(row, column, key); i++) {
        (void)snprintf(key, size, "%s:%d", name, i);
    }
    return key;
}

static bool make_keys(sq_row_t *row, sqlite3_stmt *stmt) {
    int columns = sqlite3_column_count(stmt);
    row->object = json_object();
    row->keys = calloc((size_t)columns + 1, sizeof(*row->keys));
    if (row->object == NULL || row->keys == NULL) {
        return false;
    }
    for (int i = 0; i < columns; i++) {
        row->keys[i] = make_key(row, stmt, i);
        if (row->keys[i] == NULL) {
            return false;
        }
        row->columns++;
    }
    return true;
}

static int append(const char *data, size_t len, void *buf) {
    return sq_buf_add(buf, data, len) ? 0 : -1;
}

bool sq_row_write(sq_row_t *row, sqlite3_stmt *stmt, sq_buf_t *buf, sq_fault_t *fault) {
    int digits = 15;
    if (row->object == NULL && !make_keys(row, stmt)) {
        return sq_fail_memory(fault);
    }
    for (int i = 0; i < row->columns; i++) {
        json_t *value = sq_value_read(stmt, i, &digits);
        if (value == NULL || json_object_set_new_nocheck(row->object, row->keys[i], value) != 0) {
            return sq_fail_memory(fault);
        }
    }
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION((size_t)digits);
    if (json_dump_callback(row->object, append, buf, flags) == 0) {
        return true;
    }
    if (buf->full) {
        return sq_fail(fault, NR_ERR, "the answer is larger than %zu MiB; /rows sends row by row",
                       buf->limit >> 20);
    }
    return sq_fail_memory(fault);
}

void sq_row_close(sq_row_t *row) {
    for (int i = 0; i < row->columns; i++) {
        free(row->keys[i]);
    }
    free(row->keys);
    json_decref(row->object);
    memset(row, 0, sizeof(*row));
}
