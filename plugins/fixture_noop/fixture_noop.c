/* fixture_noop: does nothing beyond answering inside handle; what is measured against it is the
 * host.
 *
 *     /fixed/N    N bytes (at most 65,536) of its own
 *     any other   the payload */
#include <nylon_ring/plugin.h>

#define FIXED_MAX 65536u

static NrHost host;
static uint8_t fixed[FIXED_MAX];

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    memset(fixed, 'x', sizeof(fixed));
    return NR_OK;
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx;
    if (nr_str_starts_with(request->path, "/fixed/")) {
        uint64_t len = 0;
        if (!nr_str_to_uint(nr_str_skip(request->path, 7), &len) || len > FIXED_MAX) {
            return NR_INVALID;
        }
        payload = nr_bytes(fixed, len);
    }
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx;
}

NR_PLUGIN_EXPORT_V1("fixture_noop", "1.0.0", NULL, init, handle, shutdown)
