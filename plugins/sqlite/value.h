/* One value between SQLite and JSON, both ways without loss:
 *
 *     NULL null · INTEGER 42 (64 bits) · REAL 1.5 · TEXT "text"
 *     BLOB {"$blob": "<base64>"} · TEXT that is not UTF-8 {"$text": "<base64>"}
 *     REAL that JSON lacks {"$real": "Infinity"} or "-Infinity" ("NaN" is taken too: NULL to
 * SQLite)
 *
 * As parameters also true and false: 1 and 0. */
#ifndef SQ_VALUE_H
#define SQ_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

/* Binds value to the parameter of that index. The statement may refer to the strings of value until
 * it is reset and its bindings are cleared. `name` is how a message calls the parameter. */
bool sq_value_bind(sqlite3_stmt *stmt, int index, const json_t *value, const char *name,
                   sq_fault_t *fault);

/* The value of a column of the current row as a new reference; NULL when memory is short. *digits
 * is raised to the number of digits (15 to 17) that a REAL needs to be read back as the same
 * number. */
json_t *sq_value_read(sqlite3_stmt *stmt, int column, int *digits);

#endif
