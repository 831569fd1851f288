/* fixture_init_shutdown: sends results when there is no call to answer, 64 in init and 64 in
 * shutdown, to small sids and to the calls that it holds.
 *
 *     /hold   keeps the call (one at a time) until shutdown answers it
 *     /echo   the payload */
#include "../fixture.h"

static uint64_t held;

static void answer_out_of_turn(const char *when) {
    for (uint64_t sid = 0; sid < 64; sid++) {
        nr_answer_str(&host, sid, NR_OK, when);
    }
}

static NrStatus hold(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    held = sid;
    return NR_OK;
}

static NrStatus echo(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    fixture_init(ctx, host_ctx, vtable);
    answer_out_of_turn("init");
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx;
    answer_out_of_turn("shutdown");
    nr_answer_str(&host, held, NR_OK, "shutdown");
}

FIXTURE_EXPORT_WITH("fixture_init_shutdown", init, shutdown, {"/hold", hold}, {"/echo", echo})
