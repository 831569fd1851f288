/* retire.c: how plugins are unloaded, and what their report says. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host_loop.h"
#include "host_support.h"
#include "plugin.h"

#define PLUGIN(name) NR_PLUGIN_DIR "/fixture_" name ".so"

#define GRACE 60000 /* longer than a test may run: reached only where a test wants it */

static host_loop_t *loop;
static support_residue_t before;

static int open_loop(void **state) {
    (void)state;
    before = support_residue();
    loop = host_loop_new();
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    host_loop_free(loop);
    return 0;
}

/* ---- Idle -------------------------------------------------------------------------------- */

static void an_idle_plugin_leaves_nothing_behind(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    host_loop_assert_answers(plugin, "/version", "1");
    assert_false(host_loop_is_alive(loop));
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    host_loop_assert_unmapped(&report);
    assert_int_equal(report.error, 0);
    assert_int_equal(report.completed, 0);
    assert_int_equal(report.owed, 0);
    assert_false(host_loop_is_alive(loop));
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 0);
    support_residue_t now = support_residue();
    assert_int_equal(now.descriptors, before.descriptors);
    if (!NR__SANITIZED) {
        assert_int_equal(now.mappings, before.mappings);
    }
}

static void an_unloaded_plugin_is_refused_and_its_name_is_free(void **state) {
    (void)state;
    nr_result_t result;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    host_loop_unload(loop, plugin, 0);
    assert_int_equal(host_loop_call(plugin, "/version", NULL, &result), NR_E_PLUGIN_UNLOADED);
    assert_int_equal(nr_plugin_unload(plugin, 0, NULL, NULL), NR_E_PLUGIN_UNLOADED);
    assert_int_equal(nr_plugin_reload(plugin, NULL, 0, NULL, NULL), NR_E_PLUGIN_UNLOADED);
    assert_null(nr_plugin_find(host_loop_worker(loop), "a", 1));
    host_loop_assert_answers(host_loop_load(loop, PLUGIN("version_2"), "a"), "/version", "2");
}

/* ---- Busy -------------------------------------------------------------------------------- */

static void a_busy_plugin_is_not_unloaded_without_grace(void **state) {
    (void)state;
    int user;
    nr_error_t err;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    host_loop_hold(plugin, &user);
    assert_int_equal(nr_plugin_unload(plugin, 0, NULL, &err), NR_E_PLUGIN_BUSY);
    assert_non_null(strstr(err.message, "1 open call"));
    assert_int_equal(nr_plugin_reload(plugin, NULL, 0, NULL, NULL), NR_E_PLUGIN_BUSY);
    host_loop_assert_answers(plugin, "/release", "1");
    host_loop_await_result(loop, &user, 0, "1");
}

static void open_calls_are_waited_for(void **state) {
    (void)state;
    int call;
    int unload;
    nr_result_t result;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    host_loop_hold(plugin, &call);
    void (*release)(void) = host_loop_symbol(plugin, "fixture_version_release");
    assert_int_equal(nr_plugin_unload(plugin, GRACE, &unload, NULL), 0);
    assert_int_equal(host_loop_call(plugin, "/version", NULL, &result), NR_E_PLUGIN_UNLOADED);
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 2);
    assert_true(host_loop_is_alive(loop));
    release();
    host_loop_await_result(loop, &call, 0, "1");
    nr_unload_report_t report = host_loop_await_report(loop, &unload);
    host_loop_assert_unmapped(&report);
    assert_int_equal(report.error, 0);
}

static void answers_from_many_threads_are_drained(void **state) {
    (void)state;
    enum { ROUNDS = 10, CALLS = 200 };
    for (int round = 0; round < ROUNDS; round++) {
        nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("threads"), "a");
        int unload;
        int pending = 0;
        nr_result_t result;
        for (int i = 0; i < CALLS; i++) {
            int rc = host_loop_call(plugin, "/answer", NULL, &result);
            assert_true(rc == NR_DONE || rc == NR_PENDING);
            pending += rc == NR_PENDING;
        }
        assert_int_equal(nr_plugin_unload(plugin, GRACE, &unload, NULL), 0);
        for (; pending > 0; pending--) {
            host_loop_await_result(loop, NULL, 0, "");
        }
        nr_unload_report_t report = host_loop_await_report(loop, &unload);
        assert_int_equal(report.error, 0);
        host_loop_assert_unmapped(&report);
    }
}

