/* The state of a call as a plugin uses it: by offset 112 and by nylon.state/1. */
#include <string.h>

#include "plugin_support.h"

static int open_state(void **state) {
    (void)state;
    plugin_open("fixture_state");
    return 0;
}

static int close_state(void **state) {
    (void)state;
    plugin_close();
    return 0;
}

static void both_ways_lead_to_the_same_state(void **state) {
    (void)state;
    assert_string_equal(plugin_call("/offset", "a value"), "0 a value");
    assert_string_equal(plugin_call("/ext", "a value"), "0 a value");
    assert_string_equal(plugin_call("/thread", "from a thread"), "0 from a thread");
    assert_string_equal(plugin_call("/many?keys=200", ""), "0 200");
}

static void state_ends_with_its_call(void **state) {
    (void)state;
    assert_string_equal(plugin_call("/ext", "a value"), "0 a value");
    assert_string_equal(plugin_call("/get?key=demo", ""), "2 ");
}

static void a_value_that_was_handed_out_does_not_change(void **state) {
    (void)state;
    assert_string_equal(plugin_call("/overwrite", "new"), "0 old|new");
}

static void a_value_that_was_handed_out_outlives_a_cancel(void **state) {
    (void)state;
    uint64_t sid = plugin_start("/keep", "");
    assert_int_equal(nr_call_cancel(host_loop_worker(plugin_loop()), sid), 0);
    for (int i = 0; i < 100; i++) {
        assert_string_equal(plugin_call("/ext", "other calls"), "0 other calls");
    }
    assert_string_equal(plugin_call("/compare", ""), "0 intact");
}

static void state_has_a_cap_and_a_reason(void **state) {
    (void)state;
    assert_string_equal(plugin_call("/cap?bytes=1000", ""), "0 1000");
    const char *refusal = plugin_call("/cap?bytes=100000000", "");
    assert_true(strncmp(refusal, "1 ", 2) == 0 && strlen(refusal) > 2);
}

static void a_sid_without_a_call_has_no_state(void **state) {
    (void)state;
    assert_true(strlen(plugin_call("/unknown", "x")) > strlen("0 "));
    assert_string_equal(plugin_call("/ended", "x"), "0 ");
    assert_true(strlen(plugin_call("/ended", "x")) > strlen("0 "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_lead_to_the_same_state),
        cmocka_unit_test(state_ends_with_its_call),
        cmocka_unit_test(a_value_that_was_handed_out_does_not_change),
        cmocka_unit_test(a_value_that_was_handed_out_outlives_a_cancel),
        cmocka_unit_test(state_has_a_cap_and_a_reason),
        cmocka_unit_test(a_sid_without_a_call_has_no_state),
    };
    return cmocka_run_group_tests(tests, open_state, close_state);
}
