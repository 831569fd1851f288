#include "base64.h"

/* The 64 digits and, behind them, the padding. */
#define PADDING 64
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

size_t sq_base64_encoded_len(size_t len) {
    return (len + 2) / 3 * 4;
}

void sq_base64_encode(const uint8_t *bytes, size_t len, char *out) {
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[left > 1 ? group >> 6 & 63 : PADDING];
        *out++ = alphabet[left > 2 ? group & 63 : PADDING];
    }
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters, the last `padding` of which are '='. */
static bool decode_group(const char *text, size_t padding, uint8_t *out) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? digit(text[i]) : 0;
        if (value < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < 3 - padding; i++) {
        out[i] = (uint8_t)(group >> (16 - 8 * i));
    }
    return (group & ((1u << (8 * padding)) - 1)) == 0;
}

bool sq_base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len) {
    if (len % 4 != 0) {
        return false;
    }
    size_t padding = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        if (!decode_group(text + i, last ? padding : 0, out + i / 4 * 3)) {
            return false;
        }
    }
    *out_len = len / 4 * 3 - padding;
    return true;
}
