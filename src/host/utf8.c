/* The check of texts. Requests are mostly ASCII and mostly short: eight bytes at a time while they
 * are ASCII, then one character at a time. */
#include "utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

static int is_tail(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* The length of the well-formed character of several bytes at `s`, or 0. The second byte's range
 * is what excludes overlong forms, surrogates and what lies above U+10FFFF. */
static size_t wide_char(const uint8_t *s, size_t left) {
    uint8_t first = s[0];
    if (!nr__utf8_is_start(first) || left < 2 || !is_tail(s[1])) {
        return 0;
    }
    if (first < 0xe0) {
        return 2;
    }
    if (first < 0xf0) {
        int overlong = first == 0xe0 && s[1] < 0xa0;
        int surrogate = first == 0xed && s[1] > 0x9f;
        return left >= 3 && is_tail(s[2]) && !overlong && !surrogate ? 3 : 0;
    }
    int overlong = first == 0xf0 && s[1] < 0x90;
    int above = first == 0xf4 && s[1] > 0x8f;
    return left >= 4 && is_tail(s[2]) && is_tail(s[3]) && !overlong && !above ? 4 : 0;
}

static size_t ascii_prefix(const uint8_t *s, size_t len) {
    size_t at = 0;
    while (len - at >= 8) {
        uint64_t word;
        memcpy(&word, s + at, sizeof(word));
        if ((word & HIGH_BITS) != 0) {
            break;
        }
        at += 8;
    }
    while (at < len && s[at] < 0x80) {
        at++;
    }
    return at;
}

size_t nr_utf8_prefix(const uint8_t *text, size_t len) {
    size_t at = 0;
    while (at < len) {
        at += ascii_prefix(text + at, len - at);
        if (at == len) {
            break;
        }
        size_t wide = wide_char(text + at, len - at);
        if (wide == 0) {
            break;
        }
        at += wide;
    }
    return at;
}

void nr__utf8_line(char *to, size_t size, const uint8_t *text, size_t len) {
    size_t kept = len;

    if (len > size - 1) {
        kept = size - 4;
        while (kept > 0 && is_tail(text[kept])) {
            kept--;
        }
    }
    for (size_t i = 0; i < kept; i++) {
        to[i] = (char)(text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
    }
    memcpy(to + kept, len > kept ? "..." : "", len > kept ? 4 : 1);
}
