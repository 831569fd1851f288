/* echo: a first plugin to read, and the one to start from.
 *
 *     /echo, or no path   the payload, answered inside handle
 *     /upper              the payload in capitals
 *     /headers            what the plugin was asked, as text
 *     /thread             the payload, answered later from a thread
 *     /stream             a stream: ?frames=N (5) frames, ?interval=MS (0) apart
 *     /state-demo         a value kept by the host for this call
 *
 * The host calls init once, then handle once for each call, on its own threads and possibly on
 * several at the same time, and shutdown at the end. handle must return at once: it answers by
 * itself what is quick and leaves the rest to the worker's thread. Answers are tied to their call
 * by its sid alone. */
#define _POSIX_C_SOURCE 200809L

#include <nylon_ring/plugin.h>

#include "upper.h"
#include "worker.h"

/* More frames than this are asked for by mistake: all of them are sent before handle returns. */
#define FRAMES_AT_ONCE 1000000u

/* All that the plugin knows. It is the plugin_ctx of the export at the end of this file, so each
 * function gets it back as its first argument. */
typedef struct Echo {
    NrHost host;
    Worker worker;
} Echo;

/* ---- answered inside handle ---- */

/* The shortest answer: the host has copied the payload when nr_answer returns. */
static NrStatus echo_payload(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&echo->host, sid, NR_OK, payload);
    return NR_OK; /* "I have answered, or shall" */
}

static NrStatus echo_upper(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    uint8_t *text = malloc(payload.len + 1);
    if (text == NULL) {
        return NR_ERR; /* "no answer will come": the call fails with this status */
    }
    upper_copy(text, payload.ptr, payload.len);
    nr_answer(&echo->host, sid, NR_OK, nr_bytes(text, payload.len));
    free(text);
    return NR_OK;
}

/* Views are not zero-terminated, so they are written with their length. */
static void write_str(FILE *out, NrStr text) {
    fwrite(text.ptr, 1, text.len, out);
}

static NrStatus echo_headers(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NR_ERR;
    }
    write_str(out, request->method);
    fputc(' ', out);
    write_str(out, request->path);
    fputc('?', out);
    write_str(out, request->query);
    for (uint32_t i = 0; i < request->headers_len; i++) {
        fputc('\n', out);
        write_str(out, request->headers[i].key);
        fputs(": ", out);
        write_str(out, request->headers[i].value);
    }
    if (fclose(out) != 0) {
        free(text);
        return NR_ERR;
    }
    nr_answer(&echo->host, sid, NR_OK, nr_bytes(text, size));
    free(text);
    return NR_OK;
}

/* The host keeps values for a call, by key, until the call ends: a place for what later events of
 * the same call need. A host may not offer it, so ask before use. */
static NrStatus echo_state(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    const NrExtState *state = echo->host.state;
    if (state == NULL) {
        return NR_UNSUPPORTED;
    }
    NrStr key = nr_str("demo");
    NrBytes refusal = state->set_state(echo->host.ctx, sid, key, payload);
    if (refusal.len > 0) {
        nr_answer(&echo->host, sid, NR_ERR, refusal); /* an error may say why */
        return NR_OK;
    }
    nr_answer(&echo->host, sid, NR_OK, state->get_state(echo->host.ctx, sid, key));
    return NR_OK;
}

/* ---- answered later, from the worker's thread ---- */

/* A call that is not finished when handle returns. The request is the host's and is gone by then,
 * so the call keeps a copy of its own. */
typedef struct Call {
    Job job; /* first, so that a Job * of ours is a Call * */
    const NrHost *host;
    NrRequestCopy *copy;
    uint64_t frame, frames, interval; /* of a stream */
    bool finished;                    /* its last result is sent */
} Call;

/* A call that was cancelled still gets its last result: nobody sees it, but until then the host
 * counts it as owed, keeps what belongs to it, and cannot take this plugin out of memory. */
static void call_free(Job *job) {
    Call *call = (Call *)job;
    if (!call->finished) {
        nr_answer_str(call->host, job->sid, NR_ERR, "given up");
    }
    nr_request_free(call->copy);
    free(call);
}

static Call *call_new(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload,
                      int64_t (*run)(Job *)) {
    Call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->job.sid = sid;
    call->job.run = run;
    call->job.free = call_free;
    call->host = &echo->host;
    call->copy = nr_request_copy(request, payload);
    if (call->copy == NULL) {
        free(call);
        return NULL;
    }
    return call;
}

