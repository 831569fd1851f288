#include "bind.h"

#include <stdio.h>

#include "value.h"

static bool bind_by_position(sqlite3_stmt *stmt, const json_t *array, sq_fault_t *fault) {
    int wanted = sqlite3_bind_parameter_count(stmt);
    size_t given = json_array_size(array);
    if (given != (size_t)wanted) {
        return sq_fail(fault, NR_INVALID, "the statement takes %d parameter%s, %zu given", wanted,
                       wanted == 1 ? "" : "s", given);
    }
    for (int index = 1; index <= wanted; index++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d", index);
        if (!sq_value_bind(stmt, index, json_array_get(array, (size_t)index - 1), name, fault)) {
            return false;
        }
    }
    return true;
}

static bool bind_by_name(sqlite3_stmt *stmt, const json_t *object, sq_fault_t *fault) {
    int wanted = sqlite3_bind_parameter_count(stmt);
    for (int index = 1; index <= wanted; index++) {
        const char *name = sqlite3_bind_parameter_name(stmt, index);
        if (name == NULL || name[0] == '?') {
            return sq_fail(fault, NR_INVALID,
                           "parameter %d has no name: give \"params\" as an array", index);
        }
        const json_t *value = json_object_get(object, name + 1);
        value = value != NULL ? value : json_object_get(object, name);
        if (value == NULL) {
            return sq_fail(fault, NR_INVALID, "parameter %s is missing", name);
        }
        if (!sq_value_bind(stmt, index, value, name, fault)) {
            return false;
        }
    }
    if (json_object_size(object) != (size_t)wanted) {
        return sq_fail(fault, NR_INVALID, "\"params\" has %zu names, the statement takes %d",
                       json_object_size(object), wanted);
    }
    return true;
}

bool sq_bind(sqlite3_stmt *stmt, const json_t *params, sq_fault_t *fault) {
    (void)sqlite3_clear_bindings(stmt);
    if (params == NULL || json_is_null(params)) {
        int wanted = sqlite3_bind_parameter_count(stmt);
        return wanted == 0 || sq_fail(fault, NR_INVALID,
                                      "the statement takes %d parameter%s, \"params\" is missing",
                                      wanted, wanted == 1 ? "" : "s");
    }
    return json_is_array(params) ? bind_by_position(stmt, params, fault)
                                 : bind_by_name(stmt, params, fault);
}
