/* fixture_endless: streams that stop only when they are cancelled, or at shutdown.
 *
 *     /flood?bytes=N            frames of N bytes (64), as fast as the thread can, whoever reads
 *     /paced?bytes=N&pace=MS    one every MS milliseconds (1)
 *     /polite?bytes=N           obeys Backpressure and goes on at nylon.writable/1
 *     /open                     how many of them run */
#include <stdatomic.h>

#include "../echo/worker.h"
#include "../fixture.h"

static Worker worker;
static atomic_long running;

typedef struct Stream {
    Job job;
    int64_t pace;
    uint64_t len;
    uint8_t frame[];
} Stream;

/* The end of a cancelled stream: the host counts it as owed until then. */
static void stream_free(Job *job) {
    nr_answer_str(&host, job->sid, NR_STREAM_END, "");
    atomic_fetch_sub(&running, 1);
    free(job);
}

static int64_t run_rude(Job *job) {
    const Stream *stream = (const Stream *)job;
    nr_answer(&host, job->sid, NR_OK, nr_bytes(stream->frame, stream->len));
    return stream->pace;
}

static int64_t run_polite(Job *job) {
    const Stream *stream = (const Stream *)job;
    NrStatus status = nr_offer(&host, job->sid, NR_OK, nr_bytes(stream->frame, stream->len));
    if (status == NR_BACKPRESSURE) {
        return JOB_PARKED;
    }
    return status == NR_OK ? 0 : JOB_DONE;
}

static NrStatus start(uint64_t sid, const NrRequest *request, int64_t pace, int64_t (*run)(Job *)) {
    uint64_t len = query_number(request, "bytes", 64);
    Stream *stream = malloc(sizeof(*stream) + len);
    if (stream == NULL) {
        return NR_ERR;
    }
    stream->job.sid = sid;
    stream->job.run = run;
    stream->job.free = stream_free;
    stream->pace = pace;
    stream->len = len;
    memset(stream->frame, '~', len);
    atomic_fetch_add(&running, 1);
    worker_post(&worker, &stream->job, 0);
    return NR_OK;
}

static NrStatus flood(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    return start(sid, request, 0, run_rude);
}

static NrStatus paced(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    return start(sid, request, (int64_t)query_number(request, "pace", 1), run_rude);
}

static NrStatus polite(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    return start(sid, request, 0, run_polite);
}

static NrStatus count_open(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_number(sid, (uint64_t)atomic_load(&running));
    return NR_OK;
}

static void cancel(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_cancel(&worker, sid);
}

static void writable(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_wake(&worker, sid);
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    fixture_init(ctx, host_ctx, vtable);
    return worker_start(&worker) ? NR_OK : NR_ERR;
}

static void shutdown(void *ctx) {
    (void)ctx;
    worker_stop(&worker);
}

static const NrExtCancel cancel_table = {cancel};
static const NrExtWritable writable_table = {writable};

FIXTURE_EXPORT_WITH("fixture_endless", init, shutdown, {"/flood", flood}, {"/paced", paced},
                    {"/polite", polite}, {"/open", count_open})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table}, {NR_EXT_WRITABLE, &writable_table})
