/* The private copy of a plugin's file: what is really opened, so that a changed file is a new image
 * and an open image never changes under the process. */
#ifndef NR__COPY_H
#define NR__COPY_H

#include <nylon_ring/host.h>

typedef struct nr__copy {
    char *path;   /* of the copy, absolute */
    char *folder; /* a private folder that holds only the copy; NULL: it lies beside the original */
} nr__copy_t;

/* Makes `path` absolute, links left as they are: a link that is moved is found again by a reload.
 * `*out` is the caller's to free. Errors: INVALID_PATH, NO_MEMORY, SYSTEM. [any thread] */
int nr__copy_absolute(const char *path, char **out, nr_error_t *err);

/* Copies the file `original` (absolute): beside it, mode 0700; where that folder can not be
 * written, into a private folder among the temporary files. Answers a descriptor of the copy, or an
 * error: INVALID_PATH, LOAD_FAILED, NO_MEMORY, SYSTEM. `*out` ends with `nr__copy_remove` and
 * `nr__copy_free`. [any thread] */
int nr__copy_make(const char *original, nr__copy_t *out, nr_error_t *err);

/* Removes the copy's file and folder; the texts stay, as names of what may still be mapped. Once
 * only: the names may be taken again. [any thread] */
void nr__copy_remove(const nr__copy_t *copy);

/* Frees the texts. [any thread] */
void nr__copy_free(nr__copy_t *copy);

#endif
