/* log.c: where plugins' lines go, and what becomes of odd ones. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include <nylon_ring/ext/log.h>

#include "host_loop.h"

static host_loop_t *loop;
static nr_plugin_t *plugin;

static int open_loop(void **state) {
    (void)state;
    nr_log_set_level(NR_LOG_INFO);
    loop = host_loop_new();
    plugin = host_loop_load(loop, NR_PLUGIN_DIR "/fixture_log.so", "p");
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    host_loop_free(loop);
    return 0;
}

static uint64_t call(const char *path, const char *query, const char *body) {
    NrRequest from = {.path = {(const uint8_t *)path, (uint32_t)strlen(path), 0},
                      .query = {(const uint8_t *)query, (uint32_t)strlen(query), 0}};
    NrBytes payload = {(const uint8_t *)body, strlen(body)};
    nr_request_t request;
    nr_result_t result;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    assert_int_equal(nr_call(plugin, &request, payload, NULL, &result, NULL), NR_DONE);
    assert_int_equal(result.status, NR_OK);
    uint64_t sid = result.sid;
    nr_result_release(&result);
    return sid;
}

/* ---- Standard error ---------------------------------------------------------------------- */

/* Calls with standard error led into memory; what came is zero-terminated in `text`. */
static uint64_t call_and_read(const char *path, const char *query, const char *body, char *text,
                              size_t size) {
    int memory = memfd_create("stderr", MFD_CLOEXEC);
    int old = dup(STDERR_FILENO);
    assert_true(memory >= 0 && old >= 0);
    assert_int_equal(dup2(memory, STDERR_FILENO), STDERR_FILENO);
    uint64_t sid = call(path, query, body);
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    close(old);
    ssize_t len = pread(memory, text, size - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    close(memory);
    return sid;
}

static void a_line_names_plugin_level_and_sid(void **state) {
    (void)state;
    char text[256];
    char expected[256];
    uint64_t sid = call_and_read("/log", "level=3", "watch out", text, sizeof(text));
    snprintf(expected, sizeof(expected), "[p] warn %" PRIu64 ": watch out\n", sid);
    assert_string_equal(text, expected);
    call_and_read("/plain", "", "no call", text, sizeof(text));
    assert_string_equal(text, "[p] info: no call\n");
}

typedef struct reader {
    int from;
    size_t len;
    char text[65536];
} reader_t;

/* Reads slower than one writes: not before the pipe is full. */
static void read_all(void *arg) {
    reader_t *reader = arg;
    struct pollfd end = {.fd = reader->from, .events = POLLIN};
    ssize_t got = 1;
    (void)poll(&end, 1, -1);
    while (got > 0) {
        got =
            read(reader->from, reader->text + reader->len, sizeof(reader->text) - 1 - reader->len);
        reader->len += got > 0 ? (size_t)got : 0;
    }
}

static void a_line_comes_whole_through_a_pipe_that_does_not_block(void **state) {
    (void)state;
    static reader_t reader;
    uv_thread_t thread;
    int ends[2], old = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
    reader.from = ends[0];
    assert_int_equal(uv_thread_create(&thread, read_all, &reader), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    call("/long", "bytes=16000", "");
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    uv_thread_join(&thread);
    close(ends[0]);
    close(old);
    assert_true(reader.len > 16000);
    assert_int_equal(reader.text[reader.len - 1], '\n');
}

static void lines_below_the_level_are_dropped(void **state) {
    (void)state;
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    for (uint32_t lowest = NR_LOG_TRACE; lowest <= NR_LOG_ERROR + 1; lowest++) {
        char text[1024];
        nr_log_set_level(lowest);
        assert_int_equal(nr_log_level(), lowest);
        call_and_read("/levels", "", "", text, sizeof(text));
        for (uint32_t level = 0; level <= NR_LOG_ERROR; level++) {
            char word[16];
            snprintf(word, sizeof(word), "] %s ", names[level]);
            assert_int_equal(strstr(text, word) != NULL, level >= lowest);
        }
        /* There is no level 5: such a line counts as an error. */
        assert_int_equal(strstr(text, "level 5") != NULL, lowest <= NR_LOG_ERROR);
    }
    nr_log_set_level(4711);
    assert_int_equal(nr_log_level(), NR_LOG_ERROR + 1);
}

static void odd_bytes_do_nothing_to_a_terminal(void **state) {
    (void)state;
    char text[256];
    call_and_read("/odd", "", "", text, sizeof(text));
    assert_non_null(strstr(text, ": one\n    two\\x0d\\x1b[31mred \\xff\\xfe end\n"));
}

static void a_malformed_view_is_not_followed(void **state) {
    (void)state;
    char text[256];
    call_and_read("/null", "", "", text, sizeof(text));
    assert_non_null(strstr(text, "NULL pointer"));
}

static void a_long_line_is_cut_with_a_word_about_it(void **state) {
    (void)state;
    char *text = malloc(200000);
    assert_non_null(text);
    call_and_read("/long", "bytes=100000", "", text, 200000);
    assert_non_null(strstr(text, "lll... (cut, it had 100000 bytes)\n"));
    assert_true(strlen(text) < 17000);
    free(text);
}

/* ---- Capture ----------------------------------------------------------------------------- */

static void assert_line(uint64_t sid, uint32_t level, const char *name, const char *message) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_LOG);
    assert_int_equal(event.log.level, level);
    assert_true(event.log.sid == sid);
    assert_string_equal(event.log.plugin, name);
    assert_int_equal(event.log.len, strlen(message));
    assert_string_equal(event.log.message, message);
}

