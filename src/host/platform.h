/*
 * What operating systems give differently: opening libraries from a private copy, and threads that
 * nobody joins. The only header of the core behind which anything may assume Linux.
 */
#ifndef NR__PLATFORM_H
#define NR__PLATFORM_H

#include <nylon_ring/host.h>

/* An opened library. Zeroed: none. */
typedef struct nr__library {
    void *handle;
    char *path; /* of the original, absolute */
    char *copy; /* of the private copy, as the process's map names it */
    int kept;   /* the copy's file is still there */
} nr__library_t;

/* Opens a private copy of the file, all symbols bound now and none of them visible to others.
 * `*out` belongs to the caller until `nr__library_close`. A failure leaves neither mapping nor file
 * nor descriptor. Runs the library's static constructors. Errors: INVALID_PATH, LOAD_FAILED,
 * SYSTEM, NO_MEMORY. [any thread] */
int nr__library_open(const char *path, nr__library_t *out, nr_error_t *err);

/* The address of an exported symbol, or NULL. [any thread] */
void *nr__library_symbol(const nr__library_t *library, const char *name);

/* Unmaps the library and removes what is left of its copy; 1 when it is really gone, 0 when
 * something keeps it mapped. Runs its static destructors. [any thread] */
int nr__library_close(nr__library_t *library);

/* Lets the library stay mapped for ever: removes the file of its copy. [any thread] */
void nr__library_abandon(nr__library_t *library);

/* Runs `fn(arg)` on a thread of its own that nobody waits for. 0 or SYSTEM. [any thread] */
int nr__thread_start(void (*fn)(void *arg), void *arg, nr_error_t *err);

#endif
