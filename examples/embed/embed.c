/* The C core in a program of one's own, without Lua: loads a plugin on a libuv loop, calls it, and
 * prints what comes back.
 *
 * With Nylon Ring installed (`cmake --install build/release --prefix PREFIX`):
 *
 *     export PKG_CONFIG_PATH=PREFIX/lib/pkgconfig
 *     cc -o embed embed.c $(pkg-config --cflags --libs nylon_ring)
 *     ./embed PREFIX/lib/nylon_ring/plugins/echo.so /thread hello */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <nylon_ring/nr_uv.h>

static int failed(const nr_error_t *err) {
    fprintf(stderr, "embed: %s (%s)\n", err->message, nr_error_code(err->code));
    return 1;
}

static void print_result(nr_result_t *result) {
    if (result->error != 0) {
        printf("no answer: %s\n", nr_error_code(result->error));
    } else {
        printf("%s: %.*s\n", nr_status_name(result->status), (int)result->len,
               (const char *)result->data);
    }
    nr_result_release(result);
}

/* Whatever has finished comes here, on the loop. */
static void on_event(nr_worker_t *worker, nr_event_t *event, void *ctx) {
    (void)worker, (void)ctx;
    if (event->kind == NR_EVENT_RESULT) {
        print_result(&event->result);
    } else if (event->kind == NR_EVENT_UNLOADED && !event->report.unmapped) {
        printf("still mapped: %s\n", event->report.reason);
    }
}

static int call(nr_plugin_t *plugin, const char *path, const char *text) {
    NrRequest wanted = {.path = {(const uint8_t *)path, (uint32_t)strlen(path), 0}};
    NrBytes payload = {(const uint8_t *)text, strlen(text)};
    nr_call_options_t options = {.timeout_ms = 1000};
    nr_request_t request;
    nr_result_t result;
    nr_error_t err;
    if (nr_request_init(&request, &wanted, &err) < 0) {
        return failed(&err);
    }
    int outcome = nr_call(plugin, &request, payload, &options, &result, &err);
    if (outcome < 0) {
        return failed(&err);
    }
    if (outcome == NR_DONE) { /* it was answered inside `handle`: no event will come */
        print_result(&result);
    }
    return 0;
}

int main(int argc, char **argv) {
    uv_loop_t *loop = uv_default_loop();
    nr_uv_t *ring;
    nr_plugin_t *plugin;
    nr_error_t err;
    if (argc != 4) {
        fprintf(stderr, "usage: embed PLUGIN PATH TEXT\n");
        return 2;
    }
    if (nr_uv_open(loop, on_event, NULL, &ring, &err) < 0) {
        return failed(&err);
    }
    int code = 1;
    if (nr_plugin_load(nr_uv_worker(ring), argv[1], NULL, &plugin, &err) < 0) {
        failed(&err);
    } else {
        code = call(plugin, argv[2], argv[3]);
        uv_run(loop, UV_RUN_DEFAULT); /* until the answer is there */
        nr_plugin_unload(plugin, 1000, NULL, NULL);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    nr_uv_close(ring);
    uv_run(loop, UV_RUN_DEFAULT);
    return code;
}
