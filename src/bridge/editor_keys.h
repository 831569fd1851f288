/*
 * What was typed and not yet used: bytes from the terminal, taken out one whole key at a time.
 *
 * The line editor would block in the middle of a key whose rest has not arrived. So it is handed
 * only what is complete: a character of UTF-8, a control character, or an escape sequence.
 */
#ifndef NYLON_RING_EDITOR_KEYS_H
#define NYLON_RING_EDITOR_KEYS_H

#include <stddef.h>
#include <wchar.h>

/* The longest key; what does not end within it is cut there. */
#define NR__KEY_MAX 32

typedef struct nr__keys {
    char *bytes;
    size_t start, len, room;
    size_t taken; /* length of the key that was taken last; 0 after more was added */
} nr__keys_t;

/* Appends bytes; 0, or -1 without memory. [loop] */
int nr__keys_add(nr__keys_t *keys, const char *bytes, size_t len);

/* Takes one key out and decodes it into `out`, which holds NR__KEY_MAX; bytes that are no UTF-8
 * become U+FFFD. Answers how many characters, or 0 when there is no whole key yet. [loop] */
size_t nr__keys_take(nr__keys_t *keys, wchar_t *out);

/* Puts the key back that was taken last, if nothing was added since. [loop] */
void nr__keys_put_back(nr__keys_t *keys);

/* Takes out all up to and including `end`, a zero-terminated text. Answers where the text before it
 * begins and its length in `*len`; it is valid until the next call. NULL when `end` has not come.
 * [loop] */
const char *nr__keys_take_until(nr__keys_t *keys, const char *end, size_t *len);

/* Takes Escape out where nothing else is there: most often it begins a longer key. Whether it did.
 * [loop] */
int nr__keys_take_escape(nr__keys_t *keys);

/* Drops all but the last `most` bytes. [loop] */
void nr__keys_shorten(nr__keys_t *keys, size_t most);

/* Frees what is left. [loop] */
void nr__keys_free(nr__keys_t *keys);

/* One character of UTF-8: its length in bytes, or 0 when the end is missing; U+FFFD and 1 for a
 * byte that begins none. [any thread] */
size_t nr__utf8_decode(const char *bytes, size_t len, wchar_t *out);

/* The bytes of a character; `out` holds 4. [any thread] */
size_t nr__utf8_encode(wchar_t c, char *out);

#endif
