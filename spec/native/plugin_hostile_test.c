/* Plugins that break a rule: the call that is concerned ends as it should, no other call notices,
 * and the host counts what happened. */
#include <string.h>

#include "plugin_support.h"

static void of_many_answers_the_first_counts(void **state) {
    (void)state;
    plugin_open("fixture_twice");
    assert_string_equal(plugin_call("/inside?times=3", ""), "0 1");
    assert_string_equal(plugin_call("/thread?times=3", ""), "0 1");
    assert_string_equal(plugin_call("/mixed", ""), "0 1");
    nr_stats_t stats = plugin_stats();
    assert_int_equal(stats.duplicate, 6);
    assert_int_equal(stats.in_flight, 0);
    plugin_close();
}

static void a_stream_is_over_at_its_end(void **state) {
    (void)state;
    plugin_open("fixture_twice");
    assert_string_equal(plugin_stream("/ended", ""), "0 frame | 4 ");
    assert_string_equal(plugin_stream("/ended", ""), "0 frame | 4 ");
    plugin_close();
}

static void answers_to_wrong_sids_reach_nobody(void **state) {
    (void)state;
    plugin_open("fixture_wrong_sid");
    for (int i = 0; i < 10; i++) {
        assert_string_equal(plugin_call("/wrong", ""), "0 right");
    }
    nr_stats_t stats = plugin_stats();
    assert_int_equal(stats.ok, 10);
    assert_true(stats.unknown > 0);
    plugin_close();
}

static void answers_in_init_and_shutdown_are_dropped(void **state) {
    (void)state;
    plugin_open("fixture_init_shutdown");
    assert_string_equal(plugin_call("/echo", "x"), "0 x");
    plugin_start("/hold", "");
    assert_int_equal(nr_plugin_unload(plugin_get(), 1, NULL, NULL), 0);

    nr_event_t event;
    host_loop_next(plugin_loop(), &event);
    assert_int_equal(event.kind, NR_EVENT_RESULT);
    assert_int_equal(event.result.error, NR_E_PLUGIN_UNLOADED);
    nr_result_release(&event.result);
    host_loop_next(plugin_loop(), &event);
    assert_int_equal(event.kind, NR_EVENT_UNLOADED);
    assert_int_equal(event.report.error, NR_E_DRAIN_TIMEOUT);
    assert_int_equal(event.report.completed, 1);
    host_loop_free(plugin_loop());
}

static void what_was_sent_before_a_failure_is_discarded(void **state) {
    (void)state;
    plugin_open("fixture_fail_after");
    assert_string_equal(plugin_call("/inside?status=7", "x"), "refused 7");
    assert_string_equal(plugin_call("/thread?status=2", "x"), "refused 2");
    assert_string_equal(plugin_stream("/thread?status=3&frames=70", "x"), "refused 3");
    assert_string_equal(plugin_call("/owned", ""), "refused 1");
    assert_string_equal(plugin_stream("/owned", ""), "refused 1");
    assert_string_equal(plugin_call("/released", ""), "0 2");
    plugin_close();
}

static void a_call_that_is_never_answered_keeps_the_image(void **state) {
    (void)state;
    plugin_open("fixture_never");
    uint64_t sid = plugin_start("/", "");
    assert_int_equal(nr_call_cancel(host_loop_worker(plugin_loop()), sid), 0);
    assert_int_equal(plugin_stats().owed, 1);
    nr_unload_report_t report = plugin_unload(1000);
    assert_int_equal(report.owed, 1);
    assert_int_equal(report.unmapped, 0);
    assert_non_null(strstr(report.reason, "owes 1 result"));
}

static void an_answer_after_the_cancel_is_dropped(void **state) {
    (void)state;
    plugin_open("fixture_hold");
    uint64_t sid = plugin_start("/hold", "");
    assert_int_equal(nr_call_cancel(host_loop_worker(plugin_loop()), sid), 0);
    uint64_t next = plugin_start("/hold", "");
    assert_string_equal(plugin_call("/release?count=1", "late"), "0 1");
    assert_int_equal(plugin_stats().late, 1);
    assert_string_equal(plugin_call("/release", "in time"), "0 1");
    nr_event_t event;
    host_loop_next(plugin_loop(), &event);
    assert_true(event.result.sid == next);
    assert_memory_equal(event.result.data, "in time", 7);
    nr_result_release(&event.result);
    plugin_close();
}

