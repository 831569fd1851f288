/* plugins/sqlite: what only threads can show, and a sanitizer sees: readers, writers, streams and
 * cancels that meet at every possible moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_loop.h"
#include "host_support.h"

#define ENDLESS                                                                                    \
    "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "                  \
    "SELECT i FROM n WHERE i > ?\",\"params\":[%lld]}"
#define NOTHING_EVER 9223372036854775807LL /* no row: it only counts */
#define ROWS                                                                                       \
    "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "   \
    "SELECT i FROM n\"}"
#define GRACE 60000

static host_loop_t *loop;
static nr_plugin_t *sqlite;
static char *folder;
static char query[512];

static int open_database(void **state) {
    (void)state;
    loop = host_loop_new();
    folder = support_folder_new();
    (void)snprintf(query, sizeof(query), "db=%s/test.db", folder);
    sqlite = host_loop_load(loop, NR_PLUGIN_DIR "/sqlite.so", NULL);
    return 0;
}

static int close_database(void **state) {
    (void)state;
    host_loop_free(loop);
    support_folder_remove(folder);
    return 0;
}

static nr_request_t request_for(const char *path) {
    NrRequest from = {.path = {(const uint8_t *)path, (uint32_t)strlen(path), 0},
                      .query = {(const uint8_t *)query, (uint32_t)strlen(query), 0}};
    nr_request_t request;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    return request;
}

static NrBytes bytes_of(const char *text) {
    NrBytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

/* Starts a call, which is never answered inside `handle`; answers its sid. */
static uint64_t start(const char *path, const char *body) {
    nr_request_t request = request_for(path);
    nr_call_options_t options = {.user = sqlite};
    nr_result_t result;
    assert_int_equal(nr_call(sqlite, &request, bytes_of(body), &options, &result, NULL),
                     NR_PENDING);
    return result.sid;
}

static void await_ok(const char *text) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_RESULT);
    if (event.result.error != 0 || event.result.status != NR_OK) {
        fail_msg("%d %u %.*s", event.result.error, event.result.status, (int)event.result.len,
                 (const char *)event.result.data);
    }
    if (text != NULL) {
        assert_int_equal(event.result.len, strlen(text));
        assert_memory_equal(event.result.data, text, strlen(text));
    }
    nr_result_release(&event.result);
}

static void run(const char *path, const char *body, const char *answer) {
    start(path, body);
    await_ok(answer);
}

static nr_stream_t *open_rows(const char *body) {
    nr_request_t request = request_for("/rows");
    nr_stream_options_t options = {.max_frames = 64};
    nr_stream_t *stream = NULL;
    assert_int_equal(nr_stream_open(sqlite, &request, bytes_of(body), &options, &stream, NULL), 0);
    return stream;
}

/* Takes one frame, waiting for it; answers its status. */
static NrStatus take(nr_stream_t *stream) {
    nr_result_t frame;
    int got;
    while ((got = nr_stream_next(stream, &frame)) == NR_PENDING) {
        nr_event_t event;
        nr_stream_wait(stream, stream);
        host_loop_next(loop, &event);
        assert_int_equal(event.kind, NR_EVENT_READABLE);
    }
    assert_int_equal(got, NR_DONE);
    NrStatus status = frame.status;
    nr_result_release(&frame);
    return status;
}

/* The plugin answers also what was given up. Other calls pass the time until it has. */
static void settle(void) {
    nr_stats_t stats;
    for (nr_plugin_stats(sqlite, &stats); stats.owed > 0; nr_plugin_stats(sqlite, &stats)) {
        run("/query", "{\"sql\":\"SELECT 1 AS one\"}", "[{\"one\":1}]");
    }
}

static void make_table(void) {
    run("/exec", "{\"sql\":\"CREATE TABLE t (a)\"}", NULL);
}

static void unload_clean(void) {
    nr_unload_report_t report = host_loop_unload(loop, sqlite, GRACE);
    assert_int_equal(report.error, 0);
    assert_int_equal(report.owed, 0);
}

static void readers_and_writers_are_all_answered(void **state) {
    (void)state;
    make_table();
    for (int i = 0; i < 300; i++) {
        start(i % 3 == 0 ? "/exec" : "/query", i % 3 == 0 ? "{\"sql\":\"INSERT INTO t VALUES (1)\"}"
                                                          : "{\"sql\":\"SELECT count(*) FROM t\"}");
    }
    for (int i = 0; i < 300; i++) {
        await_ok(NULL);
    }
    run("/query", "{\"sql\":\"SELECT count(*) AS n FROM t\"}", "[{\"n\":100}]");
    unload_clean();
}

