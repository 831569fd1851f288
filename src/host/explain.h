/* Why the system's loader refused a file, in terms of the file that the user gave. */
#ifndef NR__EXPLAIN_H
#define NR__EXPLAIN_H

#include "copy.h"
#include "elf_file.h"

/* Fills `err` with LOAD_FAILED, and the cause and cure behind the loader's `text` about `copy` of
 * the file `original`; answers the code. [any thread] */
int nr__explain(const char *text, const char *original, const nr__copy_t *copy,
                const nr__elf_t *elf, nr_error_t *err);

#endif
