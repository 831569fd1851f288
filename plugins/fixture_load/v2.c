/* fixture_load_v2_<case>: v2 plugins that cannot be loaded, each for one reason. CASE_<case> is
 * defined:
 *
 *     null_info       the export answers NULL
 *     wrong_version   abi_version 1 behind the v2 symbol, and nothing but version and size to
 *                     read
 *     small_info      struct_size 8, likewise
 *     null_table      no table
 *     no_init         no init
 *     no_handle       no handle
 *     only_resolve    resolve_entry without handle_by_id
 *     only_by_id      handle_by_id without resolve_entry
 *     init_refuses    init answers Unsupported
 *     none            loads and echoes */
#include <nylon_ring/plugin.h>

#if defined(CASE_init_refuses)
#define INIT_ANSWER NR_UNSUPPORTED
#else
#define INIT_ANSWER NR_OK
#endif

#if defined(CASE_no_init)
#define INIT NULL
#else
#define INIT init
#endif

#if defined(CASE_no_handle)
#define HANDLE NULL
#else
#define HANDLE handle
#endif

#if defined(CASE_only_by_id)
#define RESOLVE_ENTRY NULL
#else
#define RESOLVE_ENTRY resolve_entry
#endif

#if defined(CASE_only_resolve)
#define HANDLE_BY_ID NULL
#else
#define HANDLE_BY_ID handle_by_id
#endif

#if defined(CASE_null_table)
#define TABLE NULL
#else
#define TABLE &vtable
#endif

/* Built by every case, whether its table leads here or not. */
#define MAYBE_UNUSED __attribute__((__unused__))

static NrHost host;

MAYBE_UNUSED static NrStatus init(void *host_ctx, const NrHostVTable2 *vtable) {
    host = nr_host_v2(host_ctx, vtable);
    return INIT_ANSWER;
}

MAYBE_UNUSED static NrStatus handle_by_id(uint32_t id, uint64_t sid, NrBytes payload) {
    (void)id;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

MAYBE_UNUSED static NrStatus handle(NrStr entry, uint64_t sid, NrBytes payload) {
    (void)entry;
    return handle_by_id(0, sid, payload);
}

MAYBE_UNUSED static uint32_t resolve_entry(NrStr entry) {
    (void)entry;
    return 0;
}

static void shutdown(void) {}

MAYBE_UNUSED static const NrPluginVTable2 vtable = {
    .init = INIT,
    .handle = HANDLE,
    .shutdown = shutdown,
    .resolve_entry = RESOLVE_ENTRY,
    .handle_by_id = HANDLE_BY_ID,
};

MAYBE_UNUSED static const NrPluginInfo2 info = {NR_ABI_V2,
                                                sizeof(NrPluginInfo2),
                                                {(const uint8_t *)"fixture_load_v2", 15, 0},
                                                {(const uint8_t *)"2.0.0", 5, 0},
                                                NULL,
                                                TABLE};

/* What follows version and size is not there: a host that reads on is caught by AddressSanitizer.
 */
typedef struct InfoStart {
    _Alignas(NrPluginInfo2) uint32_t abi_version;
    uint32_t struct_size;
} InfoStart;

MAYBE_UNUSED static const InfoStart wrong_version = {1, sizeof(NrPluginInfo2)};
MAYBE_UNUSED static const InfoStart small_info = {NR_ABI_V2, sizeof(InfoStart)};

#if defined(CASE_null_info)
#define ANSWER NULL
#elif defined(CASE_wrong_version)
#define ANSWER (const NrPluginInfo2 *)(const void *)&wrong_version
#elif defined(CASE_small_info)
#define ANSWER (const NrPluginInfo2 *)(const void *)&small_info
#else
#define ANSWER &info
#endif

NR_EXPORT const NrPluginInfo2 *nylon_ring_get_plugin(void);
const NrPluginInfo2 *nylon_ring_get_plugin(void) {
    return ANSWER;
}
