/* plugin.c: new code under the same name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_loop.h"
#include "host_support.h"

#define PLUGIN(name) NR_PLUGIN_DIR "/fixture_" name ".so"

#define GRACE 60000 /* longer than a test may run */

static host_loop_t *loop;

static int open_loop(void **state) {
    (void)state;
    nr_log_set_level(5);
    loop = host_loop_new();
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    host_loop_free(loop);
    return 0;
}

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
    host_loop_hold(plugin, &call);
    void (*release)(void) = host_loop_symbol(plugin, "fixture_version_release");
    free(support_copy(PLUGIN("version_2"), folder, "plugin.so"));

    assert_int_equal(nr_plugin_reload(plugin, NULL, GRACE, &reload, NULL), 0);
    host_loop_assert_answers(plugin, "/version", "2");
    nr_plugin_info(plugin, &now);
    assert_string_equal(now.version, "2.0.0");
    assert_true(now.serial != old.serial);
    release();
    host_loop_await_result(loop, &call, 0, "1");
    nr_unload_report_t report = host_loop_await_report(loop, &reload);
    host_loop_assert_unmapped(&report);
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

static void a_reload_from_another_path_moves_the_plugin_there(void **state) {
    (void)state;
    int user;
    nr_plugin_info_t info;
    nr_plugin_t *plugin = host_loop_load(loop, PLUGIN("version_1"), "a");
    assert_int_equal(nr_plugin_reload(plugin, PLUGIN("version_2"), 0, &user, NULL), 0);
    nr_plugin_info(plugin, &info);
    assert_string_equal(info.path, PLUGIN("version_2"));
    assert_string_equal(info.name, "a");
    host_loop_await_report(loop, &user);
    assert_int_equal(nr_plugin_reload(plugin, NULL, 0, &user, NULL), 0);
    host_loop_await_report(loop, &user);
    host_loop_assert_answers(plugin, "/version", "2");
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(a_reload_runs_the_files_new_code_while_old_calls_finish_on_the_old),
        ON_LOOP(a_reload_that_fails_keeps_the_old_code),
        ON_LOOP(a_failed_reload_leaves_nothing_of_the_new_file),
        ON_LOOP(a_reload_from_another_path_moves_the_plugin_there),
    };
    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
