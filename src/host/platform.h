/*
 * What operating systems give differently: opening libraries from a private copy, and threads that
 * nobody joins. The only header of the core behind which anything may assume Linux.
 */
#ifndef NR__PLATFORM_H
#define NR__PLATFORM_H

#include <stdint.h>

#include "copy.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NR__SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NR__SANITIZED 1
#endif
#endif
#if !defined(NR__SANITIZED)
#define NR__SANITIZED 0 /* 1: built with a sanitizer, libraries stay mapped */
#endif

/* An opened library. Zeroed: none. */
typedef struct nr__library {
    void *handle;
    uintptr_t from, to; /* where it is mapped; `to` is the first address behind it */
    char *path;         /* of the original, absolute */
    nr__copy_t copy;    /* what was opened; its path is the name in the process's map */
    int copy_kept;      /* the copy's file is still there */
    const char *pinned; /* why it can not be unmapped, as far as its file tells; NULL: it can */
} nr__library_t;

/* Opens a private copy of the file, all symbols bound now and none of them visible to others.
 * `*out` belongs to the caller until `nr__library_close`. A failure leaves neither mapping nor file
 * nor descriptor. Runs the library's static constructors. Errors: INVALID_PATH, LOAD_FAILED,
 * SYSTEM, NO_MEMORY. [any thread] */
int nr__library_open(const char *path, nr__library_t *out, nr_error_t *err);

/* The address of an exported symbol, or NULL. [any thread] */
void *nr__library_symbol(const nr__library_t *library, const char *name);

/* Unmaps the library and removes what is left of its copy; 1 when it is really gone, 0 when
 * something keeps it mapped (always, in a sanitizer's build: its reports
 * need the names). Runs its static destructors. [any thread] */
int nr__library_close(nr__library_t *library);

/* Lets the library stay mapped for ever: removes the file of its copy. [any thread] */
void nr__library_abandon(nr__library_t *library);

/* Runs `fn(arg)` on a thread of its own that nobody waits for. 0 or SYSTEM. [any thread] */
int nr__thread_start(void (*fn)(void *arg), void *arg, nr_error_t *err);

/* A number of the calling thread that no other one has meanwhile, as debuggers show it: its
 * pthread_t. [any thread] */
uint64_t nr__thread_number(void);

/* Looks at the addresses of the code that is under way, until `look` answers 1 and so this: where
 * the signal came from, if `context` is what its handler got, then up the stack of this thread.
 * Safe in signal handlers once it was called outside of one; but reading a stack may fault, or
 * abort. [any thread] */
int nr__stack_find(const void *context, int (*look)(void *data, uintptr_t address), void *data);

#endif