static void a_grace_that_ends_amid_answers_completes_each_call_once(void **state) {
    (void)state;
    enum { ROUNDS = 10, CALLS = 200 };
    for (int round = 0; round < ROUNDS; round++) {
        nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("threads"), "a");
        int unload;
        int pending = 0;
        uint64_t completed = 0;
        nr_result_t result;
        nr_event_t event;
        for (int i = 0; i < CALLS; i++) {
            pending += host_loop_call(plugin, "/answer", NULL, &result) == NR_PENDING;
        }
        assert_int_equal(nr_plugin_unload(plugin, 1, &unload, NULL), 0);
        for (; pending > 0; pending--) {
            host_loop_next(loop, &event);
            assert_int_equal(event.kind, NR_EVENT_RESULT);
            completed += event.result.error == NR_E_PLUGIN_UNLOADED;
            nr_result_release(&event.result);
        }
        nr_unload_report_t report = host_loop_await_report(loop, &unload);
        assert_int_equal(report.completed, completed);
        assert_int_equal(report.owed, 0); /* its shutdown joins its threads, which have answered */
        host_loop_assert_unmapped(&report);
    }
}

static void the_end_of_the_grace_completes_what_is_open(void **state) {
    (void)state;
    int calls[3];
    int unload;
    size_t abandoned = nr_host_abandoned();
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    for (size_t i = 0; i < 3; i++) {
        host_loop_hold(plugin, &calls[i]);
    }
    assert_int_equal(nr_plugin_unload(plugin, 1, &unload, NULL), 0);
    size_t seen = 0;
    for (size_t i = 0; i < 3; i++) {
        nr_event_t event;
        host_loop_next(loop, &event);
        assert_int_equal(event.kind, NR_EVENT_RESULT);
        assert_int_equal(event.result.error, NR_E_PLUGIN_UNLOADED);
        seen |= (size_t)1 << ((int *)event.user - calls);
        nr_result_release(&event.result);
    }
    assert_int_equal(seen, 7);
    nr_unload_report_t report = host_loop_await_report(loop, &unload);
    assert_int_equal(report.error, NR_E_DRAIN_TIMEOUT);
    assert_int_equal(report.completed, 3);
    assert_int_equal(report.owed, 3);
    host_loop_assert_stays(&report, "it owes 3 results");
    assert_int_equal(nr_host_abandoned(), abandoned + 1);
}

static void results_sent_by_init_and_shutdown_are_dropped_and_counted(void **state) {
    (void)state;
    int call;
    int unload;
    nr_stats_t stats;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("init_shutdown"), "a");
    nr_plugin_stats(plugin, &stats);
    assert_int_equal(stats.unknown, 64);
    host_loop_hold(plugin, &call);
    assert_int_equal(nr_plugin_unload(plugin, 1, &unload, NULL), 0);
    host_loop_await_result(loop, &call, NR_E_PLUGIN_UNLOADED, NULL);
    nr_unload_report_t report = host_loop_await_report(loop, &unload);
    assert_int_equal(report.owed, 0); /* its shutdown has paid, late as it was */
    host_loop_assert_unmapped(&report);
    nr_plugin_stats(plugin, &stats);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.unknown, 128);
}

/* ---- What stays -------------------------------------------------------------------------- */

static void a_plugin_without_shutdown_stays_mapped(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("no_shutdown"), "a");
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    host_loop_assert_stays(&report, "it has no shutdown");
}

static void a_pinned_plugin_stays_mapped(void **state) {
    (void)state;
    nr_plugin_info_t info;
    size_t abandoned = nr_host_abandoned();
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("pinned"), "a");
    nr_plugin_info(plugin, &info);
    assert_non_null(strstr(info.pinned, "-z nodelete"));
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    host_loop_assert_stays(&report, "-z nodelete");
    assert_int_equal(nr_host_abandoned(), abandoned); /* none of its code runs */
}

/* Calls with a body; it is answered inside `handle`. */
static void call_with(nr_plugin_t *plugin, const char *path, const char *body) {
    NrRequest from = {.path = {(const uint8_t *)path, (uint32_t)strlen(path), 0}};
    NrBytes payload = {(const uint8_t *)body, strlen(body)};
    nr_request_t request;
    nr_result_t result;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    assert_int_equal(nr_call(plugin, &request, payload, NULL, &result, NULL), NR_DONE);
    assert_int_equal(result.status, NR_OK);
    nr_result_release(&result);
}

