/* Parameters of a statement: a JSON array for those by position, an object for those by name. */
#ifndef SQ_BIND_H
#define SQ_BIND_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

/* Clears stmt's parameters and binds `params`: an array with exactly as many values as the
 * statement takes, an object with exactly its names (with or without the ':', '@' or '$' that they
 * have in the statement), or NULL for a statement that takes none. The strings of params must stay
 * as they are until the next sq_bind or sqlite3_clear_bindings. */
bool sq_bind(sqlite3_stmt *stmt, const json_t *params, sq_fault_t *fault);

#endif
