/* Why a call fails: the status and the text that its caller gets. */
#ifndef SQ_FAULT_H
#define SQ_FAULT_H

#include <stdbool.h>

#include <nylon_ring/abi.h>
#include <sqlite3.h>

typedef struct sq_fault {
    NrStatus status;
    char text[1024]; /* zero-terminated; a longer one is cut */
} sq_fault_t;

/* Fills *fault in the manner of printf. Always false, so that it can end a function. */
__attribute__((format(printf, 3, 4))) bool sq_fail(sq_fault_t *fault, NrStatus status,
                                                   const char *format, ...);

/* Fails with NR_ERR and SQLite's own message for the last error on db. */
bool sq_fail_sqlite(sq_fault_t *fault, sqlite3 *db);

bool sq_fail_memory(sq_fault_t *fault);

#endif
