/* utf8.c: what passes as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

static size_t prefix(const char *text, size_t len) {
    return nr_utf8_prefix((const uint8_t *)text, len);
}

static void every_unicode_scalar_value_passes_and_surrogates_do_not(void **state) {
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        uint8_t bytes[4];
        size_t len;
        if (c < 0x800) {
            bytes[0] = (uint8_t)(0xc0 | c >> 6);
            len = 2;
        } else if (c < 0x10000) {
            bytes[0] = (uint8_t)(0xe0 | c >> 12);
            len = 3;
        } else {
            bytes[0] = (uint8_t)(0xf0 | c >> 18);
            len = 4;
        }
        for (size_t i = 1; i < len; i++) {
            bytes[i] = (uint8_t)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3f));
        }
        int surrogate = c >= 0xd800 && c <= 0xdfff;
        assert_int_equal(nr_utf8_prefix(bytes, len), surrogate ? 0 : len);
        assert_int_equal(nr_utf8_prefix(bytes, len - 1), 0);
    }
}

static void overlong_and_too_high_forms_are_refused(void **state) {
    (void)state;
    assert_int_equal(prefix("\xc0\x80", 2), 0);
    assert_int_equal(prefix("\xc1\xbf", 2), 0);
    assert_int_equal(prefix("\xe0\x9f\xbf", 3), 0);
    assert_int_equal(prefix("\xf0\x8f\xbf\xbf", 4), 0);
    assert_int_equal(prefix("\xf4\x90\x80\x80", 4), 0);
    assert_int_equal(prefix("\xf5\x80\x80\x80", 4), 0);
    assert_int_equal(prefix("\xff", 1), 0);
}

static void a_fault_is_found_at_every_place_of_a_long_text(void **state) {
    (void)state;
    char text[64];
    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'a', len);
            assert_int_equal(prefix(text, len), len);
            text[at] = (char)0x80;
            assert_int_equal(prefix(text, len), at);
        }
    }
}

static void wide_characters_may_stand_anywhere_among_ascii(void **state) {
    (void)state;
    for (size_t at = 0; at <= 20; at++) {
        char text[32];
        memset(text, 'a', sizeof(text));
        memcpy(text + at, "\xf0\x9f\x8e\x89", 4);
        assert_int_equal(prefix(text, sizeof(text)), sizeof(text));
        assert_int_equal(prefix(text, at + 3), at);
    }
}

static void a_line_is_cut_between_characters_and_has_no_control_characters(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"", ""},
        {"/path", "/path"},
        {"1234567", "1234567"},
        {"12345678", "1234..."},
        {"123\xc3\xa4"
         "678",
         "123..."},
        {"12\xc3\xa4"
         "6789",
         "12\xc3\xa4..."},
        {"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", "\xe6\xbc\xa2..."},
        {"a\nb\x1b\x7f", "a b  "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[8];
        nr__utf8_line(line, sizeof(line), (const uint8_t *)cases[i].text, strlen(cases[i].text));
        assert_string_equal(line, cases[i].line);
    }
}

static void an_empty_text_may_point_nowhere(void **state) {
    (void)state;
    assert_true(nr__utf8_valid(NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unicode_scalar_value_passes_and_surrogates_do_not),
        cmocka_unit_test(overlong_and_too_high_forms_are_refused),
        cmocka_unit_test(a_fault_is_found_at_every_place_of_a_long_text),
        cmocka_unit_test(wide_characters_may_stand_anywhere_among_ascii),
        cmocka_unit_test(a_line_is_cut_between_characters_and_has_no_control_characters),
        cmocka_unit_test(an_empty_text_may_point_nowhere),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
