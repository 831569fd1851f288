/* fixture_noop_v2: fixture_noop by ABI v2.
 *
 *     fixed/N     N bytes (at most 65,536) of its own; the entry's number is N + 1
 *     echo        the payload; number 0 */
#include <nylon_ring/plugin.h>

#define FIXED_MAX 65536u

static NrHost host;
static uint8_t fixed[FIXED_MAX];

static NrStatus init(void *host_ctx, const NrHostVTable2 *vtable) {
    host = nr_host_v2(host_ctx, vtable);
    memset(fixed, 'x', sizeof(fixed));
    return NR_OK;
}

static uint32_t resolve_entry(NrStr entry) {
    uint64_t len = 0;
    if (nr_str_starts_with(entry, "fixed/") && nr_str_to_uint(nr_str_skip(entry, 6), &len) &&
        len <= FIXED_MAX) {
        return (uint32_t)len + 1;
    }
    return nr_str_is(entry, "echo") ? 0 : NR_ENTRY_UNKNOWN;
}

static NrStatus handle_by_id(uint32_t id, uint64_t sid, NrBytes payload) {
    if (id > FIXED_MAX + 1) {
        return NR_INVALID;
    }
    nr_answer(&host, sid, NR_OK, id == 0 ? payload : nr_bytes(fixed, id - 1));
    return NR_OK;
}

static NrStatus handle(NrStr entry, uint64_t sid, NrBytes payload) {
    return handle_by_id(resolve_entry(entry), sid, payload);
}

static void shutdown(void) {}

static const NrPluginVTable2 vtable = {
    .init = init,
    .handle = handle,
    .shutdown = shutdown,
    .resolve_entry = resolve_entry,
    .handle_by_id = handle_by_id,
};

NR_PLUGIN_EXPORT_V2("fixture_noop_v2", "1.0.0", &vtable)
