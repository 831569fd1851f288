/* fixture_never: says Ok to every call and never answers it. */
#include "../fixture.h"

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)sid, (void)request, (void)payload;
    return NR_OK;
}

NR_PLUGIN_EXPORT_V1("fixture_never", "1.0.0", NULL, fixture_init, handle, fixture_shutdown)
