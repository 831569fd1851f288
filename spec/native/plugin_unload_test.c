/* Plugins that are hard to unload: the report tells whether the file left the process, and why not.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nylon_ring/plugin.h>

#include "host_support.h"
#include "plugin_support.h"

static void without_shutdown_the_image_stays(void **state) {
    (void)state;
    plugin_open("fixture_no_shutdown");
    assert_string_equal(plugin_call("/echo", "x"), "0 x");
    nr_unload_report_t report = plugin_unload(1000);
    assert_int_equal(report.error, 0);
    assert_int_equal(report.unmapped, 0);
    assert_non_null(strstr(report.reason, "shutdown"));
}

/* Clang makes a weak symbol of what GCC makes a unique one. */
static void a_unique_symbol_pins_the_image(void **state) {
    (void)state;
#if defined(__clang__)
    skip();
#endif
    plugin_open("fixture_unique");
    nr_plugin_info_t info;
    nr_plugin_info(plugin_get(), &info);
    assert_non_null(info.pinned);
    assert_string_equal(plugin_call("/", ""), "0 1");
    nr_unload_report_t report = plugin_unload(1000);
    assert_int_equal(report.unmapped, 0);
    assert_true(report.reason[0] != '\0');
}

/* While shutdown blocks on its gate, the loop goes on and other plugins answer. */
static void a_blocking_shutdown_does_not_hold_up_the_loop(void **state) {
    (void)state;
    char *folder = support_folder_new();
    char *gate = support_path(folder, "gate");
    assert_int_equal(mkfifo(gate, 0600), 0);
    plugin_open("fixture_block_shutdown");
    assert_string_equal(plugin_call("/gate", gate), "0 ");
    nr_plugin_t *echo = host_loop_load(plugin_loop(), NR_PLUGIN_DIR "/echo.so", NULL);
    assert_int_equal(nr_plugin_unload(plugin_get(), 1000, gate, NULL), 0);

    /* Opens only when shutdown has opened the other end, so shutdown blocks from here on. */
    int writer = open(gate, O_WRONLY | O_CLOEXEC);
    assert_true(writer >= 0);
    nr_event_t event;
    for (int i = 0; i < 100; i++) {
        host_loop_assert_answers(echo, "/echo", "");
        assert_int_equal(nr_worker_next(host_loop_worker(plugin_loop()), &event), 0);
    }
    close(writer);
    host_loop_next(plugin_loop(), &event);
    assert_int_equal(event.kind, NR_EVENT_UNLOADED);
    assert_ptr_equal(event.user, gate);
    assert_int_equal(event.report.error, 0);

    host_loop_unload(plugin_loop(), echo, 1000);
    host_loop_free(plugin_loop());
    free(gate);
    support_folder_remove(folder);
}

/* Calls and notifications without number are given up while the plugin's thread answers them: what
 * it has not answered by then, it does in its shutdown, and owes nothing. */
static void what_was_answered_late_keeps_no_image(void **state) {
    (void)state;
    NrRequest from = {.path = nr_str("/")};
    nr_request_t request;
    nr_result_t result;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    for (int i = 0; i < 10; i++) {
        plugin_open("fixture_pool");
        for (int j = 0; j < 4000; j++) {
            if (j % 4 == 0) {
                assert_int_equal(nr_notify(plugin_get(), &request, nr_bytes("x", 1), NULL, NULL),
                                 0);
                continue;
            }
            assert_int_equal(nr_call(plugin_get(), &request, nr_bytes("x", 1), NULL, &result, NULL),
                             NR_PENDING);
            nr_call_cancel(host_loop_worker(plugin_loop()), result.sid);
        }
        nr_unload_report_t report = plugin_unload(1000);
        assert_int_equal(report.owed, 0);
        host_loop_assert_unmapped(&report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_shutdown_the_image_stays),
        cmocka_unit_test(a_unique_symbol_pins_the_image),
        cmocka_unit_test(a_blocking_shutdown_does_not_hold_up_the_loop),
        cmocka_unit_test(what_was_answered_late_keeps_no_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
