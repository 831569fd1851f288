/* Requests for plugin authors: query parameters, headers, and a copy that outlives handle.
 *
 * Header-only C11, also valid C++17. Everything here runs on [any thread]; a request that the host
 * has handed out may be read until handle returns, a copy until it is freed. */
#ifndef NYLON_RING_REQUEST_H
#define NYLON_RING_REQUEST_H

#include <stdlib.h>

#include "view.h"

/* Finds the first header of that key (ASCII capitals do not matter). Writes *value, a view into the
 * request, only when there is one. */
static inline bool nr_header_find(const NrRequest *request, const char *key, NrStr *value) {
    NrStr wanted = nr_str(key);
    for (uint32_t i = 0; i < request->headers_len; i++) {
        if (nr_str_equal_nocase(request->headers[i].key, wanted)) {
            *value = request->headers[i].value;
            return true;
        }
    }
    return false;
}

/* Cuts view at the first byte stop: *head is what stands before it, the answer what follows.
 * Without such a byte *head is all of view, and the answer is empty. */
static inline NrStr nr__str_cut(NrStr view, char stop, NrStr *head) {
    const void *at = view.len > 0 ? memchr(view.ptr, stop, view.len) : NULL;
    *head = view;
    if (at == NULL) {
        return nr_str_skip(view, view.len);
    }
    head->len = (uint32_t)((const uint8_t *)at - view.ptr);
    return nr_str_skip(view, head->len + 1);
}

/* Finds the first parameter of that name in a query such as "a=1&b=2". Writes *value, a view of the
 * bytes as they stand there (still percent-encoded), only when there is one. A parameter without
 * '=' has an empty value. Names are compared as they stand. */
static inline bool nr_query_find(NrStr query, const char *name, NrStr *value) {
    while (query.len > 0) {
        NrStr pair, key;
        query = nr__str_cut(query, '&', &pair);
        NrStr rest = nr__str_cut(pair, '=', &key);
        if (nr_str_is(key, name)) {
            *value = rest;
            return true;
        }
    }
    return false;
}

static inline int nr__hex_digit(uint8_t c) {
    c = nr__ascii_lower(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one decoded byte off the front of *view, which must not be empty. */
static inline uint8_t nr__percent_next(NrStr *view) {
    if (view->len >= 3 && view->ptr[0] == '%') {
        int high = nr__hex_digit(view->ptr[1]);
        int low = nr__hex_digit(view->ptr[2]);
        if (high >= 0 && low >= 0) {
            *view = nr_str_skip(*view, 3);
            return (uint8_t)(high * 16 + low);
        }
    }
    uint8_t plain = view->ptr[0];
    *view = nr_str_skip(*view, 1);
    return plain;
}

/* Writes the first parameter of that name, percent-decoded and zero-terminated, to out, cut to size
 * bytes. Answers the decoded length as snprintf does (it was cut when that is size or more), or -1
 * when there is no such parameter and out is untouched. "%XX" is decoded, nothing else: a '+'
 * stays, and so does a '%' without two hexadecimal digits. */
static inline int64_t nr_query_get(NrStr query, const char *name, char *out, size_t size) {
    NrStr raw;
    if (!nr_query_find(query, name, &raw)) {
        return -1;
    }
    size_t len = 0;
    while (raw.len > 0) {
        uint8_t byte = nr__percent_next(&raw);
        if (len + 1 < size) {
            out[len] = (char)byte;
        }
        len++;
    }
    if (size > 0) {
        out[len < size ? len : size - 1] = '\0';
    }
    return (int64_t)len;
}

/* Reads a parameter as a decimal number. Without such a parameter *value keeps what it holds, so
 * set it to the default first. False, with *value untouched: there is one, but it is no number. */
static inline bool nr_query_uint(NrStr query, const char *name, uint64_t *value) {
    NrStr raw;
    return !nr_query_find(query, name, &raw) || nr_str_to_uint(raw, value);
}

/* A request and its payload that belong to the plugin. */
typedef struct NrRequestCopy {
    NrRequest request;
    NrBytes payload;
} NrRequestCopy;

static inline uint8_t *nr__copy_str(uint8_t *at, NrStr *view) {
    if (view->len > 0) {
        memcpy(at, view->ptr, view->len);
    }
    view->ptr = at;
    return at + view->len;
}

static inline size_t nr__request_size(const NrRequest *request, NrBytes payload) {
    size_t size = sizeof(NrRequestCopy) + request->headers_len * sizeof(NrHeader);
    size += (size_t)payload.len + request->path.len + request->method.len + request->query.len;
    for (uint32_t i = 0; i < request->headers_len; i++) {
        size += (size_t)request->headers[i].key.len + request->headers[i].value.len;
    }
    return size;
}

/* Copies a request and its payload into one allocation, for work that goes on after handle has
 * returned. The caller frees it with nr_request_free. NULL when memory is short. */
static inline NrRequestCopy *nr_request_copy(const NrRequest *request, NrBytes payload) {
    NrRequestCopy *copy = (NrRequestCopy *)malloc(nr__request_size(request, payload));
    if (copy == NULL) {
        return NULL;
    }
    NrHeader *headers = (NrHeader *)(void *)(copy + 1);
    uint8_t *at = (uint8_t *)(headers + request->headers_len);
    copy->request = *request;
    copy->request.headers = headers;
    for (uint32_t i = 0; i < request->headers_len; i++) {
        headers[i] = request->headers[i];
        at = nr__copy_str(at, &headers[i].key);
        at = nr__copy_str(at, &headers[i].value);
    }
    at = nr__copy_str(at, &copy->request.path);
    at = nr__copy_str(at, &copy->request.method);
    at = nr__copy_str(at, &copy->request.query);
    copy->payload = nr_bytes(at, payload.len);
    if (payload.len > 0) {
        memcpy(at, payload.ptr, payload.len);
    }
    return copy;
}

/* Frees a copy; NULL is allowed. */
static inline void nr_request_free(NrRequestCopy *copy) {
    free(copy);
}

#endif
