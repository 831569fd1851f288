/* UTF-8: the check that every text passes on its way to a plugin or from one. */
#ifndef NR__UTF8_H
#define NR__UTF8_H

#include <nylon_ring/host.h>

/* 1 when all of it is UTF-8. [any thread] */
static inline int nr__utf8_valid(const uint8_t *text, size_t len) {
    return nr_utf8_prefix(text, len) == len;
}

/* 1 when a character of two to four bytes may begin with this byte. [any thread] */
static inline int nr__utf8_is_start(uint8_t byte) {
    return byte >= 0xc2 && byte <= 0xf4;
}

/* Writes `text`, which is UTF-8, as one zero-terminated line of less than `size` bytes (4 or more):
 * control characters as spaces, and cut between two characters, "..." at its end, where it is too
 * long. [any thread] */
void nr__utf8_line(char *to, size_t size, const uint8_t *text, size_t len);

#endif
