/* fixture_result_ext: a v1 plugin that answers through nylon.result/1.
 *
 *     /vec                       the payload, as memory that the host takes over
 *     /owned                     the payload, as memory that the host gives back
 *     /twice                     sends a second result too; answers with the status that the
 *                                second one of the /twice before got
 *     /lease                     the payload, in the host's memory; it first commits with a
 *                                wrong token and too great a length, which must leave the
 *                                lease usable
 *     /lease-hold                takes a lease of the payload's size, fills it and keeps it
 *     /lease-commit              fills the kept lease with 'L', commits it, answers with the
 *                                status of that
 *     /lease-abandon             takes a lease, answers in another way
 *     /stream?frames=N&bytes=B   N frames (1000) of B bytes (8), each its number and then
 *                                dots, owned, from a thread; parks at Backpressure and goes on
 *                                at nylon.writable/1
 *     /stats                     "released R backpressure B writable W" so far */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>

#include "../echo/worker.h"
#include "../fixture.h"

static Worker worker;
static atomic_ulong released, backpressure, writables;

static void vec_drop(uint8_t *ptr, size_t len, size_t cap) {
    (void)len, (void)cap;
    atomic_fetch_add_explicit(&released, 1, memory_order_relaxed);
    free(ptr);
}

static void owned_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)ptr, (void)len;
    atomic_fetch_add_explicit(&released, 1, memory_order_relaxed);
    free(owner_ctx);
}

static uint8_t *copy_of(NrBytes bytes) {
    uint8_t *copy = malloc(bytes.len + 1);
    if (copy != NULL) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return copy;
}

static NrStatus send_owned(uint64_t sid, NrStatus status, NrBytes payload) {
    uint8_t *copy = copy_of(payload);
    if (copy == NULL) {
        return NR_ERR;
    }
    NrOwnedBytes owned = {copy, payload.len, copy, owned_release};
    return host.result->send_result_owned(host.ctx, sid, status, owned);
}

static NrStatus vec(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    NrVecU8 owned = {.ptr = copy_of(payload), .len = payload.len, .cap = payload.len + 1};
    if (owned.ptr == NULL) {
        return NR_ERR;
    }
    owned.owned = 1;
    owned.drop_fn = vec_drop;
    return host.result->send_result(host.ctx, sid, NR_OK, owned);
}

static NrStatus owned(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    return send_owned(sid, NR_OK, payload);
}

static NrStatus twice(uint64_t sid, const NrRequest *request, NrBytes payload) {
    static atomic_uint last = NR_OK;
    (void)request;
    answer_number(sid, atomic_load(&last));
    atomic_store(&last, send_owned(sid, NR_OK, payload));
    return NR_OK;
}

static NrStatus lease(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    const NrExtResult *result = host.result;
    NrBufferLease lent = result->acquire_result_buffer(host.ctx, sid, payload.len);
    if (lent.ptr == NULL) {
        return NR_UNSUPPORTED;
    }
    memcpy(lent.ptr, payload.ptr, payload.len);
    if (result->commit_result_buffer(host.ctx, sid, NR_OK, lent.token + 1, 0) != NR_INVALID ||
        result->commit_result_buffer(host.ctx, sid, NR_OK, lent.token, lent.cap + 1) !=
            NR_INVALID) {
        return NR_ERR;
    }
    return result->commit_result_buffer(host.ctx, sid, NR_OK, lent.token, payload.len);
}

static NrStatus lease_abandon(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    NrBufferLease lent = host.result->acquire_result_buffer(host.ctx, sid, payload.len);
    nr_answer(&host, sid, lent.ptr != NULL ? NR_OK : NR_UNSUPPORTED, payload);
    return NR_OK;
}

/* One lease at a time is kept; specs use one plugin each. */
static struct {
    uint64_t sid, len;
    NrBufferLease lent;
} kept;

