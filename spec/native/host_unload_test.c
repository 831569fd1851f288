/* plugin.c, retire.c: how plugins are unloaded and reloaded, and what their report says. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void assert_is_unmapped(const nr_unload_report_t *report) {
    if (NR__SANITIZED) {
        assert_int_equal(report->unmapped, 0);
        assert_non_null(strstr(report->reason, "sanitizer"));
    } else {
        assert_string_equal(report->reason, "");
        assert_int_equal(report->unmapped, 1);
    }
}

static void assert_stays(const nr_unload_report_t *report, const char *words) {
    assert_int_equal(report->unmapped, 0);
    if (strstr(report->reason, words) == NULL) {
        fail_msg("expected \"%s\" in: %s", words, report->reason);
    }
}

static void await_result(void *user, int error, const char *text) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_RESULT);
    assert_ptr_equal(event.user, user);
    assert_int_equal(event.result.error, error);
    if (text != NULL) {
        assert_int_equal(event.result.len, strlen(text));
        assert_memory_equal(event.result.data, text, strlen(text));
    }
    nr_result_release(&event.result);
}

static nr_unload_report_t await_report(void *user) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_UNLOADED);
    assert_ptr_equal(event.user, user);
    return event.report;
}

static void hold_call(nr_plugin_t *plugin, void *user) {
    nr_result_t result;
    assert_int_equal(host_loop_call(plugin, "/hold", user, &result), NR_PENDING);
}

static void (*symbol_of(nr_plugin_t *plugin, const char *name))(void) {
    void (*function)(void);
    void *symbol = nr__library_symbol(&plugin->lane->image->library, name);
    assert_non_null(symbol);
    memcpy(&function, &symbol, sizeof(symbol));
    return function;
}

/* ---- Idle -------------------------------------------------------------------------------- */

static void an_idle_plugin_leaves_nothing_behind(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    host_loop_assert_answers(plugin, "/version", "1");
    assert_false(host_loop_is_alive(loop));
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    assert_is_unmapped(&report);
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
    hold_call(plugin, &user);
    assert_int_equal(nr_plugin_unload(plugin, 0, NULL, &err), NR_E_PLUGIN_BUSY);
    assert_non_null(strstr(err.message, "1 open call"));
    assert_int_equal(nr_plugin_reload(plugin, NULL, 0, NULL, NULL), NR_E_PLUGIN_BUSY);
    host_loop_assert_answers(plugin, "/release", "1");
    await_result(&user, 0, "1");
}

static void open_calls_are_waited_for(void **state) {
    (void)state;
    int call;
    int unload;
    nr_result_t result;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    hold_call(plugin, &call);
    void (*release)(void) = symbol_of(plugin, "fixture_version_release");
    assert_int_equal(nr_plugin_unload(plugin, GRACE, &unload, NULL), 0);
    assert_int_equal(host_loop_call(plugin, "/version", NULL, &result), NR_E_PLUGIN_UNLOADED);
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 2);
    assert_true(host_loop_is_alive(loop));
    release();
    await_result(&call, 0, "1");
    nr_unload_report_t report = await_report(&unload);
    assert_is_unmapped(&report);
    assert_int_equal(report.error, 0);
}

static void the_end_of_the_grace_completes_what_is_open(void **state) {
    (void)state;
    int calls[3];
    int unload;
    size_t abandoned = nr_host_abandoned();
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    for (size_t i = 0; i < 3; i++) {
        hold_call(plugin, &calls[i]);
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
    nr_unload_report_t report = await_report(&unload);
    assert_int_equal(report.error, NR_E_DRAIN_TIMEOUT);
    assert_int_equal(report.completed, 3);
    assert_int_equal(report.owed, 3);
    assert_stays(&report, "it owes 3 results");
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
    hold_call(plugin, &call);
    assert_int_equal(nr_plugin_unload(plugin, 1, &unload, NULL), 0);
    await_result(&call, NR_E_PLUGIN_UNLOADED, NULL);
    nr_unload_report_t report = await_report(&unload);
    assert_int_equal(report.owed, 0); /* its shutdown has paid, late as it was */
    assert_is_unmapped(&report);
    nr_plugin_stats(plugin, &stats);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.unknown, 128);
}

/* ---- What stays -------------------------------------------------------------------------- */

static void a_plugin_without_shutdown_stays_mapped(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("no_shutdown"), "a");
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    assert_stays(&report, "it has no shutdown");
}

static void a_pinned_plugin_stays_mapped(void **state) {
    (void)state;
    nr_plugin_info_t info;
    size_t abandoned = nr_host_abandoned();
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("pinned"), "a");
    nr_plugin_info(plugin, &info);
    assert_non_null(strstr(info.pinned, "-z nodelete"));
    nr_unload_report_t report = host_loop_unload(loop, plugin, 0);
    assert_stays(&report, "-z nodelete");
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

