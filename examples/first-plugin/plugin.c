/* words: counts the words of a text, and streams them.
 *
 *     POST /count   the number of words in the body
 *     POST /words   a stream: a frame for each word */
#include <nylon_ring/plugin.h>

static NrHost host;

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    return NR_OK;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Cuts the first word off *text. False: there is none left. Nothing is copied: both are views of
 * the body, which is ours to read until handle returns. */
static bool next_word(NrBytes *text, NrBytes *word) {
    uint64_t start = 0;
    while (start < text->len && is_space(text->ptr[start])) {
        start++;
    }
    uint64_t end = start;
    while (end < text->len && !is_space(text->ptr[end])) {
        end++;
    }
    *word = nr_bytes(text->ptr + start, end - start);
    *text = nr_bytes(text->ptr + end, text->len - end);
    return word->len > 0;
}

/* One answer: the call is finished with it. */
static void count(uint64_t sid, NrBytes text) {
    uint64_t words = 0;
    NrBytes word;
    while (next_word(&text, &word)) {
        words++;
    }
    char number[24];
    int len = snprintf(number, sizeof(number), "%llu", (unsigned long long)words);
    nr_answer(&host, sid, NR_OK, nr_bytes(number, (uint64_t)len));
}

/* Many answers: NR_OK says that more will come, NR_STREAM_END that it was all. */
static void stream(uint64_t sid, NrBytes text) {
    NrBytes word;
    while (next_word(&text, &word)) {
        nr_answer(&host, sid, NR_OK, word);
    }
    nr_answer(&host, sid, NR_STREAM_END, nr_bytes(NULL, 0));
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx;
    if (nr_str_is(request->path, "/count")) {
        count(sid, payload);
    } else if (nr_str_is(request->path, "/words")) {
        stream(sid, payload);
    } else {
        return NR_INVALID; /* no answer will come; the call fails with this */
    }
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx; /* nothing was started */
}

NR_PLUGIN_EXPORT_V1("words", "0.1.0", NULL, init, handle, shutdown)
