/* fixture_no_shutdown: leaves shutdown out, so its image cannot be taken out of memory. Echoes. */
#include "../fixture.h"

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

NR_PLUGIN_EXPORT_V1("fixture_no_shutdown", "1.0.0", NULL, fixture_init, handle, NULL)