static int64_t thread_run(Job *job) {
    Call *call = (Call *)job;
    nr_answer(call->host, job->sid, NR_OK, call->copy->payload);
    call->finished = true;
    return JOB_DONE;
}

static NrStatus echo_thread(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    Call *call = call_new(echo, sid, request, payload, thread_run);
    if (call == NULL) {
        return NR_ERR;
    }
    worker_post(&echo->worker, &call->job, 0);
    return NR_OK;
}

/* ---- streams: many frames for one call ---- */

/* A frame is the payload, or its number where there is none. */
static void send_frame(const NrHost *host, uint64_t sid, uint64_t number, NrBytes payload) {
    char text[32];
    if (payload.len == 0) {
        int len = snprintf(text, sizeof(text), "frame %llu", (unsigned long long)number);
        payload = nr_bytes(text, (uint64_t)len);
    }
    nr_answer(host, sid, NR_OK, payload);
}

/* NR_OK promises more, NR_STREAM_END is the last that a stream says; without it a reader would wait
 * for ever. */
static void send_end(const NrHost *host, uint64_t sid) {
    nr_answer(host, sid, NR_STREAM_END, nr_bytes(NULL, 0));
}

static int64_t stream_run(Job *job) {
    Call *call = (Call *)job;
    if (call->frame == call->frames) {
        send_end(call->host, job->sid);
        call->finished = true;
        return JOB_DONE;
    }
    send_frame(call->host, job->sid, ++call->frame, call->copy->payload);
    return (int64_t)call->interval;
}

static NrStatus stream_at_once(Echo *echo, uint64_t sid, uint64_t frames, NrBytes payload) {
    if (frames > FRAMES_AT_ONCE) {
        return NR_INVALID;
    }
    for (uint64_t number = 1; number <= frames; number++) {
        send_frame(&echo->host, sid, number, payload);
    }
    send_end(&echo->host, sid);
    return NR_OK;
}

static NrStatus echo_stream(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload) {
    uint64_t frames = 5, interval = 0;
    if (!nr_query_uint(request->query, "frames", &frames) ||
        !nr_query_uint(request->query, "interval", &interval) || interval > INT32_MAX) {
        return NR_INVALID;
    }
    if (interval == 0) {
        return stream_at_once(echo, sid, frames, payload);
    }
    Call *call = call_new(echo, sid, request, payload, stream_run);
    if (call == NULL) {
        return NR_ERR;
    }
    call->frames = frames;
    call->interval = interval;
    worker_post(&echo->worker, &call->job, 0);
    return NR_OK;
}

/* ---- the plugin ---- */

static const struct {
    const char *path;
    NrStatus (*handle)(Echo *echo, uint64_t sid, const NrRequest *request, NrBytes payload);
} routes[] = {
    {"/echo", echo_payload},     {"", echo_payload},       {"/upper", echo_upper},
    {"/headers", echo_headers},  {"/thread", echo_thread}, {"/stream", echo_stream},
    {"/state-demo", echo_state},
};

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    Echo *echo = ctx;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (nr_str_is(request->path, routes[i].path)) {
            return routes[i].handle(echo, sid, request, payload);
        }
    }
    nr_logf(&echo->host, sid, NR_LOG_DEBUG, "no such path: %.*s", (int)request->path.len,
            (const char *)request->path.ptr);
    return NR_INVALID;
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    Echo *echo = ctx;
    echo->host = nr_host_v1(host_ctx, vtable);
    if (!worker_start(&echo->worker)) {
        nr_logf(&echo->host, 0, NR_LOG_ERROR, "no thread for the worker");
        return NR_ERR; /* refuses the load */
    }
    nr_logf(&echo->host, 0, NR_LOG_DEBUG, "ready");
    return NR_OK;
}

/* When this returns, no thread of ours may run: the host may unload the code under it. */
static void shutdown(void *ctx) {
    Echo *echo = ctx;
    worker_stop(&echo->worker);
}

/* nylon.cancel/1, which a plugin may leave out: nobody waits for this call any more, so its paced
 * stream need not go on. */
static void cancel(void *ctx, uint64_t sid) {
    Echo *echo = ctx;
    worker_cancel(&echo->worker, sid);
}

static Echo the_echo;
static const NrExtCancel cancel_table = {cancel};

NR_PLUGIN_EXPORT_V1("echo", "1.0.0", &the_echo, init, handle, shutdown)
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})
