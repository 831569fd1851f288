/* fixture_both: one file with the exports of both generations. Every call is answered with the
 * generation that was called, "v1" or "v2". */
#include <nylon_ring/plugin.h>

static NrHost host;

static NrStatus init_v1(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    return NR_OK;
}

static NrStatus handle_v1(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)request, (void)payload;
    nr_answer_str(&host, sid, NR_OK, "v1");
    return NR_OK;
}

static void shutdown_v1(void *ctx) {
    (void)ctx;
}

static NrStatus init_v2(void *host_ctx, const NrHostVTable2 *vtable) {
    host = nr_host_v2(host_ctx, vtable);
    return NR_OK;
}

static NrStatus handle_v2(NrStr entry, uint64_t sid, NrBytes payload) {
    (void)entry, (void)payload;
    nr_answer_str(&host, sid, NR_OK, "v2");
    return NR_OK;
}

static void shutdown_v2(void) {}

static const NrPluginVTable2 vtable = {
    .init = init_v2, .handle = handle_v2, .shutdown = shutdown_v2};

NR_PLUGIN_EXPORT_V1("fixture_both", "1.0.0", NULL, init_v1, handle_v1, shutdown_v1)
NR_PLUGIN_EXPORT_V2("fixture_both", "2.0.0", &vtable)