static void parked_streams_go_on_where_they_stopped(void **state) {
    (void)state;
    enum { STREAMS = 24 }; /* more than threads */
    make_table();
    nr_stream_t *streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        streams[i] = open_rows(ROWS);
    }
    for (int row = 0; row < 5000; row++) {
        for (int i = 0; i < STREAMS; i++) {
            assert_int_equal(take(streams[i]), NR_OK);
        }
    }
    for (int i = 0; i < STREAMS; i++) {
        assert_int_equal(take(streams[i]), NR_STREAM_END);
        nr_stream_close(streams[i]);
    }
    nr_stats_t stats;
    nr_plugin_stats(sqlite, &stats);
    assert_true(stats.backpressure > 0);
    unload_clean();
}

/* Sooner or later after its start: in the queue, while it opens the file, prepares, runs. */
static void pass_time(int rounds) {
    for (int i = 0; i < rounds; i++) {
        run("/query", "{\"sql\":\"SELECT 1 AS one\"}", "[{\"one\":1}]");
    }
}

static void calls_stop_whenever_they_are_cancelled(void **state) {
    (void)state;
    make_table();
    char body[256];
    (void)snprintf(body, sizeof(body), ENDLESS, NOTHING_EVER);
    for (int i = 0; i < 60; i++) {
        uint64_t sid = start(i % 2 == 0 ? "/query" : "/rows", body);
        pass_time(i % 3);
        assert_int_equal(nr_call_cancel(host_loop_worker(loop), sid), 0);
    }
    settle();
    unload_clean();
}

static void streams_stop_whenever_they_are_closed(void **state) {
    (void)state;
    make_table();
    char body[256];
    (void)snprintf(body, sizeof(body), ENDLESS, 0LL);
    for (int i = 0; i < 60; i++) {
        nr_stream_t *stream = open_rows(body);
        for (int frames = i % 4 * 50; frames > 0; frames--) {
            assert_int_equal(take(stream), NR_OK);
        }
        nr_stream_close(stream);
    }
    settle();
    unload_clean();
}

static void writers_leave_the_line_when_they_are_cancelled(void **state) {
    (void)state;
    make_table();
    uint64_t first =
        start("/exec", "{\"sql\":\"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                       "SELECT i + 1 FROM n) SELECT 'first' FROM n\"}");
    uint64_t waiting[20];
    for (int i = 0; i < 20; i++) {
        waiting[i] = start("/exec", "{\"sql\":\"INSERT INTO t VALUES (1)\"}");
    }
    for (int i = 0; i < 20; i += 2) { /* some may have come before the first */
        assert_int_equal(nr_call_cancel(host_loop_worker(loop), waiting[i]), 0);
    }
    assert_int_equal(nr_call_cancel(host_loop_worker(loop), first), 0);
    for (int i = 1; i < 20; i += 2) {
        await_ok(NULL);
    }
    settle();
    run("/query",
        "{\"sql\":\"SELECT count(*) FILTER (WHERE a = 'first') AS first, "
        "count(*) BETWEEN 10 AND 20 AS others FROM t\"}",
        "[{\"first\":0,\"others\":1}]");
    unload_clean();
}

static void an_unload_stops_all_that_runs_waits_or_is_parked(void **state) {
    (void)state;
    make_table();
    char endless[256], rows[256];
    (void)snprintf(endless, sizeof(endless), ENDLESS, NOTHING_EVER);
    (void)snprintf(rows, sizeof(rows), ENDLESS, 0LL);
    nr_stream_t *parked = open_rows(rows);
    assert_int_equal(take(parked), NR_OK);
    for (int i = 0; i < 20; i++) {
        start(i % 2 == 0 ? "/query" : "/exec", endless);
    }
    char user;
    assert_int_equal(nr_plugin_unload(sqlite, 20, &user, NULL), 0);
    int results = 0;
    nr_event_t event = {.kind = NR_EVENT_RESULT};
    while (event.kind != NR_EVENT_UNLOADED) {
        host_loop_next(loop, &event);
        if (event.kind == NR_EVENT_RESULT) {
            assert_int_equal(event.result.error, NR_E_PLUGIN_UNLOADED);
            nr_result_release(&event.result);
            results++;
        }
    }
    assert_int_equal(results, 20);
    assert_int_equal(event.report.error, NR_E_DRAIN_TIMEOUT);
    assert_int_equal(event.report.completed, 21);
    nr_stream_close(parked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(readers_and_writers_are_all_answered),
        TEST(parked_streams_go_on_where_they_stopped),
        TEST(calls_stop_whenever_they_are_cancelled),
        TEST(streams_stop_whenever_they_are_closed),
        TEST(writers_leave_the_line_when_they_are_cancelled),
        TEST(an_unload_stops_all_that_runs_waits_or_is_parked),
    };
    return cmocka_run_group_tests_name("plugin_sqlite", tests, NULL, NULL);
}
