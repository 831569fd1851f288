/* fixture_log: lines for nylon.log/1.
 *
 *     /log?level=N    logs the payload at level N (2), about this call
 *     /levels         one line at each level, 0 to 4, and at 5, which there is none of
 *     /plain          a line that is about no call
 *     /thread         logs the payload from a thread
 *     /long?bytes=N   a line of N bytes (100,000)
 *     /odd            a line with a line end, an escape sequence and bytes that are no UTF-8
 *     /null           a malformed view: NULL with a length */
#include <pthread.h>

#include "../fixture.h"

static void log_bytes(uint64_t sid, uint32_t level, NrBytes line) {
    uint32_t len = line.len < UINT32_MAX ? (uint32_t)line.len : UINT32_MAX;
    host.log->log(host.ctx, sid, level, nr_str_n((const char *)line.ptr, len));
}

static NrStatus done(uint64_t sid) {
    nr_answer_str(&host, sid, NR_OK, "logged");
    return NR_OK;
}

static NrStatus log_one(uint64_t sid, const NrRequest *request, NrBytes payload) {
    log_bytes(sid, (uint32_t)query_number(request, "level", NR_LOG_INFO), payload);
    return done(sid);
}

static NrStatus log_levels(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    for (uint32_t level = NR_LOG_TRACE; level <= NR_LOG_ERROR + 1; level++) {
        nr_logf(&host, sid, level, "level %u", level);
    }
    return done(sid);
}

static NrStatus log_plain(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    log_bytes(0, NR_LOG_INFO, payload);
    return done(sid);
}

typedef struct Line {
    uint64_t sid;
    NrBytes text;
} Line;

static void *thread_main(void *arg) {
    const Line *line = arg;
    log_bytes(line->sid, NR_LOG_INFO, line->text);
    return NULL;
}

static NrStatus log_thread(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    Line line = {sid, payload};
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, &line) != 0) {
        return NR_ERR;
    }
    pthread_join(thread, NULL);
    return done(sid);
}

static NrStatus log_long(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    uint64_t bytes = query_number(request, "bytes", 100000);
    char *line = malloc(bytes + 1);
    if (line == NULL) {
        return NR_INVALID;
    }
    memset(line, 'l', bytes);
    log_bytes(sid, NR_LOG_INFO, nr_bytes(line, bytes));
    free(line);
    return done(sid);
}

static NrStatus log_odd(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    log_bytes(sid, NR_LOG_INFO, nr_bytes_str("one\ntwo\r\x1b[31mred \xff\xfe end"));
    return done(sid);
}

static NrStatus log_null(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    log_bytes(sid, NR_LOG_INFO, nr_bytes(NULL, 16));
    return done(sid);
}

/* Without the extension the plugin has no purpose, so it refuses to load. */
static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    fixture_init(ctx, host_ctx, vtable);
    nr_logf(&host, 0, NR_LOG_DEBUG, "from init");
    return host.log != NULL ? NR_OK : NR_UNSUPPORTED;
}

static void shutdown(void *ctx) {
    (void)ctx;
    nr_logf(&host, 0, NR_LOG_DEBUG, "from shutdown");
}

FIXTURE_EXPORT_WITH("fixture_log", init, shutdown, {"/log", log_one}, {"/levels", log_levels},
                    {"/plain", log_plain}, {"/thread", log_thread}, {"/long", log_long},
                    {"/odd", log_odd}, {"/null", log_null})