/* A plugin whose shutdown blocks until somebody has opened and closed `gate` for writing. */
static nr_plugin_t *load_gated(host_loop_t *on, const char *gate) {
    nr_plugin_t *plugin = host_loop_load(on, PLUGIN("block_shutdown"), "slow");
    assert_int_equal(mkfifo(gate, 0600), 0);
    call_with(plugin, "/gate", gate);
    return plugin;
}

static void open_gate(const char *gate) {
    int fd = open(gate, O_WRONLY | O_CLOEXEC); /* returns when shutdown is in its open */
    assert_true(fd >= 0);
    close(fd);
}

static void await_abandoned(size_t count) {
    time_t limit = time(NULL) + 30;
    while (nr_host_abandoned() != count) {
        assert_true(time(NULL) < limit);
        sched_yield();
    }
}

static void a_shutdown_that_does_not_return_is_parted_from_and_told_of(void **state) {
    (void)state;
    int unload;
    char *folder = support_folder_new();
    char *gate = support_path(folder, "gate");
    size_t abandoned = nr_host_abandoned();
    nr_plugin_t *plugin = load_gated(loop, gate);
    setenv("NYLON_RING_SHUTDOWN_MS", "1", 1);
    assert_int_equal(nr_plugin_unload(plugin, 0, &unload, NULL), 0);
    unsetenv("NYLON_RING_SHUTDOWN_MS");
    nr_unload_report_t report = host_loop_await_report(loop, &unload);
    host_loop_assert_stays(&report, "its shutdown has not returned within 1 ms");
    assert_int_equal(nr_host_abandoned(), abandoned + 1);
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 0);
    open_gate(gate);
    await_abandoned(abandoned); /* it has returned, late: none of its code runs any more */
    free(gate);
    support_folder_remove(folder);
}

static void a_worker_that_closes_does_not_wait_for_ever(void **state) {
    (void)state;
    char *folder = support_folder_new();
    char *gate = support_path(folder, "gate");
    size_t abandoned = nr_host_abandoned();
    host_loop_t *own = host_loop_new();
    load_gated(own, gate);
    setenv("NYLON_RING_SHUTDOWN_MS", "1", 1);
    host_loop_free(own);
    unsetenv("NYLON_RING_SHUTDOWN_MS");
    assert_int_equal(nr_host_abandoned(), abandoned + 1);
    open_gate(gate);
    await_abandoned(abandoned);
    free(gate);
    support_folder_remove(folder);
}

static void a_worker_that_closes_takes_an_unload_along_that_is_under_way(void **state) {
    (void)state;
    size_t abandoned = nr_host_abandoned();
    host_loop_t *own = host_loop_new();
    nr_plugin_t *idle = host_loop_load(own, PLUGIN("version_1"), "a");
    nr_plugin_t *busy = host_loop_load(own, PLUGIN("version_2"), "b");
    host_loop_hold(busy, NULL);
    assert_int_equal(nr_plugin_unload(idle, 0, NULL, NULL), 0);
    assert_int_equal(nr_plugin_unload(busy, GRACE, NULL, NULL), 0);
    host_loop_free(own);
    assert_int_equal(nr_host_abandoned(), abandoned + 1); /* the busy one owes */
}

static void a_payload_that_is_still_in_use_keeps_its_plugin_mapped(void **state) {
    (void)state;
    nr_result_t result;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("result_ext"), "a");
    assert_int_equal(host_loop_call(plugin, "/owned", NULL, &result), NR_DONE);
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    host_loop_assert_stays(&report, "1 payload of it is still in use");
    nr_result_release(&result); /* runs the plugin's release */
}

