#define _GNU_SOURCE

#include "core_support.h"

#include <stdio.h>
#include <stdlib.h>

static void on_event(nr_worker_t *worker, nr_event_t *event, void *ctx) {
    core_t *core = ctx;
    core_event_t record = {.kind = event->kind, .user = event->user, .stream = event->stream};

    (void)worker;
    if (event->kind == NR_EVENT_RESULT) {
        record.sid = event->result.sid;
        record.error = event->result.error;
        record.status = event->result.status;
        record.len = event->result.len;
        memcpy(record.data, event->result.data,
               record.len < sizeof record.data ? record.len : sizeof record.data);
        assert_non_null(event->result.data);
        nr_result_release(&event->result);
    }
    core->events = realloc(core->events, (core->events_len + 1) * sizeof record);
    assert_non_null(core->events);
    core->events[core->events_len++] = record;
    if (core->on_event != NULL) {
        core->on_event(core, &record);
    }
}

void core_open(core_t *core) {
    nr_error_t err;

    memset(core, 0, sizeof *core);
    assert_int_equal(uv_loop_init(&core->loop), 0);
    assert_int_equal(nr_uv_open(&core->loop, on_event, core, &core->ring, &err), 0);
    core->worker = nr_uv_worker(core->ring);
}

void core_close(core_t *core) {
    nr_uv_close(core->ring);
    uv_run(&core->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&core->loop), 0);
    free(core->events);
}

void core_run(core_t *core, size_t count) {
    while (core->events_len < count) {
        if (uv_run(&core->loop, UV_RUN_ONCE) == 0 && core->events_len < count) {
            fail_msg("nothing is pending, but only %zu of %zu events came", core->events_len,
                     count);
        }
    }
}

void core_run_all(core_t *core) {
    uv_run(&core->loop, UV_RUN_DEFAULT);
    assert_int_equal(nr_worker_pending(core->worker), 0);
}

void core_poll(core_t *core) {
    nr_event_t event;

    uv_run(&core->loop, UV_RUN_NOWAIT);
    while (nr_worker_next(core->worker, &event)) { /* a loop without work does not even look */
        on_event(core->worker, &event, core);
    }
}

void core_forget(core_t *core) {
    core->events_len = 0;
}

static NrStatus handle1(void *plugin_ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    played_t *played = plugin_ctx;

    (void)request;
    played->sid = sid;
    return played->on_handle != NULL ? played->on_handle(played, sid, payload) : NR_OK;
}

/* v2's functions have no context: one played v2 plugin at a time. */
static played_t *played2;

static NrStatus handle2(NrStr entry, uint64_t sid, NrBytes payload) {
    (void)entry;
    return handle1(played2, sid, NULL, payload);
}

static NrStatus stream_data2(uint64_t sid, NrBytes data) {
    (void)sid;
    (void)data;
    return NR_OK;
}

static NrStatus stream_close2(uint64_t sid) {
    (void)sid;
    played2->closes++;
    return NR_OK;
}

static void cancel(void *plugin_ctx, uint64_t sid) {
    played_t *played = plugin_ctx;

    played->cancelled = sid;
    played->cancels++;
}

static void writable(void *plugin_ctx, uint64_t sid) {
    played_t *played = plugin_ctx;

    (void)sid;
    played->writables++;
}

static played_t *play(core_t *core,
                      NrStatus (*on_handle)(played_t *played, uint64_t sid, NrBytes payload)) {
    static played_t *all; /* images live for ever */
    static uint64_t serial = 1000;
    played_t *played = calloc(1, sizeof *played);

    assert_non_null(played);
    played->next_played = all;
    all = played;
    played->image.serial = ++serial;
    played->image.plugin_ctx = played;
    played->image.name = (char *)(uintptr_t) "played";
    played->image.cancel = &played->cancel;
    played->image.writable = &played->writable;
    played->cancel.cancel = cancel;
    played->writable.writable = writable;
    played->lane.worker = core->worker;
    played->lane.image = &played->image;
    played->plugin.lane = &played->lane;
    played->plugin.worker = core->worker;
    played->plugin.name = played->image.name;
    played->on_handle = on_handle;
    return played;
}

