#define _POSIX_C_SOURCE 200809L

#include "plugin_support.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define GRACE_MS 60000
#define LIMIT_S 30

static host_loop_t *loop;
static nr_plugin_t *plugin;
static char answer[4096];
static size_t answer_len;

void plugin_open(const char *name) {
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.so", NR_PLUGIN_DIR, name);
    loop = host_loop_new();
    plugin = host_loop_load(loop, path, NULL);
}

nr_unload_report_t plugin_unload(uint64_t grace_ms) {
    nr_unload_report_t report = host_loop_unload(loop, plugin, grace_ms);
    host_loop_free(loop);
    return report;
}

void plugin_close(void) {
    nr_unload_report_t report = plugin_unload(GRACE_MS);
    assert_int_equal(report.error, 0);
    assert_int_equal(report.owed, 0);
}

nr_stats_t plugin_stats(void) {
    nr_stats_t stats;
    nr_plugin_stats(plugin, &stats);
    return stats;
}

nr_plugin_t *plugin_get(void) {
    return plugin;
}

host_loop_t *plugin_loop(void) {
    return loop;
}

static NrStr str_of(const char *text, size_t len) {
    NrStr str = {(const uint8_t *)text, (uint32_t)len, 0};
    return str;
}

static NrBytes bytes_of(const char *text) {
    NrBytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

/* The target must outlive the start of the call. */
static nr_request_t request_of(const char *target) {
    static NrHeader header;
    size_t path_len = strcspn(target, "?");
    header.key = str_of("X-Test", 6);
    header.value = str_of("yes", 3);
    NrRequest from = {.path = str_of(target, path_len),
                      .method = str_of("GET", 3),
                      .headers = &header,
                      .headers_len = 1};
    if (target[path_len] == '?') {
        from.query = str_of(target + path_len + 1, strlen(target + path_len + 1));
    }
    nr_request_t request;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    return request;
}

static void answer_add(const char *text, size_t len) {
    assert_true(answer_len + len < sizeof(answer));
    memcpy(answer + answer_len, text, len);
    answer_len += len;
    answer[answer_len] = '\0';
}

/* Adds a result to the answer and releases it. */
static void answer_result(nr_result_t *result) {
    char status[64];
    const char *comma = answer_len > 0 ? " | " : "";
    int len =
        result->error != 0
            ? snprintf(status, sizeof(status), "%serror %s ", comma, nr_error_code(result->error))
            : snprintf(status, sizeof(status), "%s%" PRIu32 " ", comma, result->status);
    answer_add(status, (size_t)len);
    answer_add((const char *)result->data, (size_t)result->len);
    nr_result_release(result);
}

static const char *answer_refused(const nr_error_t *err) {
    answer_len = (size_t)snprintf(answer, sizeof(answer), "refused %" PRIu32, err->status);
    return answer;
}

static int start(const char *target, const char *body, uint64_t timeout_ms, nr_result_t *result,
                 nr_error_t *err) {
    nr_request_t request = request_of(target);
    nr_call_options_t options = {.timeout_ms = timeout_ms};
    answer_len = 0;
    return nr_call(plugin, &request, bytes_of(body), &options, result, err);
}

const char *plugin_await(void) {
    nr_event_t event;
    answer_len = 0;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_RESULT);
    answer_result(&event.result);
    return answer;
}

const char *plugin_call(const char *target, const char *body) {
    return plugin_call_within(target, body, 0);
}

const char *plugin_call_within(const char *target, const char *body, uint64_t timeout_ms) {
    nr_result_t result;
    nr_error_t err = {0};
    int started = start(target, body, timeout_ms, &result, &err);
    if (started < 0) {
        assert_int_equal(started, NR_E_PLUGIN_HANDLE_FAILED);
        return answer_refused(&err);
    }
    if (started == NR_PENDING) {
        return plugin_await();
    }
    answer_result(&result);
    return answer;
}

/* Lets the plugin's threads run; fails when this has gone on for too long. */
static void give_way(time_t since) {
    assert_true(time(NULL) - since < LIMIT_S);
    sched_yield();
}

void plugin_await_answer(const char *target, const char *expected) {
    time_t since = time(NULL);
    while (strcmp(plugin_call(target, ""), expected) != 0) {
        give_way(since);
    }
}

void plugin_await_backpressure(void) {
    time_t since = time(NULL);
    while (plugin_stats().backpressure == 0) {
        give_way(since);
    }
}

uint64_t plugin_start(const char *target, const char *body) {
    nr_result_t result;
    nr_error_t err = {0};
    assert_int_equal(start(target, body, 0, &result, &err), NR_PENDING);
    return result.sid;
}

nr_stream_t *plugin_stream_open(const char *target, const char *body, uint64_t max_frames) {
    nr_request_t request = request_of(target);
    nr_stream_options_t options = {.max_frames = max_frames};
    nr_stream_t *stream = NULL;
    nr_error_t err = {0};
    int opened = nr_stream_open(plugin, &request, bytes_of(body), &options, &stream, &err);
    if (opened != 0) {
        assert_int_equal(opened, NR_E_PLUGIN_HANDLE_FAILED);
        (void)answer_refused(&err);
    }
    return stream;
}

/* nr_stream_next, but waits where that has nothing yet. */
static int next_frame(nr_stream_t *stream, nr_result_t *frame) {
    int got = 0;
    while ((got = nr_stream_next(stream, frame)) == NR_PENDING) {
        nr_event_t event;
        nr_stream_wait(stream, stream);
        host_loop_next(loop, &event);
        assert_int_equal(event.kind, NR_EVENT_READABLE);
    }
    return got;
}

int plugin_stream_fail(nr_stream_t *stream, size_t *frames) {
    nr_result_t frame;
    int got = 0;
    for (*frames = 0; (got = next_frame(stream, &frame)) == NR_DONE; (*frames)++) {
        nr_result_release(&frame);
    }
    return got;
}

/* Takes the next frame; answers whether more may follow. */
static int take_frame(nr_stream_t *stream) {
    nr_result_t frame;
    assert_int_equal(next_frame(stream, &frame), NR_DONE);
    NrStatus status = frame.status;
    answer_result(&frame);
    return status == NR_OK;
}

const char *plugin_stream_take(nr_stream_t *stream, size_t count) {
    answer_len = 0;
    while (count > 0 && take_frame(stream)) {
        count--;
    }
    return answer;
}

const char *plugin_stream(const char *target, const char *body) {
    nr_stream_t *stream = plugin_stream_open(target, body, 0);
    if (stream != NULL) {
        (void)plugin_stream_take(stream, SIZE_MAX);
        nr_stream_close(stream);
    }
    return answer;
}