static void open_streams_end_with_the_grace_and_keep_their_frames(void **state) {
    (void)state;
    int unload;
    static const uint8_t path[] = "/hold";
    NrRequest from = {.path = {path, sizeof(path) - 1, 0}};
    NrBytes nothing = {0};
    nr_request_t request;
    nr_stream_t *stream;
    nr_result_t frame;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    assert_int_equal(nr_stream_open(plugin, &request, nothing, NULL, &stream, NULL), 0);
    host_loop_symbol(plugin, "fixture_version_release")(); /* one frame, not an ending one */
    assert_int_equal(nr_plugin_unload(plugin, 1, &unload, NULL), 0);
    nr_unload_report_t report = host_loop_await_report(loop, &unload);
    assert_int_equal(report.error, NR_E_DRAIN_TIMEOUT);
    assert_int_equal(report.completed, 1);
    host_loop_assert_stays(&report, "it owes 1 result,");
    assert_int_equal(nr_stream_next(stream, &frame), NR_DONE);
    assert_memory_equal(frame.data, "1", 1);
    nr_result_release(&frame);
    assert_int_equal(nr_stream_next(stream, &frame), NR_E_PLUGIN_UNLOADED);
    nr_stream_close(stream);
}

static void a_shutdown_that_blocks_does_not_hold_up_the_loop(void **state) {
    (void)state;
    int unload;
    char *folder = support_folder_new();
    char *gate = support_path(folder, "gate");
    nr_plugin_t *slow = load_gated(loop, gate);
    nr_plugin_t *other = host_loop_load(loop, PLUGIN("version_1"), "other");
    assert_int_equal(nr_plugin_unload(slow, 0, &unload, NULL), 0);
    int fd = open(gate, O_WRONLY | O_CLOEXEC); /* returns when shutdown is in its open */
    assert_true(fd >= 0);
    host_loop_assert_answers(other, "/version", "1");
    nr_unload_report_t report = host_loop_unload(loop, other, 0);
    host_loop_assert_unmapped(&report);
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 1);
    close(fd);
    report = host_loop_await_report(loop, &unload);
    host_loop_assert_unmapped(&report);
    free(gate);
    support_folder_remove(folder);
}

static void a_file_with_unique_symbols_stays_mapped(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("unique"), "a");
    nr_plugin_info_t info;
    nr_plugin_info(plugin, &info);
    if (info.pinned == NULL) {
        skip(); /* this compiler makes none */
    }
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    host_loop_assert_stays(&report, "unique symbols");
}

static void closing_the_worker_shuts_its_plugins_down(void **state) {
    (void)state;
    size_t abandoned = nr_host_abandoned();
    size_t mapped = support_mappings("fixture_version_2.so");
    host_loop_t *own = host_loop_new();
    host_loop_load(own, PLUGIN("version_2"), "a");
    host_loop_load(own, PLUGIN("version_2"), "b");
    host_loop_hold(host_loop_load(own, PLUGIN("version_1"), "c"), NULL);
    host_loop_free(own);
    /* The third one owes its result and stays. */
    assert_int_equal(nr_host_abandoned(), abandoned + 1);
    if (!NR__SANITIZED) {
        assert_int_equal(support_mappings("fixture_version_2.so"), mapped);
    }
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    nr_log_set_level(5);
    const struct CMUnitTest tests[] = {
        ON_LOOP(an_idle_plugin_leaves_nothing_behind),
        ON_LOOP(an_unloaded_plugin_is_refused_and_its_name_is_free),
        ON_LOOP(a_busy_plugin_is_not_unloaded_without_grace),
        ON_LOOP(open_calls_are_waited_for),
        ON_LOOP(answers_from_many_threads_are_drained),
        ON_LOOP(a_grace_that_ends_amid_answers_completes_each_call_once),
        ON_LOOP(the_end_of_the_grace_completes_what_is_open),
        ON_LOOP(results_sent_by_init_and_shutdown_are_dropped_and_counted),
        ON_LOOP(a_plugin_without_shutdown_stays_mapped),
        ON_LOOP(a_pinned_plugin_stays_mapped),
        ON_LOOP(a_file_with_unique_symbols_stays_mapped),
        ON_LOOP(a_payload_that_is_still_in_use_keeps_its_plugin_mapped),
        ON_LOOP(open_streams_end_with_the_grace_and_keep_their_frames),
        ON_LOOP(a_shutdown_that_does_not_return_is_parted_from_and_told_of),
        ON_LOOP(a_worker_that_closes_does_not_wait_for_ever),
        ON_LOOP(a_worker_that_closes_takes_an_unload_along_that_is_under_way),
        ON_LOOP(a_shutdown_that_blocks_does_not_hold_up_the_loop),
        ON_LOOP(closing_the_worker_shuts_its_plugins_down),
    };
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
