#include "call.h"
#include "error.h"
#include "utf8.h"

static int check_text(NrStr text, const char *what, nr_error_t *err) {
    if (text.ptr == NULL && text.len > 0) {
        return nr__fail(err, NR_E_INVALID_REQUEST, "the %s has a length but no bytes", what);
    }
    if (text.len > 0 && !nr__utf8_valid(text.ptr, text.len)) {
        return nr__fail(err, NR_E_INVALID_REQUEST, "the %s is not UTF-8", what);
    }
    return 0;
}

/* The same text, never NULL. */
static NrStr view(NrStr text) {
    NrStr out = {text.len > 0 ? text.ptr : (const uint8_t *)nr__nothing, text.len, 0};

    return out;
}

static int check_headers(const NrRequest *from, nr_error_t *err) {
    if (from->headers == NULL && from->headers_len > 0) {
        return nr__fail(err, NR_E_INVALID_REQUEST, "the headers have a length but no array");
    }
    for (uint32_t i = 0; i < from->headers_len; i++) {
        const NrHeader *header = &from->headers[i];
        int error = check_text(header->key, "key of a header", err);

        error = error != 0 ? error : check_text(header->value, "value of a header", err);
        if (error != 0) {
            return error;
        }
        if (header->key.ptr == NULL || header->value.ptr == NULL) {
            return nr__fail(err, NR_E_INVALID_REQUEST,
                            "an empty text of a header is NULL; let it point to something");
        }
    }
    return 0;
}

int nr_request_init(nr_request_t *out, const NrRequest *from, nr_error_t *err) {
    nr_request_t request = {0};
    int error = check_text(from->path, "path", err);

    error = error != 0 ? error : check_text(from->method, "method", err);
    error = error != 0 ? error : check_text(from->query, "query", err);
    error = error != 0 ? error : check_headers(from, err);
    if (error != 0) {
        return error;
    }
    request.request.path = view(from->path);
    request.request.method = view(from->method);
    request.request.query = view(from->query);
    request.request.headers =
        from->headers_len > 0 ? from->headers : (const NrHeader *)(const void *)nr__nothing;
    request.request.headers_len = from->headers_len;
    *out = request;
    return 0;
}
