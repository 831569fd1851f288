/* hello: greets whom the query names.
 *
 *     GET /hello?name=Ada   "hello, Ada"
 *
 * For threads, streams and state see plugins/echo of Nylon Ring. */
#include <nylon_ring/plugin.h>

static NrHost host;

/* Once, before any call. Anything but NR_OK refuses the load. */
static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    return NR_OK;
}

/* Once for each call, possibly on several threads at the same time. NR_OK means that the call has
 * its answer or will get one; anything else fails it. */
static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)payload;
    if (!nr_str_is(request->path, "/hello")) {
        return NR_INVALID;
    }
    char name[64] = "world";
    nr_query_get(request->query, "name", name, sizeof(name));

    char text[80];
    int len = snprintf(text, sizeof(text), "hello, %s", name);
    nr_answer(&host, sid, NR_OK, nr_bytes(text, (uint64_t)len));
    return NR_OK;
}

/* Once, at the end: stop what init has started. */
static void shutdown(void *ctx) {
    (void)ctx;
}

NR_PLUGIN_EXPORT_V1("hello", "0.1.0", NULL, init, handle, shutdown)
