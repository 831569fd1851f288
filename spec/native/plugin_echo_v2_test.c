/* plugins/echo_v2: every entry, answered by the real plugin in a real host. */
#include <stdio.h>
#include <string.h>

#include "plugin_support.h"

static int open_echo(void **state) {
    (void)state;
    plugin_open("echo_v2");
    return 0;
}

static int close_echo(void **state) {
    (void)state;
    plugin_close();
    return 0;
}

static void answers_by_every_way_of_handing_over(void **state) {
    (void)state;
    assert_string_equal(plugin_call("echo", "copied"), "0 copied");
    assert_string_equal(plugin_call("upper", "taken over"), "0 TAKEN OVER");
    assert_string_equal(plugin_call("owned", "given back"), "0 given back");
    assert_string_equal(plugin_call("lease", "lent"), "0 lent");
    assert_string_equal(plugin_call("lease", ""), "0 ");
    assert_string_equal(plugin_call("thread", "later"), "0 later");
    assert_string_equal(plugin_call("state-demo", "a value"), "0 a value");
    assert_string_equal(plugin_call("nothing", ""), "refused 2");
}

static void a_lease_is_not_to_be_had_for_a_stream(void **state) {
    (void)state;
    assert_string_equal(plugin_stream("lease", "x"), "refused 3");
}

static void streams_end_with_stream_end(void **state) {
    (void)state;
    assert_string_equal(plugin_stream("stream", "frames=2"), "0 frame 1 | 0 frame 2 | 4 ");
    assert_string_equal(plugin_stream("stream", "frames=1&interval=1"), "0 frame 1 | 4 ");
    assert_string_equal(plugin_stream("stream", "frames=many"), "refused 2");
}

/* The first frames fill the queue inside handle; the others come as the reader makes room. */
static void a_full_stream_goes_on_when_there_is_room(void **state) {
    (void)state;
    char expected[32];
    nr_stream_t *stream = plugin_stream_open("stream", "frames=1000", 64);
    for (int i = 1; i <= 1000; i++) {
        (void)snprintf(expected, sizeof(expected), "0 frame %d", i);
        assert_string_equal(plugin_stream_take(stream, 1), expected);
    }
    assert_string_equal(plugin_stream_take(stream, 1), "4 ");
    nr_stream_close(stream);
    assert_true(plugin_stats().backpressure > 0);
}

static NrBytes bytes_of(const char *text) {
    NrBytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static void a_duplex_stream_answers_its_input(void **state) {
    (void)state;
    nr_stream_t *stream = plugin_stream_open("duplex", "", 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("one"), NULL), 0);
    assert_int_equal(nr_stream_send(stream, bytes_of("two"), NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 2), "0 ONE | 0 TWO");
    assert_int_equal(nr_stream_finish(stream, NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 1), "4 ");
    nr_stream_close(stream);
}

static void input_is_refused_while_its_answer_has_no_room(void **state) {
    (void)state;
    nr_stream_t *stream = plugin_stream_open("duplex", "", 64);
    int sent = 0, status = 0;
    while ((status = nr_stream_send(stream, bytes_of("x"), NULL)) == 0) {
        assert_true(++sent < 1000);
    }
    assert_int_equal(status, NR_E_BACKPRESSURE);
    (void)plugin_stream_take(stream, (size_t)sent);
    assert_int_equal(nr_stream_send(stream, bytes_of("last"), NULL), 0);
    assert_string_equal(plugin_stream_take(stream, 1), "0 LAST");
    nr_stream_close(stream);
}

static void a_stream_without_input_says_so(void **state) {
    (void)state;
    nr_stream_t *stream = plugin_stream_open("stream", "frames=1000000&interval=1", 0);
    nr_error_t err = {0};
    assert_true(nr_stream_send(stream, bytes_of("x"), &err) < 0);
    assert_int_equal(err.status, NR_UNSUPPORTED);
    nr_stream_close(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_by_every_way_of_handing_over, open_echo,
                                        close_echo),
        cmocka_unit_test_setup_teardown(a_lease_is_not_to_be_had_for_a_stream, open_echo,
                                        close_echo),
        cmocka_unit_test_setup_teardown(streams_end_with_stream_end, open_echo, close_echo),
        cmocka_unit_test_setup_teardown(a_full_stream_goes_on_when_there_is_room, open_echo,
                                        close_echo),
        cmocka_unit_test_setup_teardown(a_duplex_stream_answers_its_input, open_echo, close_echo),
        cmocka_unit_test_setup_teardown(input_is_refused_while_its_answer_has_no_room, open_echo,
                                        close_echo),
        cmocka_unit_test_setup_teardown(a_stream_without_input_says_so, open_echo, close_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
