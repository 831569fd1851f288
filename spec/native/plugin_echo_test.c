/* plugins/echo: every path, answered by the real plugin in a real host. */
#include <stdio.h>
#include <string.h>

#include "plugin_support.h"

static int open_echo(void **state) {
    (void)state;
    plugin_open("echo");
    return 0;
}

static int close_echo(void **state) {
    (void)state;
    plugin_close();
    return 0;
}

static void answers_inside_handle(void **state) {
    (void)state;
    assert_string_equal(plugin_call("/echo", "hi"), "0 hi");
    assert_string_equal(plugin_call("", "no path"), "0 no path");
    assert_string_equal(plugin_call("/upper", "grüße 1"), "0 GRüßE 1");
    assert_string_equal(plugin_call("/upper", ""), "0 ");
    assert_string_equal(plugin_call("/headers?a=b", ""), "0 GET /headers?a=b\nX-Test: yes");
    assert_string_equal(plugin_call("/state-demo", "a value"), "0 a value");
    assert_string_equal(plugin_call("/nowhere", ""), "refused 2");
}

static void answers_from_its_thread_in_order(void **state) {
    (void)state;
    char body[16], expected[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(body, sizeof(body), "%d", i);
        plugin_start("/thread", body);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(expected, sizeof(expected), "0 %d", i);
        assert_string_equal(plugin_await(), expected);
    }
}

static void streams_end_with_stream_end(void **state) {
    (void)state;
    assert_string_equal(plugin_stream("/stream?frames=2", ""), "0 frame 1 | 0 frame 2 | 4 ");
    assert_string_equal(plugin_stream("/stream?frames=2&interval=1", "p"), "0 p | 0 p | 4 ");
    assert_string_equal(plugin_stream("/stream", "p"), "0 p | 0 p | 0 p | 0 p | 0 p | 4 ");
    assert_string_equal(plugin_stream("/stream?frames=0", ""), "4 ");
    assert_string_equal(plugin_stream("/stream?frames=0&interval=1", ""), "4 ");
}

static void refuses_parameters_that_make_no_sense(void **state) {
    (void)state;
    assert_string_equal(plugin_stream("/stream?frames=many", ""), "refused 2");
    assert_string_equal(plugin_stream("/stream?interval=-1", ""), "refused 2");
    assert_string_equal(plugin_stream("/stream?frames=1000000000000", ""), "refused 2");
}

static void stops_a_paced_stream_that_is_given_up(void **state) {
    (void)state;
    nr_stream_t *stream = plugin_stream_open("/stream?frames=1000000&interval=1", "p", 0);
    assert_string_equal(plugin_stream_take(stream, 2), "0 p | 0 p");
    nr_stream_close(stream);
    assert_string_equal(plugin_call("/thread", "still there"), "0 still there");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_inside_handle, open_echo, close_echo),
        cmocka_unit_test_setup_teardown(answers_from_its_thread_in_order, open_echo, close_echo),
        cmocka_unit_test_setup_teardown(streams_end_with_stream_end, open_echo, close_echo),
        cmocka_unit_test_setup_teardown(refuses_parameters_that_make_no_sense, open_echo,
                                        close_echo),
        cmocka_unit_test_setup_teardown(stops_a_paced_stream_that_is_given_up, open_echo,
                                        close_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