static NrStatus lease_hold(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    kept.sid = sid;
    kept.len = payload.len;
    kept.lent = host.result->acquire_result_buffer(host.ctx, sid, payload.len);
    if (kept.lent.ptr == NULL) {
        return NR_UNSUPPORTED;
    }
    memcpy(kept.lent.ptr, payload.ptr, payload.len);
    return NR_OK;
}

/* Writes the lease once more before it commits: it must be usable also when its call is gone. */
static NrStatus lease_commit(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    if (kept.lent.ptr == NULL) {
        return NR_INVALID;
    }
    memset(kept.lent.ptr, 'L', kept.len);
    NrStatus status =
        host.result->commit_result_buffer(host.ctx, kept.sid, NR_OK, kept.lent.token, kept.len);
    kept.lent.ptr = NULL;
    answer_number(sid, status);
    return NR_OK;
}

typedef struct Stream {
    Job job;
    uint64_t sent, frames, bytes;
} Stream;

/* The end, also of a cancelled stream: the host counts it as owed until then. */
static void stream_free(Job *job) {
    nr_offer(&host, job->sid, NR_STREAM_END, nr_bytes(NULL, 0));
    free(job);
}

static NrStatus offer_frame(const Stream *stream) {
    char *frame = malloc(stream->bytes + 24);
    if (frame == NULL) {
        return NR_ERR;
    }
    int len = snprintf(frame, 24, "%" PRIu64 " ", stream->sent);
    memset(frame + len, '.', stream->bytes);
    uint64_t size = stream->bytes > (uint64_t)len ? stream->bytes : (uint64_t)len;
    NrOwnedBytes owned_frame = {(uint8_t *)frame, size, frame, owned_release};
    return host.result->send_result_owned(host.ctx, stream->job.sid, NR_OK, owned_frame);
}

/* Parks until woken: a host that forgets nylon.writable/1 leaves the stream standing. */
static int64_t stream_run(Job *job) {
    Stream *stream = (Stream *)job;
    for (; stream->sent < stream->frames; stream->sent++) {
        NrStatus status = offer_frame(stream);
        if (status == NR_BACKPRESSURE) {
            atomic_fetch_add_explicit(&backpressure, 1, memory_order_relaxed);
            return JOB_PARKED;
        }
        if (status != NR_OK) {
            return JOB_DONE;
        }
    }
    return JOB_DONE;
}

static NrStatus stream(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    Stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NR_ERR;
    }
    stream->job.sid = sid;
    stream->job.run = stream_run;
    stream->job.free = stream_free;
    stream->frames = query_number(request, "frames", 1000);
    stream->bytes = query_number(request, "bytes", 8);
    worker_post(&worker, &stream->job, 0);
    return NR_OK;
}

static NrStatus stats(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    char text[96];
    snprintf(text, sizeof(text), "released %lu backpressure %lu writable %lu",
             atomic_load(&released), atomic_load(&backpressure), atomic_load(&writables));
    nr_answer_str(&host, sid, NR_OK, text);
    return NR_OK;
}

static void writable(void *ctx, uint64_t sid) {
    (void)ctx;
    atomic_fetch_add_explicit(&writables, 1, memory_order_relaxed);
    worker_wake(&worker, sid);
}

static void cancel(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_cancel(&worker, sid);
}

/* Without the extension the plugin has no purpose, so it refuses to load. */
static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    return host.result != NULL && worker_start(&worker) ? NR_OK : NR_UNSUPPORTED;
}

static void shutdown(void *ctx) {
    (void)ctx;
    worker_stop(&worker);
}

static const NrExtCancel cancel_table = {cancel};
static const NrExtWritable writable_table = {writable};

FIXTURE_EXPORT_WITH("fixture_result_ext", init, shutdown, {"/vec", vec}, {"/owned", owned},
                    {"/lease", lease}, {"/lease-hold", lease_hold}, {"/lease-commit", lease_commit},
                    {"/lease-abandon", lease_abandon}, {"/stream", stream}, {"/twice", twice},
                    {"/stats", stats})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table}, {NR_EXT_WRITABLE, &writable_table})