played_t *core_play(core_t *core,
                    NrStatus (*on_handle)(played_t *played, uint64_t sid, NrBytes payload)) {
    played_t *played = play(core, on_handle);

    played->image.abi = 1;
    played->v1.handle = handle1;
    played->image.v1 = &played->v1;
    return played;
}

played_t *core_play2(core_t *core,
                     NrStatus (*on_handle)(played_t *played, uint64_t sid, NrBytes payload)) {
    played_t *played = play(core, on_handle);

    played2 = played;
    played->image.abi = 2;
    played->v2.handle = handle2;
    played->v2.stream_data = stream_data2;
    played->v2.stream_close = stream_close2;
    played->image.v2 = &played->v2;
    return played;
}

nr_plugin_t *core_load(core_t *core, const char *name) {
    char path[512];
    nr_plugin_t *plugin;
    nr_error_t err;

    snprintf(path, sizeof path, "%s/%s.so", NR_PLUGIN_DIR, name);
    if (nr_plugin_load(core->worker, path, NULL, &plugin, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return plugin;
}

NrBytes core_bytes(const char *text) {
    NrBytes bytes = {(const uint8_t *)text, strlen(text)};

    return bytes;
}

NrStr core_str(const char *text) {
    NrStr str = {(const uint8_t *)text, (uint32_t)strlen(text), 0};

    return str;
}

nr_request_t core_request(const char *path, const char *query) {
    NrRequest from = {.path = core_str(path), .method = core_str("GET"), .query = core_str(query)};
    nr_request_t request;

    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    return request;
}

uint64_t core_call(played_t *played, void *user, uint64_t timeout_ms) {
    nr_request_t request = core_request("/", "");
    nr_call_options_t options = {.user = user, .timeout_ms = timeout_ms};
    nr_result_t result;

    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), &options, &result, NULL),
                     NR_PENDING);
    assert_int_equal(result.sid, played->sid);
    return result.sid;
}

nr_stream_t *core_stream(played_t *played, const nr_stream_options_t *options) {
    nr_request_t request = core_request("/", "");
    nr_stream_t *stream;

    assert_int_equal(
        nr_stream_open(&played->plugin, &request, core_bytes(""), options, &stream, NULL), 0);
    assert_int_equal(nr_stream_sid(stream), played->sid);
    return stream;
}

void core_send(played_t *played, uint64_t sid, NrStatus status, const char *text) {
    nr__host_vtable1.send_result(&played->image, sid, status, core_bytes(text));
}

NrStatus core_send2(played_t *played, uint64_t sid, NrStatus status, const char *text) {
    NrVecU8 vec = {.ptr = (uint8_t *)(uintptr_t)text, .len = strlen(text)};

    return nr__host_vtable2.send_result(&played->image, sid, status, vec);
}

static void released(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)ptr;
    (void)len;
    ++*(int *)owner_ctx;
}

NrStatus core_send_owned(played_t *played, uint64_t sid, NrStatus status, const char *text,
                         int *count) {
    NrOwnedBytes bytes = {(const uint8_t *)text, strlen(text), count, released};

    return nr__host_vtable2.send_result_owned(&played->image, sid, status, bytes);
}

nr__state_t core_state(uint64_t sid) {
    return nr__slot_state(nr__slot_word(nr__slot_find(sid)));
}

void core_assert_frame(nr_stream_t *stream, NrStatus status, const char *text) {
    nr_result_t frame;

    assert_int_equal(nr_stream_next(stream, &frame), NR_DONE);
    assert_int_equal(frame.status, status);
    assert_int_equal(frame.error, 0);
    assert_int_equal(frame.sid, nr_stream_sid(stream));
    assert_int_equal(frame.len, strlen(text));
    assert_non_null(frame.data);
    assert_memory_equal(frame.data, text, frame.len);
    nr_result_release(&frame);
}

void core_assert_next(nr_stream_t *stream, int answer) {
    nr_result_t frame;

    assert_int_equal(nr_stream_next(stream, &frame), answer);
}