static void an_answer_after_the_timeout_is_dropped(void **state) {
    (void)state;
    plugin_open("fixture_late");
    assert_string_equal(plugin_call_within("/late?delay=5", "x", 1), "error timeout ");
    plugin_await_answer("/sent", "0 1");
    assert_int_equal(plugin_stats().late, 1);
    assert_int_equal(plugin_stats().timeouts, 1);
    plugin_close();
}

static void views_of_nothing_with_a_length_are_not_read(void **state) {
    (void)state;
    plugin_open("fixture_null_view");
    assert_string_equal(plugin_call("/answer", ""), "error malformed_result ");
    size_t frames = 0;
    nr_stream_t *stream = plugin_stream_open("/frame", "x", 0);
    assert_int_equal(plugin_stream_fail(stream, &frames), NR_E_MALFORMED_RESULT);
    assert_int_equal(frames, 0);
    nr_stream_close(stream);
    assert_string_equal(plugin_call("/vec", ""), "0 2");
    assert_string_equal(plugin_call("/owned", ""), "0 2");
    assert_string_equal(plugin_call("/released", ""), "0 1");
    assert_true(strlen(plugin_call("/key", "v")) > strlen("0 "));
    assert_true(strlen(plugin_call("/value", "v")) > strlen("0 "));
    plugin_close();
}

static void unknown_statuses_are_passed_on_and_end_a_stream(void **state) {
    (void)state;
    plugin_open("fixture_status");
    assert_string_equal(plugin_call("/answer?status=99", "x"), "99 x");
    assert_string_equal(plugin_call("/answer?status=4294967295", "x"), "4294967295 x");
    assert_string_equal(plugin_call("/return?status=77", ""), "refused 77");
    assert_string_equal(plugin_stream("/stream?status=99", "x"), "0 before | 99 x");
    assert_string_equal(plugin_stream("/stream?status=6", "x"), "0 before | 6 x");
    plugin_close();
}

static void a_flood_ends_with_backpressure_and_is_cancelled(void **state) {
    (void)state;
    plugin_open("fixture_endless");
    nr_stream_t *stream = plugin_stream_open("/flood", "", 64);
    size_t frames = 0;
    plugin_await_backpressure();
    assert_int_equal(plugin_stream_fail(stream, &frames), NR_E_BACKPRESSURE);
    assert_true(frames >= 64);
    nr_stream_close(stream);
    plugin_await_answer("/open", "0 0");
    plugin_close();
}

static void an_endless_stream_stops_when_it_is_closed(void **state) {
    (void)state;
    plugin_open("fixture_endless");
    nr_stream_t *polite = plugin_stream_open("/polite?bytes=1", "", 64);
    for (int i = 0; i < 500; i++) {
        assert_string_equal(plugin_stream_take(polite, 1), "0 ~");
    }
    nr_stream_t *paced = plugin_stream_open("/paced?bytes=1", "", 0);
    assert_string_equal(plugin_stream_take(paced, 2), "0 ~ | 0 ~");
    nr_stream_close(polite);
    nr_stream_close(paced);
    plugin_await_answer("/open", "0 0");
    plugin_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_many_answers_the_first_counts),
        cmocka_unit_test(a_stream_is_over_at_its_end),
        cmocka_unit_test(answers_to_wrong_sids_reach_nobody),
        cmocka_unit_test(answers_in_init_and_shutdown_are_dropped),
        cmocka_unit_test(what_was_sent_before_a_failure_is_discarded),
        cmocka_unit_test(a_call_that_is_never_answered_keeps_the_image),
        cmocka_unit_test(an_answer_after_the_cancel_is_dropped),
        cmocka_unit_test(an_answer_after_the_timeout_is_dropped),
        cmocka_unit_test(views_of_nothing_with_a_length_are_not_read),
        cmocka_unit_test(unknown_statuses_are_passed_on_and_end_a_stream),
        cmocka_unit_test(a_flood_ends_with_backpressure_and_is_cancelled),
        cmocka_unit_test(an_endless_stream_stops_when_it_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
