/* fixture_version_<N>: the same plugin in two versions, FIXTURE_VERSION 1 and 2, for reloads, and
 * for unloads while calls are open.
 *
 *     /version   the version
 *     /hold      keeps the call
 *     /release   answers every held call with the version, then itself
 *
 * It offers no nylon.cancel/1. Tests in C answer the held calls by the exported function below,
 * which works when the host takes no more calls. */
#include "../fixture.h"

#define HELD_MAX 64

static uint64_t held[HELD_MAX];
static size_t held_count;

NR_EXPORT void fixture_version_release(void);
void fixture_version_release(void) {
    while (held_count > 0) {
        nr_answer_str(&host, held[--held_count], NR_OK, FIXTURE_VERSION);
    }
}

static NrStatus version(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    nr_answer_str(&host, sid, NR_OK, FIXTURE_VERSION);
    return NR_OK;
}

static NrStatus hold(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    if (held_count == HELD_MAX) {
        return NR_ERR;
    }
    held[held_count++] = sid;
    return NR_OK;
}

static NrStatus release(uint64_t sid, const NrRequest *request, NrBytes payload) {
    fixture_version_release();
    return version(sid, request, payload);
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    static const FixtureRoute routes[] = {
        {"/version", version}, {"/hold", hold}, {"/release", release}};
    (void)ctx;
    return fixture_route(routes, sizeof(routes) / sizeof(routes[0]), sid, request, payload);
}

NR_PLUGIN_EXPORT_V1("fixture_version", FIXTURE_VERSION ".0.0", NULL, fixture_init, handle,
                    fixture_shutdown)
