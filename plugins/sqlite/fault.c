#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

bool sq_fail(sq_fault_t *fault, NrStatus status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    fault->status = status;
    return false;
}

bool sq_fail_sqlite(sq_fault_t *fault, sqlite3 *db) {
    return sq_fail(fault, NR_ERR, "%s", sqlite3_errmsg(db));
}

bool sq_fail_memory(sq_fault_t *fault) {
    return sq_fail(fault, NR_ERR, "out of memory");
}
