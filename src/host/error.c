/* Errors and statuses as texts. Nothing here allocates or keeps state. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

const char *nr_error_code(int error) {
    switch (error) {
#define NR__ERROR_CASE(name, number, code)                                                         \
    case (number):                                                                                 \
        return (code);
        NR_ERRORS(NR__ERROR_CASE)
#undef NR__ERROR_CASE
    default:
        return "unknown";
    }
}

const char *nr_status_name(NrStatus status) {
    static const char *const names[] = {
        [NR_OK] = "Ok",
        [NR_ERR] = "Err",
        [NR_INVALID] = "Invalid",
        [NR_UNSUPPORTED] = "Unsupported",
        [NR_STREAM_END] = "StreamEnd",
        [NR_PANIC] = "Panic",
        [NR_BACKPRESSURE] = "Backpressure",
    };
    return status < sizeof(names) / sizeof(names[0]) ? names[status] : "Status";
}

int nr_status_ends(NrStatus status) {
    return status != NR_OK && status != NR_BACKPRESSURE;
}

const char *nr_version(void) {
    return NYLON_RING_VERSION;
}

/* Makes the text one line of whole characters. A cut in the middle of a character drops its first
 * bytes; any other byte that is not UTF-8 (a path may hold some) becomes '?'. */
static void tidy(char *text, size_t len, int cut) {
    size_t at = 0;
    for (;;) {
        at += nr_utf8_prefix((const uint8_t *)text + at, len - at);
        if (at == len) {
            break;
        }
        if (cut && len - at < 4 && nr__utf8_is_start((uint8_t)text[at])) {
            text[at] = '\0';
            len = at;
            break;
        }
        text[at++] = '?';
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20) {
            text[i] = ' ';
        }
    }
}

static int fail(nr_error_t *err, int code, NrStatus status, const char *format, va_list args) {
    if (err == NULL) {
        return code;
    }
    err->code = code;
    err->status = status;
    int wanted = vsnprintf(err->message, sizeof(err->message), format, args);
    if (wanted < 0) {
        err->message[0] = '\0';
    }
    tidy(err->message, strlen(err->message), wanted >= (int)sizeof(err->message));
    return code;
}

int nr__fail(nr_error_t *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail(err, code, NR_OK, format, args);
    va_end(args);
    return code;
}

int nr__fail_status(nr_error_t *err, int code, NrStatus status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail(err, code, status, format, args);
    va_end(args);
    return code;
}
