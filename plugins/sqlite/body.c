#include "body.h"

#include <string.h>

static bool is_params(const json_t *value) {
    return json_is_array(value) || json_is_object(value) || json_is_null(value);
}

/* "row" of the message counts from 1, as the caller would. */
static bool check_rows(const json_t *rows, sq_fault_t *fault) {
    bool empty = json_is_object(rows) && json_object_size(rows) == 0; /* so writes Lua's cjson */
    if (!json_is_array(rows) && !empty) {
        return sq_fail(fault, NR_INVALID, "\"rows\" must be an array of arrays or objects");
    }
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) {
        if (!json_is_array(row) && !json_is_object(row)) {
            return sq_fail(fault, NR_INVALID, "\"rows\": row %zu is no array and no object", i + 1);
        }
    }
    return true;
}

static bool check_keys(const json_t *object, bool lists, sq_fault_t *fault) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        bool known = strcmp(key, "sql") == 0 || strcmp(key, "params") == 0;
        if (!known && strcmp(key, "rows") == 0) {
            if (!lists) {
                return sq_fail(fault, NR_INVALID, "\"rows\" is for /exec only");
            }
            known = true;
        }
        if (!known) {
            return sq_fail(fault, NR_INVALID,
                           "unknown key \"%s\": there are \"sql\", \"params\" and \"rows\"", key);
        }
    }
    return true;
}

static bool check_statement(const json_t *object, bool lists, sq_fault_t *fault) {
    if (!json_is_object(object)) {
        return sq_fail(fault, NR_INVALID,
                       "the body must be an object: {\"sql\": ..., \"params\": [...]}");
    }
    if (!check_keys(object, lists, fault)) {
        return false;
    }
    const json_t *sql = json_object_get(object, "sql");
    const json_t *params = json_object_get(object, "params");
    const json_t *rows = json_object_get(object, "rows");
    if (!json_is_string(sql)) {
        return sq_fail(fault, NR_INVALID, "\"sql\" must be a text");
    }
    if (strlen(json_string_value(sql)) != json_string_length(sql)) {
        return sq_fail(fault, NR_INVALID, "\"sql\" holds a zero byte");
    }
    if (params != NULL && !is_params(params)) {
        return sq_fail(fault, NR_INVALID, "\"params\" must be an array or an object");
    }
    if (params != NULL && rows != NULL) {
        return sq_fail(fault, NR_INVALID, "give \"params\" or \"rows\", not both");
    }
    return rows == NULL || check_rows(rows, fault);
}

static bool check_list(const json_t *list, bool lists, sq_fault_t *fault) {
    if (!lists) {
        return sq_fail(fault, NR_INVALID, "several statements are for /exec only");
    }
    size_t i;
    const json_t *statement;
    json_array_foreach(list, i, statement) {
        if (!check_statement(statement, lists, fault)) {
            return false;
        }
    }
    return true;
}

bool sq_body_init(sq_body_t *body, const char *text, size_t len, bool lists, sq_fault_t *fault) {
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return sq_fail(fault, NR_INVALID, "the body is not JSON: %s (line %d, column %d)",
                       error.text, error.line, error.column);
    }
    bool is_list = json_is_array(json);
    if (is_list ? !check_list(json, lists, fault) : !check_statement(json, lists, fault)) {
        json_decref(json);
        return false;
    }
    body->json = json;
    body->is_list = is_list;
    body->len = is_list ? json_array_size(json) : 1;
    return true;
}

sq_statement_t sq_body_statement(const sq_body_t *body, size_t index) {
    const json_t *object = body->is_list ? json_array_get(body->json, index) : body->json;
    const json_t *sql = json_object_get(object, "sql");
    sq_statement_t statement = {.sql = json_string_value(sql),
                                .sql_len = json_string_length(sql),
                                .params = json_object_get(object, "params"),
                                .rows = json_object_get(object, "rows")};
    return statement;
}

void sq_body_deinit(sq_body_t *body) {
    json_decref(body->json);
    memset(body, 0, sizeof(*body));
}
