/* The rows of a statement as JSON objects, one key a column.
 *
 * Columns of one name are told apart as SQLite does it for a subquery: "a", "a:1", "a:2". */
#ifndef SQ_ROW_H
#define SQ_ROW_H

#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "fault.h"

typedef struct sq_row {
    json_t *object; /* the same for every row: its keys are made once */
    char **keys;    /* one a column */
    int columns;
} sq_row_t;

/* Appends the current row of stmt to buf. The first row of a run makes the keys, not earlier: a
 * statement that was prepared before the schema changed has its new columns only after its first
 * step. */
bool sq_row_write(sq_row_t *row, sqlite3_stmt *stmt, sq_buf_t *buf, sq_fault_t *fault);

/* Frees what a row holds, for the next statement or for good; a zeroed one holds nothing. */
void sq_row_close(sq_row_t *row);

#endif
