/* Upper-casing, the whole work of the echo plugins beyond echoing. */
#ifndef ECHO_UPPER_H
#define ECHO_UPPER_H

#include <stdint.h>

/* Writes len bytes of in to out, ASCII letters as capitals. */
static inline void upper_copy(uint8_t *out, const uint8_t *in, uint64_t len) {
    for (uint64_t i = 0; i < len; i++) {
        out[i] = in[i] >= 'a' && in[i] <= 'z' ? (uint8_t)(in[i] - ('a' - 'A')) : in[i];
    }
}

#endif
