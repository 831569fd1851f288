/* view.h: what its helpers answer at the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <nylon_ring/view.h>

static void views_cover_the_text_without_its_zero(void **state) {
    (void)state;
    NrStr text = nr_str("path");
    assert_int_equal(text.len, 4);
    assert_int_equal(text.reserved, 0);
    assert_memory_equal(text.ptr, "path", 4);
    assert_int_equal(nr_bytes_str("").len, 0);
    assert_int_equal(nr_str_bytes(text).len, 4);
    assert_ptr_equal(nr_str_bytes(text).ptr, text.ptr);
}

static void equality_needs_the_same_length_and_bytes(void **state) {
    (void)state;
    assert_true(nr_str_is(nr_str("/echo"), "/echo"));
    assert_false(nr_str_is(nr_str("/echo/"), "/echo"));
    assert_false(nr_str_is(nr_str("/ech"), "/echo"));
    assert_false(nr_str_is(nr_str_n("a\0b", 3), "a"));
    assert_true(nr_str_equal(nr_str_n("a\0b", 3), nr_str_n("a\0b", 3)));
}

static void empty_views_may_point_nowhere(void **state) {
    (void)state;
    NrStr nothing = nr_str_n(NULL, 0);
    assert_true(nr_str_is(nothing, ""));
    assert_true(nr_str_starts_with(nothing, ""));
    assert_false(nr_str_starts_with(nothing, "/"));
    assert_true(nr_str_equal_nocase(nothing, nr_str("")));
    assert_int_equal(nr_str_skip(nothing, 3).len, 0);
}

static void skipping_stops_at_the_end(void **state) {
    (void)state;
    NrStr path = nr_str("/users/7");
    assert_true(nr_str_starts_with(path, "/users/"));
    assert_true(nr_str_is(nr_str_skip(path, 7), "7"));
    assert_true(nr_str_is(nr_str_skip(path, 8), ""));
    assert_true(nr_str_is(nr_str_skip(path, 9), ""));
}

static void case_is_ignored_for_ascii_letters_only(void **state) {
    (void)state;
    assert_true(nr_str_equal_nocase(nr_str("Content-TYPE"), nr_str("content-type")));
    assert_false(nr_str_equal_nocase(nr_str("[key"), nr_str("{key")));
    assert_false(nr_str_equal_nocase(nr_str("\xC3\x84"), nr_str("\xC3\xA4")));
}

static void numbers_are_whole_decimal_and_fit(void **state) {
    (void)state;
    uint64_t number = 77;
    assert_true(nr_str_to_uint(nr_str("0"), &number));
    assert_true(number == 0);
    assert_true(nr_str_to_uint(nr_str("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);

    static const char *const malformed[] = {
        "", "-1", "+1", "1.5", " 1", "1x", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        number = 77;
        assert_false(nr_str_to_uint(nr_str(malformed[i]), &number));
        assert_true(number == 77);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_cover_the_text_without_its_zero),
        cmocka_unit_test(equality_needs_the_same_length_and_bytes),
        cmocka_unit_test(empty_views_may_point_nowhere),
        cmocka_unit_test(skipping_stops_at_the_end),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(numbers_are_whole_decimal_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
