/* Errors: one way to say what failed, used by the whole core. */
#ifndef NR__ERROR_H
#define NR__ERROR_H

#include <nylon_ring/host.h>

#if defined(__GNUC__)
#define NR__FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define NR__FORMAT(text, first)
#endif

/* Fills `err` (may be NULL) with the code and one line that names cause and cure, and answers
 * `code`, so that `return nr__fail(err, NR_E_..., "...")` reads as one step. A text that does not
 * fit is cut between two characters; bytes that are not UTF-8 become '?'. No argument
 * may point into `err`. [any thread] */
int nr__fail(nr_error_t *err, int code, const char *format, ...) NR__FORMAT(3, 4);

/* As nr__fail, for a failure that is the plugin's own answer. [any thread] */
int nr__fail_status(nr_error_t *err, int code, NrStatus status, const char *format, ...)
    NR__FORMAT(4, 5);

#endif
