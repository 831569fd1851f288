/* fixture_late: answers after its caller has lost patience.
 *
 *     /late?delay=MS   the payload, from a thread, MS milliseconds (0) after nylon.cancel/1
 *                      has told that the call was given up; not before
 *     /sent            how many of these answers are out */
#include <stdatomic.h>

#include "../echo/worker.h"
#include "../fixture.h"

static Worker worker;
static atomic_ulong sent;

typedef struct Late {
    Job job;
    int64_t delay;
    bool told; /* that the call was given up */
    uint64_t len;
    uint8_t payload[];
} Late;

static void late_free(Job *job) {
    free(job);
}

static int64_t late_run(Job *job) {
    Late *late = (Late *)job;
    if (!late->told && late->delay > 0) {
        late->told = true;
        return late->delay;
    }
    nr_answer(&host, job->sid, NR_OK, nr_bytes(late->payload, late->len));
    atomic_fetch_add_explicit(&sent, 1, memory_order_release);
    return JOB_DONE;
}

static void cancel(void *ctx, uint64_t sid) {
    (void)ctx;
    worker_wake(&worker, sid);
}

static NrStatus answer_late(uint64_t sid, const NrRequest *request, NrBytes payload) {
    Late *late = malloc(sizeof(*late) + payload.len);
    if (late == NULL) {
        return NR_ERR;
    }
    late->job.sid = sid;
    late->job.run = late_run;
    late->job.free = late_free;
    late->delay = (int64_t)query_number(request, "delay", 0);
    late->told = false;
    late->len = payload.len;
    memcpy(late->payload, payload.ptr, payload.len);
    worker_post(&worker, &late->job, JOB_PARKED);
    return NR_OK;
}

static NrStatus count_sent(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_number(sid, atomic_load_explicit(&sent, memory_order_acquire));
    return NR_OK;
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

FIXTURE_EXPORT_WITH("fixture_late", init, shutdown, {"/late", answer_late}, {"/sent", count_sent})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})
