/* What the v1 fixtures share: the host, and a handle that goes by the path.
 *
 * A fixture is a plugin for specs, one for each topic. Its head lists its paths; each is a function
 * that takes one call as handle does. It exports itself by one of the macros at the end. */
#ifndef NYLON_RING_FIXTURE_H
#define NYLON_RING_FIXTURE_H

#include <inttypes.h>

#include <nylon_ring/plugin.h>

/* Written by init only. */
static NrHost host;

typedef struct FixtureRoute {
    const char *path;
    NrStatus (*handle)(uint64_t sid, const NrRequest *request, NrBytes payload);
} FixtureRoute;

static inline NrStatus fixture_init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    return NR_OK;
}

static inline void fixture_shutdown(void *ctx) {
    (void)ctx;
}

static inline NrStatus fixture_route(const FixtureRoute *routes, size_t count, uint64_t sid,
                                     const NrRequest *request, NrBytes payload) {
    for (size_t i = 0; i < count; i++) {
        if (nr_str_is(request->path, routes[i].path)) {
            return routes[i].handle(sid, request, payload);
        }
    }
    return NR_INVALID;
}

/* Answers a call with a number in decimal. */
static inline void answer_number(uint64_t sid, uint64_t number) {
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRIu64, number);
    nr_answer(&host, sid, NR_OK, nr_bytes(text, (uint64_t)len));
}

/* A query parameter as a number, or the default when there is none or it is no number. */
static inline uint64_t query_number(const NrRequest *request, const char *name,
                                    uint64_t otherwise) {
    uint64_t number = otherwise;
    (void)nr_query_uint(request->query, name, &number);
    return number;
}

/* Exports a fixture: its name, init, shutdown, and its routes as {path, function} pairs. */
#define FIXTURE_EXPORT_WITH(name, init, shutdown, ...)                                             \
    static NrStatus fixture_handle(void *ctx, uint64_t sid, const NrRequest *request,              \
                                   NrBytes payload) {                                              \
        static const FixtureRoute routes[] = {__VA_ARGS__};                                        \
        (void)ctx;                                                                                 \
        return fixture_route(routes, sizeof(routes) / sizeof(routes[0]), sid, request, payload);   \
    }                                                                                              \
    NR_PLUGIN_EXPORT_V1(name, "1.0.0", NULL, init, fixture_handle, shutdown)

/* The same for a fixture that has nothing to set up or take down. */
#define FIXTURE_EXPORT(name, ...)                                                                  \
    FIXTURE_EXPORT_WITH(name, fixture_init, fixture_shutdown, __VA_ARGS__)

#endif
