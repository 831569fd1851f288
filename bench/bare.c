/* The plugin's own time: calls handle in a plain loop, with a send_result that only counts. What
 * the host core and Lua cost is measured against this.
 *
 * usage: bench_bare PLUGIN */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <nylon_ring/plugin.h>

#include "cases.h"
#include "measure.h"

static _Atomic uint64_t answered; /* by the plugin's thread */
static uint64_t frames;           /* inside handle */
static _Thread_local int inside;

static void send_result(void *host_ctx, uint64_t sid, NrStatus status, NrBytes payload) {
    (void)host_ctx, (void)sid, (void)status, (void)payload;
    if (inside) {
        frames++;
    } else {
        atomic_fetch_add_explicit(&answered, 1, memory_order_release);
    }
}

static const NrHostVTable host_vtable = {send_result};
static NrHostContext host_ctx;

typedef struct bare {
    const NrPluginInfo *plugin;
    NrRequest request;
    NrBytes payload;
    uint64_t in_flight;
    uint64_t sid;
} bare_t;

static void call(bare_t *bare) {
    bare->plugin->vtable->handle(bare->plugin->plugin_ctx, ++bare->sid, &bare->request,
                                 bare->payload);
}

static void run_inside(void *ctx, uint64_t count) {
    inside = 1;
    for (uint64_t i = 0; i < count; i++) {
        call(ctx);
    }
    inside = 0;
}

/* Keeps in_flight calls open until `count` were answered. */
static void run_thread(void *ctx, uint64_t count) {
    bare_t *bare = ctx;
    uint64_t base = atomic_load(&answered);
    uint64_t sent = 0;
    uint64_t done = 0;
    while (done < count) {
        while (sent < count && sent - done < bare->in_flight) {
            call(bare);
            sent++;
        }
        done = atomic_load_explicit(&answered, memory_order_acquire) - base;
    }
}

static void run_case(const bench_case_t *c, void *ctx) {
    static uint8_t body[BENCH_BODY_MAX];
    bare_t *bare = ctx;
    bare->request.path = nr_str(c->path);
    bare->payload = nr_bytes(body, c->body);
    bare->in_flight = c->in_flight;
    bench_measure(c->name, c->in_flight > 0 ? run_thread : run_inside, bare);
}

int main(int argc, char **argv) {
    void *file = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (file == NULL) {
        fprintf(stderr, "bench_bare: %s\n", argc == 2 ? dlerror() : "usage: bench_bare PLUGIN");
        return 2;
    }
    NrGetPluginV1 get_plugin;
    *(void **)&get_plugin = dlsym(file, NR_PLUGIN_SYMBOL_V1);
    bare_t bare = {.plugin = get_plugin()};
    memcpy(&host_ctx.magic, NR_HOST_MAGIC, sizeof(host_ctx.magic));
    if (bare.plugin->vtable->init(bare.plugin->plugin_ctx, &host_ctx, &host_vtable) != NR_OK) {
        fprintf(stderr, "bench_bare: init failed\n");
        return 1;
    }
    bench_each(run_case, &bare);
    bare.plugin->vtable->shutdown(bare.plugin->plugin_ctx);
    return 0;
}