static void a_shutdown_that_blocks_does_not_hold_up_the_loop(void **state) {
    (void)state;
    int unload;
    char *folder = support_folder_new();
    char *gate = support_path(folder, "gate");
    assert_int_equal(mkfifo(gate, 0600), 0);
    nr_plugin_t *slow = host_loop_load(loop, PLUGIN("block_shutdown"), "slow");
    nr_plugin_t *other = host_loop_load(loop, PLUGIN("version_1"), "other");
    call_with(slow, "/gate", gate);
    assert_int_equal(nr_plugin_unload(slow, 0, &unload, NULL), 0);
    int fd = open(gate, O_WRONLY | O_CLOEXEC); /* returns when shutdown is in its open */
    assert_true(fd >= 0);
    host_loop_assert_answers(other, "/version", "1");
    nr_unload_report_t report = host_loop_unload(loop, other, 0);
    assert_is_unmapped(&report);
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 1);
    close(fd);
    report = await_report(&unload);
    assert_is_unmapped(&report);
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
    assert_stays(&report, "unique symbols");
}

static void closing_the_worker_shuts_its_plugins_down(void **state) {
    (void)state;
    host_loop_t *own = host_loop_new();
    host_loop_load(own, PLUGIN("version_1"), "a");
    host_loop_load(own, PLUGIN("version_2"), "b");
    hold_call(host_loop_load(own, PLUGIN("version_1"), "c"), NULL);
    size_t abandoned = nr_host_abandoned();
    host_loop_free(own);
    /* The third one owes its result and stays. */
    assert_int_equal(nr_host_abandoned(), abandoned + 1);
    if (!NR__SANITIZED) {
        assert_int_equal(support_mappings("fixture_version_2.so"), 0);
    }
}

/* ---- Reload ------------------------------------------------------------------------------ */

static void a_reload_runs_the_files_new_code_while_old_calls_finish_on_the_old(void **state) {
    (void)state;
    int call;
    int reload;
    nr_plugin_info_t old;
    nr_plugin_info_t now;
    char *folder = support_folder_new();
    char *path = support_copy(PLUGIN("version_1"), folder, "plugin.so");
    nr_plugin_t *plugin = host_loop_load(loop, path, NULL);
    nr_plugin_info(plugin, &old);
    hold_call(plugin, &call);
    void (*release)(void) = symbol_of(plugin, "fixture_version_release");
    free(support_copy(PLUGIN("version_2"), folder, "plugin.so"));

    assert_int_equal(nr_plugin_reload(plugin, NULL, GRACE, &reload, NULL), 0);
    host_loop_assert_answers(plugin, "/version", "2");
    nr_plugin_info(plugin, &now);
    assert_string_equal(now.version, "2.0.0");
    assert_true(now.serial != old.serial);
    release();
    await_result(&call, 0, "1");
    nr_unload_report_t report = await_report(&reload);
    assert_is_unmapped(&report);
    host_loop_assert_answers(plugin, "/version", "2");

    nr_stats_t stats;
    nr_plugin_stats(plugin, &stats);
    assert_int_equal(stats.calls, 3); /* counted on across the reload */
    assert_int_equal(stats.in_flight, 0);
    support_folder_remove(folder);
    free(path);
}

static void a_reload_that_fails_keeps_the_old_code(void **state) {
    (void)state;
    nr_error_t err;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_2"), "a");
    assert_int_equal(nr_plugin_reload(plugin, PLUGIN("load_init_refuses"), GRACE, NULL, &err),
                     NR_E_PLUGIN_INIT_FAILED);
    assert_int_equal(err.status, NR_UNSUPPORTED);
    assert_int_equal(nr_plugin_reload(plugin, "/nowhere.so", GRACE, NULL, &err), NR_E_INVALID_PATH);
    host_loop_assert_answers(plugin, "/version", "2");
    assert_int_equal(nr_worker_pending(host_loop_worker(loop)), 0);
}

static void a_failed_reload_leaves_nothing_of_the_new_file(void **state) {
    (void)state;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    support_residue_t loaded = support_residue();
    assert_int_not_equal(nr_plugin_reload(plugin, PLUGIN("load_init_refuses"), GRACE, NULL, NULL),
                         0);
    support_assert_nothing_left(loaded);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    nr_log_set_level(5);
    const struct CMUnitTest tests[] = {
        ON_LOOP(an_idle_plugin_leaves_nothing_behind),
        ON_LOOP(an_unloaded_plugin_is_refused_and_its_name_is_free),
        ON_LOOP(a_busy_plugin_is_not_unloaded_without_grace),
        ON_LOOP(open_calls_are_waited_for),
        ON_LOOP(the_end_of_the_grace_completes_what_is_open),
        ON_LOOP(results_sent_by_init_and_shutdown_are_dropped_and_counted),
        ON_LOOP(a_plugin_without_shutdown_stays_mapped),
        ON_LOOP(a_pinned_plugin_stays_mapped),
        ON_LOOP(a_file_with_unique_symbols_stays_mapped),
        ON_LOOP(a_shutdown_that_blocks_does_not_hold_up_the_loop),
        ON_LOOP(closing_the_worker_shuts_its_plugins_down),
        ON_LOOP(a_reload_runs_the_files_new_code_while_old_calls_finish_on_the_old),
        ON_LOOP(a_reload_that_fails_keeps_the_old_code),
        ON_LOOP(a_failed_reload_leaves_nothing_of_the_new_file),
    };
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
