#include "buf.h"

#include <stdlib.h>
#include <string.h>

static bool grow(sq_buf_t *buf, size_t needed) {
    size_t cap = buf->cap > 0 ? buf->cap : 256;
    while (cap < needed) {
        cap *= 2; /* needed is at most limit, far from overflow */
    }
    char *data = realloc(buf->data, cap);
    if (data == NULL) {
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool sq_buf_add(sq_buf_t *buf, const char *data, size_t len) {
    if (len > buf->limit - buf->len) {
        buf->full = true;
        return false;
    }
    if (buf->len + len > buf->cap && !grow(buf, buf->len + len)) {
        return false;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    return true;
}

bool sq_buf_add_str(sq_buf_t *buf, const char *text) {
    return sq_buf_add(buf, text, strlen(text));
}

void sq_buf_clear(sq_buf_t *buf) {
    buf->len = 0;
}

char *sq_buf_take(sq_buf_t *buf, size_t *len, size_t *cap) {
    char *data = buf->data;
    *len = buf->len;
    *cap = buf->cap;
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    return data;
}

void sq_buf_deinit(sq_buf_t *buf) {
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
}
