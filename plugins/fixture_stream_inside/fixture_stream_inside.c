/* fixture_stream_inside: a whole stream inside handle, whatever the path.
 *
 *     ?frames=N   Ok frames before the end (9)
 *     ?status=S   the status that ends it (4, StreamEnd)
 *
 * Every frame is the payload; the end is empty. */
#include "../fixture.h"

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx;
    uint64_t frames = query_number(request, "frames", 9);
    for (uint64_t i = 0; i < frames; i++) {
        nr_answer(&host, sid, NR_OK, payload);
    }
    NrStatus end = (NrStatus)query_number(request, "status", NR_STREAM_END);
    nr_answer(&host, sid, end, nr_bytes(NULL, 0));
    return NR_OK;
}

NR_PLUGIN_EXPORT_V1("fixture_stream_inside", "1.0.0", NULL, fixture_init, handle, fixture_shutdown)
