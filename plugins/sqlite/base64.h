/* Base64 (RFC 4648, with padding): how bytes that are no text travel in JSON. */
#ifndef SQ_BASE64_H
#define SQ_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the text for len bytes. */
size_t sq_base64_encoded_len(size_t len);

/* Writes sq_base64_encoded_len(len) characters to out, without a zero. */
void sq_base64_encode(const uint8_t *bytes, size_t len, char *out);

/* Decodes text into out, which has room for len / 4 * 3 bytes, and writes *out_len. False: it is
 * not base64 (alphabet, padding, length, or bits behind the end that are not zero). */
bool sq_base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len);

#endif
