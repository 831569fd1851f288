/* fixture_pinned: linked with -z nodelete (DF_1_NODELETE), as a runtime that cannot leave a process
 * does; dlclose has no effect on it. Echoes. */
#include "../fixture.h"

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

NR_PLUGIN_EXPORT_V1("fixture_pinned", "1.0.0", NULL, fixture_init, handle, fixture_shutdown)