static void a_worker_takes_the_lines_over(void **state) {
    (void)state;
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_INSTEAD);
    uint64_t first = call("/log", "level=4", "one");
    uint64_t second = call("/thread", "", "two");
    assert_line(first, NR_LOG_ERROR, "p", "one");
    assert_line(second, NR_LOG_INFO, "p", "two");
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_OFF);
    char text[256];
    call_and_read("/plain", "", "back again", text, sizeof(text));
    assert_string_equal(text, "[p] info: back again\n");
}

static void a_worker_takes_lines_that_are_written_as_well(void **state) {
    (void)state;
    char text[256];
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_BESIDE);
    call_and_read("/plain", "", "both", text, sizeof(text));
    assert_string_equal(text, "[p] info: both\n");
    assert_line(0, NR_LOG_INFO, "p", "both");
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_INSTEAD);
    call_and_read("/plain", "", "one", text, sizeof(text));
    assert_string_equal(text, "");
    assert_line(0, NR_LOG_INFO, "p", "one");
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_OFF);
}

static void a_later_worker_takes_over_and_gives_back_when_it_closes(void **state) {
    (void)state;
    char text[256];
    host_loop_t *other = host_loop_new();
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_INSTEAD);
    nr_worker_capture_logs(host_loop_worker(other), NR_CAPTURE_INSTEAD);
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_OFF); /* it is not the one any more */
    call_and_read("/plain", "", "captured", text, sizeof(text));
    assert_string_equal(text, "");
    nr_event_t event;
    host_loop_next(other, &event);
    assert_string_equal(event.log.message, "captured");
    host_loop_free(other);
    call_and_read("/plain", "", "printed", text, sizeof(text));
    assert_string_equal(text, "[p] info: printed\n");
}

static void lines_that_nobody_fetches_are_bounded_and_their_loss_is_told(void **state) {
    (void)state;
    nr_event_t event;
    size_t lines = 0;
    char last[128] = "", lost[128];
    nr_worker_capture_logs(host_loop_worker(loop), NR_CAPTURE_INSTEAD);
    for (int i = 0; i < 10000; i++) {
        call("/plain", "", "line");
    }
    while (nr_worker_next(host_loop_worker(loop), &event)) {
        assert_int_equal(event.kind, NR_EVENT_LOG);
        snprintf(last, sizeof(last), "%s", event.log.message);
        lines++;
    }
    assert_true(lines > 1 && lines < 10000);
    snprintf(lost, sizeof(lost), "%zu log lines are lost, they came faster than they were read",
             10000 - (lines - 1));
    assert_string_equal(last, lost); /* also where no other line comes */
}

static void lines_that_a_closing_worker_has_not_fetched_are_printed(void **state) {
    (void)state;
    char text[256];
    host_loop_t *other = host_loop_new();
    nr_worker_capture_logs(host_loop_worker(other), NR_CAPTURE_INSTEAD);
    call("/plain", "", "left over");
    int memory = memfd_create("stderr", MFD_CLOEXEC);
    int old = dup(STDERR_FILENO);
    assert_int_equal(dup2(memory, STDERR_FILENO), STDERR_FILENO);
    host_loop_free(other);
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    ssize_t len = pread(memory, text, sizeof(text) - 1, 0);
    assert_true(len > 0);
    text[len] = '\0';
    assert_string_equal(text, "[p] info: left over\n");
    close(old);
    close(memory);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(a_line_names_plugin_level_and_sid),
        ON_LOOP(a_line_comes_whole_through_a_pipe_that_does_not_block),
        ON_LOOP(lines_below_the_level_are_dropped),
        ON_LOOP(odd_bytes_do_nothing_to_a_terminal),
        ON_LOOP(a_malformed_view_is_not_followed),
        ON_LOOP(a_long_line_is_cut_with_a_word_about_it),
        ON_LOOP(a_worker_takes_the_lines_over),
        ON_LOOP(a_worker_takes_lines_that_are_written_as_well),
        ON_LOOP(a_later_worker_takes_over_and_gives_back_when_it_closes),
        ON_LOOP(lines_that_nobody_fetches_are_bounded_and_their_loss_is_told),
        ON_LOOP(lines_that_a_closing_worker_has_not_fetched_are_printed),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
