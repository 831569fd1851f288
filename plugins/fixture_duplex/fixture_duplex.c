/* fixture_duplex: a v1 plugin whose streams take input by nylon.duplex/1.
 *
 *     /echo             each frame of input comes back as it is; the end of the input ends the
 *                       stream
 *     /collect          the end of the input ends the stream with all of it in one frame
 *     /refuse?times=N   as /echo, but answers the first N (3) frames with Backpressure
 *     /fail             answers each frame of input with Err, and takes none
 *     /closes           how often stream_close was called, and how often twice for one stream:
 *                       "1 0" */
#include <pthread.h>
#include <sys/queue.h>

#include "../fixture.h"

typedef enum Kind { ECHO, COLLECT, FAIL } Kind;

typedef struct Stream {
    SLIST_ENTRY(Stream) link;
    uint64_t sid;
    Kind kind;
    uint64_t refusals;
    uint8_t *bytes; /* collected */
    size_t len;
    bool closed;
} Stream;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(, Stream) streams = SLIST_HEAD_INITIALIZER(streams); /* kept until shutdown */
static uint64_t closes, repeats;

static NrStatus open_stream(uint64_t sid, Kind kind, uint64_t refusals) {
    Stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NR_ERR;
    }
    stream->sid = sid;
    stream->kind = kind;
    stream->refusals = refusals;
    pthread_mutex_lock(&lock);
    SLIST_INSERT_HEAD(&streams, stream, link);
    pthread_mutex_unlock(&lock);
    return NR_OK;
}

static NrStatus echo(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    return open_stream(sid, ECHO, 0);
}

static NrStatus collect(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    return open_stream(sid, COLLECT, 0);
}

static NrStatus refuse(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    return open_stream(sid, ECHO, query_number(request, "times", 3));
}

static NrStatus fail(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    return open_stream(sid, FAIL, 0);
}

static NrStatus report(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    char text[64];
    pthread_mutex_lock(&lock);
    snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, closes, repeats);
    pthread_mutex_unlock(&lock);
    nr_answer_str(&host, sid, NR_OK, text);
    return NR_OK;
}

static Stream *locked_find(uint64_t sid) {
    Stream *stream;
    SLIST_FOREACH(stream, &streams, link) {
        if (stream->sid == sid) {
            return stream;
        }
    }
    return NULL;
}

static NrStatus locked_collect(Stream *stream, NrBytes data) {
    uint8_t *grown = realloc(stream->bytes, stream->len + data.len + 1);
    if (grown == NULL) {
        return NR_ERR;
    }
    memcpy(grown + stream->len, data.ptr, data.len);
    stream->bytes = grown;
    stream->len += data.len;
    return NR_OK;
}

static NrStatus locked_take(Stream *stream, NrBytes data) {
    if (stream->refusals > 0) {
        stream->refusals--;
        return NR_BACKPRESSURE;
    }
    switch (stream->kind) {
    case COLLECT:
        return locked_collect(stream, data);
    case FAIL:
        return NR_ERR;
    default:
        return nr_offer(&host, stream->sid, NR_OK, data);
    }
}

static NrStatus stream_data(void *ctx, uint64_t sid, NrBytes data) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    Stream *stream = locked_find(sid);
    NrStatus status = stream != NULL ? locked_take(stream, data) : NR_UNSUPPORTED;
    pthread_mutex_unlock(&lock);
    return status;
}

static NrStatus stream_close(void *ctx, uint64_t sid) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    Stream *stream = locked_find(sid);
    closes++;
    if (stream != NULL) {
        repeats += stream->closed;
        stream->closed = true;
        nr_answer(&host, sid, NR_STREAM_END, nr_bytes(stream->bytes, stream->len));
    }
    pthread_mutex_unlock(&lock);
    return stream != NULL ? NR_OK : NR_UNSUPPORTED;
}

static void shutdown(void *ctx) {
    (void)ctx;
    Stream *stream;
    while ((stream = SLIST_FIRST(&streams)) != NULL) {
        SLIST_REMOVE_HEAD(&streams, link);
        free(stream->bytes);
        free(stream);
    }
}

static const NrExtDuplex duplex_table = {stream_data, stream_close};

FIXTURE_EXPORT_WITH("fixture_duplex", fixture_init, shutdown, {"/echo", echo},
                    {"/collect", collect}, {"/refuse", refuse}, {"/fail", fail},
                    {"/closes", report})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_DUPLEX, &duplex_table})
