#include "value.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

/* ---- JSON to SQLite ---- */

static int bind_base64(sqlite3_stmt *stmt, int index, const json_t *text, bool as_text) {
    size_t len = json_string_length(text);
    uint8_t *bytes = malloc(len / 4 * 3 + 1);
    if (bytes == NULL) {
        return SQLITE_NOMEM;
    }
    size_t size = 0;
    if (!sq_base64_decode(json_string_value(text), len, bytes, &size)) {
        free(bytes);
        return SQLITE_MISMATCH;
    }
    if (as_text) {
        return sqlite3_bind_text64(stmt, index, (char *)bytes, size, free, SQLITE_UTF8);
    }
    return sqlite3_bind_blob64(stmt, index, bytes, size, free);
}

static int bind_special_real(sqlite3_stmt *stmt, int index, const char *name) {
    if (strcmp(name, "NaN") == 0) {
        return sqlite3_bind_null(stmt, index); /* SQLite has no NaN and stores NULL for it */
    }
    bool negative = name[0] == '-';
    if (strcmp(name + negative, "Infinity") != 0) {
        return SQLITE_MISMATCH;
    }
    return sqlite3_bind_double(stmt, index, negative ? -HUGE_VAL : HUGE_VAL);
}

/* Binds {"$blob": ...}, {"$text": ...} or {"$real": ...}; SQLITE_MISMATCH when it is none of them.
 */
static int bind_object(sqlite3_stmt *stmt, int index, const json_t *object) {
    const char *key = json_object_iter_key(json_object_iter((json_t *)object));
    const json_t *value = key != NULL ? json_object_get(object, key) : NULL;
    if (json_object_size(object) != 1 || !json_is_string(value)) {
        return SQLITE_MISMATCH;
    }
    if (strcmp(key, "$blob") == 0) {
        return bind_base64(stmt, index, value, false);
    }
    if (strcmp(key, "$text") == 0) {
        return bind_base64(stmt, index, value, true);
    }
    return strcmp(key, "$real") == 0 ? bind_special_real(stmt, index, json_string_value(value))
                                     : SQLITE_MISMATCH;
}

static int bind_any(sqlite3_stmt *stmt, int index, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_NULL:
        return sqlite3_bind_null(stmt, index);
    case JSON_TRUE:
    case JSON_FALSE:
        return sqlite3_bind_int(stmt, index, json_is_true(value));
    case JSON_INTEGER:
        return sqlite3_bind_int64(stmt, index, json_integer_value(value));
    case JSON_REAL:
        return sqlite3_bind_double(stmt, index, json_real_value(value));
    case JSON_STRING:
        return sqlite3_bind_text64(stmt, index, json_string_value(value), json_string_length(value),
                                   SQLITE_STATIC, SQLITE_UTF8);
    case JSON_OBJECT:
        return bind_object(stmt, index, value);
    default:
        return SQLITE_MISMATCH;
    }
}

bool sq_value_bind(sqlite3_stmt *stmt, int index, const json_t *value, const char *name,
                   sq_fault_t *fault) {
    int rc = bind_any(stmt, index, value);
    if (rc == SQLITE_MISMATCH) {
        return sq_fail(fault, NR_INVALID,
                       "parameter %s: an array or object is no SQL value (allowed are "
                       "{\"$blob\": base64}, {\"$text\": base64}, {\"$real\": \"Infinity\"})",
                       name);
    }
    return rc == SQLITE_OK || sq_fail_sqlite(fault, sqlite3_db_handle(stmt));
}

/* ---- SQLite to JSON ---- */

/* {key: base64 of the bytes} */
static json_t *wrap_bytes(const char *key, const void *bytes, size_t len) {
    size_t text_len = sq_base64_encoded_len(len);
    char *text = malloc(text_len + 1);
    if (text == NULL) {
        return NULL;
    }
    sq_base64_encode(bytes, len, text);
    json_t *value = json_pack("{s:s%}", key, text, text_len);
    free(text);
    return value;
}

static int digits_needed(double number) {
    for (int digits = 15; digits < 17; digits++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            return digits;
        }
    }
    return 17;
}

static json_t *read_real(double number, int *digits) {
    if (!isfinite(number)) {
        return json_pack("{s:s}", "$real", number < 0 ? "-Infinity" : "Infinity");
    }
    int needed = digits_needed(number);
    *digits = needed > *digits ? needed : *digits;
    return json_real(number);
}

static json_t *read_text(sqlite3_stmt *stmt, int column) {
    /* The pointer first: asking for it may convert the value and change its length. */
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (text == NULL) {
        return NULL;
    }
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    json_t *value = json_stringn(text, len);
    return value != NULL ? value : wrap_bytes("$text", text, len);
}

static json_t *read_blob(sqlite3_stmt *stmt, int column) {
    const void *bytes = sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    return len > 0 && bytes == NULL ? NULL : wrap_bytes("$blob", bytes, len);
}

json_t *sq_value_read(sqlite3_stmt *stmt, int column, int *digits) {
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
        return read_real(sqlite3_column_double(stmt, column), digits);
    case SQLITE_TEXT:
        return read_text(stmt, column);
    case SQLITE_BLOB:
        return read_blob(stmt, column);
    default:
        return json_null();
    }
}
