/* A byte buffer that grows up to a limit. Zero-initialised with a limit it is ready for use. */
#ifndef SQ_BUF_H
#define SQ_BUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sq_buf {
    char *data; /* NULL while nothing was added */
    size_t len;
    size_t cap;
    size_t limit; /* len never exceeds it */
    bool full;    /* an addition failed because of the limit, not of memory */
} sq_buf_t;

/* Appends len bytes, or nothing and answers false: no memory, or the limit is reached. */
bool sq_buf_add(sq_buf_t *buf, const char *data, size_t len);

bool sq_buf_add_str(sq_buf_t *buf, const char *text);

/* Empties the buffer and keeps its memory. */
void sq_buf_clear(sq_buf_t *buf);

/* Takes the memory out (the caller frees it; *len bytes are used) and leaves an empty buffer. */
char *sq_buf_take(sq_buf_t *buf, size_t *len, size_t *cap);

void sq_buf_deinit(sq_buf_t *buf);

#endif
