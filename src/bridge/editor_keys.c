/* Splits what was typed into keys. */
#define _GNU_SOURCE

#include "editor_keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE = 0x1b, REPLACEMENT = 0xfffd };

int nr__keys_add(nr__keys_t *keys, const char *bytes, size_t len) {
    keys->taken = 0;
    if (keys->start > 0) {
        memmove(keys->bytes, keys->bytes + keys->start, keys->len);
        keys->start = 0;
    }
    if (keys->room - keys->len < len) {
        size_t room = (keys->len + len) * 2;
        char *grown = realloc(keys->bytes, room);
        if (grown == NULL)
            return -1;
        keys->bytes = grown;
        keys->room = room;
    }
    memcpy(keys->bytes + keys->len, bytes, len);
    keys->len += len;
    return 0;
}

static void drop(nr__keys_t *keys, size_t len) {
    keys->start += len;
    keys->len -= len;
}

/* How many bytes follow the first one of a character; -1 for a byte that begins none. */
static int following(unsigned char first) {
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first < 0xe0)
        return 1;
    if (first >= 0xe0 && first < 0xf0)
        return 2;
    return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

size_t nr__utf8_decode(const char *bytes, size_t len, wchar_t *out) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)bytes[0];
    int more = following(first);
    *out = REPLACEMENT;
    if (more < 0)
        return 1;
    uint32_t c = more == 0 ? first : first & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((size_t)i >= len)
            return 0;
        unsigned char next = (unsigned char)bytes[i];
        if ((next & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (next & 0x3fu);
    }
    int surrogate = c >= 0xd800 && c < 0xe000;
    if (c >= least[more] && c < 0x110000 && !surrogate)
        *out = (wchar_t)c;
    return (size_t)more + 1;
}

size_t nr__utf8_encode(wchar_t wide, char *out) {
    uint32_t c = (uint32_t)wide;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)((0xf00u >> len) | c);
    return len;
}

/* The length of a control sequence (ESC [ ... or ESC O x), 0 when its end is missing. */
static size_t control_sequence(const char *bytes, size_t len) {
    if (len < 3)
        return 0;
    if (bytes[1] == 'O')
        return 3;
    for (size_t i = 2; i < len; i++) {
        if (bytes[i] >= 0x40 && bytes[i] <= 0x7e)
            return i + 1;
        if (i + 1 == NR__KEY_MAX)
            return NR__KEY_MAX;
    }
    return 0;
}

/* The length of the key that begins here, 0 when its end is missing. */
static size_t key_length(const char *bytes, size_t len) {
    wchar_t ignored;
    if (len == 0)
        return 0;
    if (bytes[0] != ESCAPE)
        return nr__utf8_decode(bytes, len, &ignored);
    if (len == 1)
        return 0;
    if (bytes[1] == '[' || bytes[1] == 'O')
        return control_sequence(bytes, len);
    size_t rest = nr__utf8_decode(bytes + 1, len - 1, &ignored);
    return rest == 0 ? 0 : rest + 1;
}

size_t nr__keys_take(nr__keys_t *keys, wchar_t *out) {
    while (keys->len > 1 && keys->bytes[keys->start] == ESCAPE &&
           keys->bytes[keys->start + 1] == ESCAPE)
        drop(keys, 1);
    const char *bytes = keys->bytes + keys->start;
    size_t len = key_length(bytes, keys->len);
    size_t count = 0;
    for (size_t i = 0; i < len; count++) {
        size_t used = nr__utf8_decode(bytes + i, len - i, &out[count]);
        i += used > 0 ? used : 1; /* a broken character ends with its key */
    }
    drop(keys, len);
    keys->taken = len;
    return count;
}

void nr__keys_put_back(nr__keys_t *keys) {
    keys->start -= keys->taken;
    keys->len += keys->taken;
    keys->taken = 0;
}

const char *nr__keys_take_until(nr__keys_t *keys, const char *end, size_t *len) {
    char *text = keys->bytes + keys->start;
    char *found = keys->len > 0 ? memmem(text, keys->len, end, strlen(end)) : NULL;
    if (found == NULL)
        return NULL;
    *len = (size_t)(found - text);
    drop(keys, *len + strlen(end));
    return text;
}

int nr__keys_take_escape(nr__keys_t *keys) {
    int is_alone = keys->len == 1 && keys->bytes[keys->start] == ESCAPE;
    if (is_alone)
        drop(keys, 1);
    return is_alone;
}

void nr__keys_shorten(nr__keys_t *keys, size_t most) {
    if (keys->len > most)
        drop(keys, keys->len - most);
    keys->taken = 0;
}

void nr__keys_free(nr__keys_t *keys) {
    free(keys->bytes);
    memset(keys, 0, sizeof *keys);
}
