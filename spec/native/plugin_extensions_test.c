/* v1 plugins that use what lies beyond v1: ownership, leases, Backpressure, input and cancellation.
 */
#include <stdio.h>
#include <string.h>

#include "plugin_support.h"

static NrBytes bytes_of(const char *text) {
    NrBytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static void cancel(uint64_t sid) {
    assert_int_equal(nr_call_cancel(host_loop_worker(plugin_loop()), sid), 0);
}

static void payloads_are_released_exactly_once(void **state) {
    (void)state;
    plugin_open("fixture_result_ext");
    assert_string_equal(plugin_call("/vec", "taken over"), "0 taken over");
    assert_string_equal(plugin_call("/owned", "given back"), "0 given back");
    assert_string_equal(plugin_call("/twice", "dropped"), "0 0");
    assert_string_equal(plugin_call("/twice", "dropped"), "0 2");
    assert_string_equal(plugin_call("/stats", ""), "0 released 4 backpressure 0 writable 0");
    plugin_close();
}

static void leases_outlive_wrong_commits_and_other_answers(void **state) {
    (void)state;
    plugin_open("fixture_result_ext");
    assert_string_equal(plugin_call("/lease", "lent"), "0 lent");
    assert_string_equal(plugin_call("/lease-abandon", "in another way"), "0 in another way");
    assert_string_equal(plugin_stream("/lease", "x"), "refused 3");
    plugin_close();
}

static void a_lease_is_writable_after_its_call_was_given_up(void **state) {
    (void)state;
    plugin_open("fixture_result_ext");
    cancel(
        plugin_start("/lease-hold", "0123456789012345678901234567890123456789012345678901234567"));
    assert_string_equal(plugin_call("/lease-commit", ""), "0 2");
    nr_event_t event;
    (void)plugin_start("/lease-hold", "abc");
    assert_string_equal(plugin_call("/lease-commit", ""), "0 0");
    host_loop_next(plugin_loop(), &event);
    assert_memory_equal(event.result.data, "LLL", 3);
    nr_result_release(&event.result);
    plugin_close();
}

static void a_parked_stream_goes_on_at_every_writable(void **state) {
    (void)state;
    plugin_open("fixture_result_ext");
    nr_stream_t *stream = plugin_stream_open("/stream?frames=5000", "", 64);
    plugin_await_backpressure();
    char expected[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(expected, sizeof(expected), "0 %d ", i);
        assert_memory_equal(plugin_stream_take(stream, 1), expected, strlen(expected));
    }
    assert_string_equal(plugin_stream_take(stream, 1), "4 ");
    nr_stream_close(stream);

    unsigned long released = 0, refused = 0, writable = 0;
    assert_int_equal(sscanf(plugin_call("/stats", ""),
                            "0 released %lu backpressure %lu writable %lu", &released, &refused,
                            &writable),
                     3);
    assert_int_equal(released, 5000 + refused);
    assert_true(refused > 0);
    assert_int_equal(writable, refused);
    plugin_close();
}

static void input_comes_back_until_it_ends(void **state) {
    (void)state;
    plugin_open("fixture_duplex");
    nr_stream_t *stream = plugin_stream_open("/echo", "", 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("one"), NULL), 0);
    assert_int_equal(nr_stream_send(stream, bytes_of(""), NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 2), "0 one | 0 ");
    assert_int_equal(nr_stream_finish(stream, NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 1), "4 ");
    assert_int_equal(nr_stream_send(stream, bytes_of("late"), NULL), NR_E_STREAM_ENDED);
    nr_stream_close(stream);
    assert_string_equal(plugin_call("/closes", ""), "0 1 0");
    plugin_close();
}

static void input_that_is_refused_may_be_offered_again(void **state) {
    (void)state;
    plugin_open("fixture_duplex");
    nr_stream_t *stream = plugin_stream_open("/refuse?times=2", "", 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("x"), NULL), NR_E_BACKPRESSURE);
    assert_int_equal(nr_stream_send(stream, bytes_of("x"), NULL), NR_E_BACKPRESSURE);
    assert_int_equal(nr_stream_send(stream, bytes_of("x"), NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 1), "0 x");
    nr_stream_close(stream);

    nr_error_t err = {0};
    stream = plugin_stream_open("/fail", "", 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("x"), &err), NR_E_PLUGIN_HANDLE_FAILED);
    assert_int_equal(err.status, NR_ERR);
    nr_stream_close(stream);
    plugin_close();
}

static void the_input_of_a_stream_that_is_given_up_is_closed_once(void **state) {
    (void)state;
    plugin_open("fixture_duplex");
    nr_stream_close(plugin_stream_open("/collect", "", 0));
    assert_string_equal(plugin_call("/closes", ""), "0 1 0");

    nr_stream_t *stream = plugin_stream_open("/collect", "", 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("ab"), NULL), 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("cd"), NULL), 0);
    assert_int_equal(nr_stream_finish(stream, NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 1), "4 abcd");
    nr_stream_close(stream);
    assert_string_equal(plugin_call("/closes", ""), "0 2 0");
    plugin_close();
}

static void a_call_is_cancelled_once_and_an_answered_one_never(void **state) {
    (void)state;
    plugin_open("fixture_cancel");
    assert_string_equal(plugin_call("/echo", "x"), "0 x");
    assert_string_equal(plugin_call("/cancelled", ""), "0 0 0");
    cancel(plugin_start("/wait", ""));
    nr_stream_close(plugin_stream_open("/wait", "", 0));
    assert_string_equal(plugin_call("/cancelled", ""), "0 2 0");
    assert_string_equal(plugin_call("/late", "too late"), "0 2");
    plugin_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_released_exactly_once),
        cmocka_unit_test(leases_outlive_wrong_commits_and_other_answers),
        cmocka_unit_test(a_lease_is_writable_after_its_call_was_given_up),
        cmocka_unit_test(a_parked_stream_goes_on_at_every_writable),
        cmocka_unit_test(input_comes_back_until_it_ends),
        cmocka_unit_test(input_that_is_refused_may_be_offered_again),
        cmocka_unit_test(the_input_of_a_stream_that_is_given_up_is_closed_once),
        cmocka_unit_test(a_call_is_cancelled_once_and_an_answered_one_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
