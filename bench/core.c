/* What the C core costs: the same cases through libnylon_ring on a libuv loop, without Lua.
 *
 * usage: bench_core PLUGIN */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include <nylon_ring/nr_uv.h>
#include <nylon_ring/plugin.h>

#include "cases.h"
#include "measure.h"

typedef struct core {
    uv_loop_t loop;
    nr_uv_t *ring;
    nr_plugin_t *plugin;
    nr_request_t request;
    NrBytes payload;
    uint64_t in_flight;
    uint64_t left, open; /* of the present run: to be started, and started */
} core_t;

static void fail(const char *what, const nr_error_t *err) {
    fprintf(stderr, "bench_core: %s: %s\n", what, err->message);
    exit(1);
}

static int start(core_t *core) {
    nr_result_t result;
    nr_error_t err;
    int rc = nr_call(core->plugin, &core->request, core->payload, NULL, &result, &err);
    if (rc < 0) {
        fail("call", &err);
    }
    if (rc == NR_DONE) {
        nr_result_release(&result);
    }
    return rc;
}

static void run_inside(void *ctx, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        start(ctx);
    }
}

static void run_stream(void *ctx, uint64_t count) {
    core_t *core = ctx;
    for (uint64_t i = 0; i < count; i++) {
        nr_stream_t *stream;
        nr_error_t err;
        nr_result_t frame;
        if (nr_stream_open(core->plugin, &core->request, core->payload, NULL, &stream, &err) < 0) {
            fail("stream", &err);
        }
        while (nr_stream_next(stream, &frame) == NR_DONE) {
            nr_result_release(&frame);
        }
        nr_stream_close(stream);
    }
}

static void refill(core_t *core) {
    while (core->left > 0 && core->open < core->in_flight) {
        core->left--;
        core->open += start(core) == NR_PENDING;
    }
}

static void on_event(nr_worker_t *worker, nr_event_t *event, void *ctx) {
    core_t *core = ctx;
    (void)worker;
    if (event->kind == NR_EVENT_RESULT) {
        nr_result_release(&event->result);
        core->open--;
        refill(core);
    }
}

static void run_thread(void *ctx, uint64_t count) {
    core_t *core = ctx;
    core->left = count;
    refill(core);
    uv_run(&core->loop, UV_RUN_DEFAULT);
}

static void run_case(const bench_case_t *c, void *ctx) {
    static uint8_t body[BENCH_BODY_MAX];
    core_t *core = ctx;
    NrRequest request = {.path = nr_str(c->path)};
    nr_error_t err;
    if (nr_request_init(&core->request, &request, &err) < 0) {
        fail("request", &err);
    }
    core->payload = nr_bytes(body, c->body);
    core->in_flight = c->in_flight;
    bench_measure(c->name,
                  c->stream          ? run_stream
                  : c->in_flight > 0 ? run_thread
                                     : run_inside,
                  core);
}

int main(int argc, char **argv) {
    core_t core = {0};
    nr_error_t err;
    if (argc != 2) {
        fprintf(stderr, "usage: bench_core PLUGIN\n");
        return 2;
    }
    uv_loop_init(&core.loop);
    if (nr_uv_open(&core.loop, on_event, &core, &core.ring, &err) < 0 ||
        nr_plugin_load(nr_uv_worker(core.ring), argv[1], NULL, &core.plugin, &err) < 0) {
        fail(argv[1], &err);
    }
    bench_each(run_case, &core);
    nr_plugin_unload(core.plugin, 1000, NULL, NULL);
    uv_run(&core.loop, UV_RUN_DEFAULT);
    nr_uv_close(core.ring);
    uv_run(&core.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&core.loop) == 0 ? 0 : 1;
}
