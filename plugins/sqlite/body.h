/* What a call asks for: its body, read once and checked.
 *
 *     {"sql": "...", "params": [...] or {...}}     one statement
 *     {"sql": "...", "rows": [params, ...]}        /exec: the statement once for each of them
 *     [statement, ...]                             /exec: several statements */
#ifndef SQ_BODY_H
#define SQ_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

/* One statement of a body; its parts belong to the body. */
typedef struct sq_statement {
    const char *sql;
    size_t sql_len;
    const json_t *params; /* an array, an object, or NULL */
    const json_t *rows;   /* an array of such, or NULL */
} sq_statement_t;

typedef struct sq_body {
    json_t *json;
    bool is_list;
    size_t len; /* statements */
} sq_body_t;

/* Reads text; `lists` allows "rows" and several statements. On success *body is freed with
 * sq_body_deinit. */
bool sq_body_init(sq_body_t *body, const char *text, size_t len, bool lists, sq_fault_t *fault);

/* The statement of that index, which is below body->len. */
sq_statement_t sq_body_statement(const sq_body_t *body, size_t index);

/* Frees what a body holds; a zeroed one holds nothing. */
void sq_body_deinit(sq_body_t *body);

#endif
