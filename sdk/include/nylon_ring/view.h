/* Views for plugin authors: making, comparing and reading NrStr and NrBytes.
 *
 * Header-only C11, also valid C++17. A view owns nothing: it is good for as long as what it was
 * made of. Everything here is pure and runs on [any thread]. */
#ifndef NYLON_RING_VIEW_H
#define NYLON_RING_VIEW_H

#include <stdbool.h>
#include <string.h>

#include "abi.h"

/* A view of len bytes of text. */
static inline NrStr nr_str_n(const char *text, uint32_t len) {
    NrStr view;
    view.ptr = (const uint8_t *)text;
    view.len = len;
    view.reserved = 0;
    return view;
}

/* A view of a zero-terminated text, without its zero. Longer than 4 GiB is cut. */
static inline NrStr nr_str(const char *text) {
    size_t len = strlen(text);
    return nr_str_n(text, len < UINT32_MAX ? (uint32_t)len : UINT32_MAX);
}

/* A view of len bytes. */
static inline NrBytes nr_bytes(const void *data, uint64_t len) {
    NrBytes view;
    view.ptr = (const uint8_t *)data;
    view.len = len;
    return view;
}

/* A view of a zero-terminated text as bytes, without its zero. */
static inline NrBytes nr_bytes_str(const char *text) {
    return nr_bytes(text, strlen(text));
}

/* The same bytes under the other type. */
static inline NrBytes nr_str_bytes(NrStr text) {
    return nr_bytes(text.ptr, text.len);
}

static inline bool nr_str_equal(NrStr a, NrStr b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether view holds exactly this zero-terminated text. */
static inline bool nr_str_is(NrStr view, const char *text) {
    return nr_str_equal(view, nr_str(text));
}

static inline bool nr_str_starts_with(NrStr view, const char *prefix) {
    NrStr start = nr_str(prefix);
    return view.len >= start.len && (start.len == 0 || memcmp(view.ptr, start.ptr, start.len) == 0);
}

/* What is left of view without its first count bytes; empty when it has no more. */
static inline NrStr nr_str_skip(NrStr view, uint32_t count) {
    uint32_t skipped = count < view.len ? count : view.len;
    if (skipped > 0) {
        view.ptr += skipped;
        view.len -= skipped;
    }
    return view;
}

static inline uint8_t nr__ascii_lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Equality that does not tell ASCII capitals from small letters, as for header keys. */
static inline bool nr_str_equal_nocase(NrStr a, NrStr b) {
    if (a.len != b.len) {
        return false;
    }
    for (uint32_t i = 0; i < a.len; i++) {
        if (nr__ascii_lower(a.ptr[i]) != nr__ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Reads a whole view as a decimal number. Writes *value only when it is one that fits. */
static inline bool nr_str_to_uint(NrStr view, uint64_t *value) {
    uint64_t number = 0;
    for (uint32_t i = 0; i < view.len; i++) {
        unsigned digit = (unsigned)view.ptr[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (view.len == 0) {
        return false;
    }
    *value = number;
    return true;
}

#endif
