/* fixture_load_<case>: v1 plugins that cannot be loaded, each for one reason. CASE_<case> is
 * defined:
 *
 *     no_export          exports neither generation's symbol
 *     null_info          the export answers NULL
 *     wrong_version      abi_version 2 behind the v1 symbol, and nothing but version and size
 *                        to read
 *     small_info         struct_size 8, likewise
 *     bad_name           a name that is no UTF-8
 *     null_name          a name that is NULL with a length
 *     bad_version        a version that is no UTF-8
 *     null_version       a version that is NULL with a length
 *     null_table         no table
 *     no_init            no init
 *     no_handle          no handle
 *     init_refuses       init answers Unsupported
 *     undefined_symbol   calls a function that nobody has
 *     missing_library    needs libnr_fixture_absent.so, which is not where it is looked for
 *     none               loads and echoes, so that a spec can see that the others fail for
 *                        their reason */
#include <nylon_ring/plugin.h>

void nr_fixture_symbol_that_nobody_has(void);
void nr_fixture_absent(void);

#if defined(CASE_undefined_symbol)
#define SET_UP() nr_fixture_symbol_that_nobody_has()
#elif defined(CASE_missing_library)
#define SET_UP() nr_fixture_absent()
#else
#define SET_UP() (void)0
#endif

#if defined(CASE_init_refuses)
#define INIT_ANSWER NR_UNSUPPORTED
#else
#define INIT_ANSWER NR_OK
#endif

#if defined(CASE_bad_name)
#define NAME                                                                                       \
    { (const uint8_t *)"na\xff\xfeme", 6, 0 }
#elif defined(CASE_null_name)
#define NAME                                                                                       \
    { NULL, 4, 0 }
#else
#define NAME                                                                                       \
    { (const uint8_t *)"fixture_load", 12, 0 }
#endif

#if defined(CASE_bad_version)
#define VERSION                                                                                    \
    { (const uint8_t *)"1.\xc0\x80", 4, 0 }
#elif defined(CASE_null_version)
#define VERSION                                                                                    \
    { NULL, 5, 0 }
#else
#define VERSION                                                                                    \
    { (const uint8_t *)"1.0.0", 5, 0 }
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

#if defined(CASE_null_table)
#define TABLE NULL
#else
#define TABLE &vtable
#endif

/* Built by every case, whether its table leads here or not. */
#define MAYBE_UNUSED __attribute__((__unused__))

static NrHost host;

MAYBE_UNUSED static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    SET_UP();
    return INIT_ANSWER;
}

MAYBE_UNUSED static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request,
                                    NrBytes payload) {
    (void)ctx, (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static void shutdown(void *ctx) {
    (void)ctx;
}

MAYBE_UNUSED static const NrPluginVTable vtable = {INIT, HANDLE, shutdown};
MAYBE_UNUSED static const NrPluginInfo info = {NR_ABI_V1, sizeof(NrPluginInfo), NAME, VERSION, NULL,
                                               TABLE};

/* What follows version and size is not there: a host that reads on is caught by AddressSanitizer.
 */
typedef struct InfoStart {
    _Alignas(NrPluginInfo) uint32_t abi_version;
    uint32_t struct_size;
} InfoStart;

MAYBE_UNUSED static const InfoStart wrong_version = {2, sizeof(NrPluginInfo)};
MAYBE_UNUSED static const InfoStart small_info = {NR_ABI_V1, sizeof(InfoStart)};

#if defined(CASE_null_info)
#define ANSWER NULL
#elif defined(CASE_wrong_version)
#define ANSWER (const NrPluginInfo *)(const void *)&wrong_version
#elif defined(CASE_small_info)
#define ANSWER (const NrPluginInfo *)(const void *)&small_info
#else
#define ANSWER &info
#endif

#if !defined(CASE_no_export)
NR_EXPORT const NrPluginInfo *nylon_ring_get_plugin_v1(void);
const NrPluginInfo *nylon_ring_get_plugin_v1(void) {
    return ANSWER;
}
#endif
