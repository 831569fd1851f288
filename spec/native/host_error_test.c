/* error.c: codes, names, and texts that stay whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "utf8.h"

static int text_is_utf8(const char *text) {
    return nr__utf8_valid((const uint8_t *)text, strlen(text));
}

static void codes_are_stable_words(void **state) {
    (void)state;
    assert_string_equal(nr_error_code(NR_E_LOAD_FAILED), "load_failed");
    assert_string_equal(nr_error_code(NR_E_MISUSE), "misuse");
    assert_string_equal(nr_error_code(0), "unknown");
    assert_string_equal(nr_error_code(-1000), "unknown");
}

static void statuses_have_names_and_ends(void **state) {
    (void)state;
    assert_string_equal(nr_status_name(NR_STREAM_END), "StreamEnd");
    assert_string_equal(nr_status_name(NR_BACKPRESSURE), "Backpressure");
    assert_string_equal(nr_status_name(7), "Status");
    assert_string_equal(nr_status_name(UINT32_MAX), "Status");
    assert_false(nr_status_ends(NR_OK));
    assert_false(nr_status_ends(NR_BACKPRESSURE));
    assert_true(nr_status_ends(NR_STREAM_END));
    assert_true(nr_status_ends(4711));
}

static void a_failure_answers_its_code_and_fills_what_the_caller_gave(void **state) {
    (void)state;
    nr_error_t err;
    assert_int_equal(nr__fail(&err, NR_E_TIMEOUT, "%d ms", 5), NR_E_TIMEOUT);
    assert_int_equal(err.code, NR_E_TIMEOUT);
    assert_int_equal(err.status, NR_OK);
    assert_string_equal(err.message, "5 ms");
    assert_int_equal(nr__fail_status(&err, NR_E_PLUGIN_INIT_FAILED, NR_INVALID, "no"),
                     NR_E_PLUGIN_INIT_FAILED);
    assert_int_equal(err.status, NR_INVALID);
    assert_int_equal(nr__fail(NULL, NR_E_TIMEOUT, "nobody reads it"), NR_E_TIMEOUT);
}

static void a_long_text_is_cut_between_characters(void **state) {
    (void)state;
    nr_error_t err;
    char text[sizeof(err.message) + 16];
    for (size_t ascii = 0; ascii < 4; ascii++) {
        memset(text, 'a', sizeof(text));
        for (size_t at = ascii; at + 4 < sizeof(text); at += 4) {
            memcpy(text + at, "\xf0\x9f\x8e\x89", 4);
        }
        text[sizeof(text) - 1] = '\0';
        nr__fail(&err, NR_E_SYSTEM, "%s", text);
        size_t len = strlen(err.message);
        assert_true(text_is_utf8(err.message));
        assert_true(len > sizeof(err.message) - 5);
        assert_memory_equal(err.message, text, len);
    }
}

static void bytes_that_are_no_text_are_replaced(void **state) {
    (void)state;
    nr_error_t err;
    nr__fail(&err, NR_E_INVALID_PATH, "'%s': line\nbreak", "a\xff\xc3z");
    assert_string_equal(err.message, "'a??z': line break");
}

static void a_short_text_that_ends_badly_keeps_its_end(void **state) {
    (void)state;
    nr_error_t err;
    nr__fail(&err, NR_E_INVALID_PATH, "path \xc3");
    assert_string_equal(err.message, "path ?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_stable_words),
        cmocka_unit_test(statuses_have_names_and_ends),
        cmocka_unit_test(a_failure_answers_its_code_and_fills_what_the_caller_gave),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(a_short_text_that_ends_badly_keeps_its_end),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
