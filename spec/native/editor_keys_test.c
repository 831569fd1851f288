/* editor_keys.c: what was typed comes out key by key, however it was cut on its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "editor_keys.h"

static void add(nr__keys_t *keys, const char *bytes) {
    assert_int_equal(nr__keys_add(keys, bytes, strlen(bytes)), 0);
}

static void expect(nr__keys_t *keys, const wchar_t *wanted) {
    wchar_t key[NR__KEY_MAX];
    size_t len = wcslen(wanted);
    assert_int_equal(nr__keys_take(keys, key), len);
    assert_memory_equal(key, wanted, len * sizeof *key);
}

static void keys_come_out_one_by_one(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    add(&keys, "a\x03ö漢\033[A\033OB\033[1;5C\033x");
    expect(&keys, L"a");
    expect(&keys, L"\x03");
    expect(&keys, L"ö");
    expect(&keys, L"漢");
    expect(&keys, L"\033[A");
    expect(&keys, L"\033OB");
    expect(&keys, L"\033[1;5C");
    expect(&keys, L"\033x");
    expect(&keys, L"");
    nr__keys_free(&keys);
}

static void a_key_whose_rest_has_not_come_waits_for_it(void **state) {
    static const char typed[] = "漢\033[200~ö\033b";
    static const wchar_t *const wanted[] = {L"漢", L"\033[200~", L"ö", L"\033b"};
    nr__keys_t keys = {0};
    size_t next = 0;
    (void)state;
    for (size_t i = 0; i < sizeof typed - 1; i++) {
        wchar_t key[NR__KEY_MAX];
        assert_int_equal(nr__keys_add(&keys, &typed[i], 1), 0);
        size_t len = nr__keys_take(&keys, key);
        if (len > 0) {
            assert_int_equal(len, wcslen(wanted[next]));
            assert_memory_equal(key, wanted[next], len * sizeof *key);
            next++;
        }
    }
    assert_int_equal(next, 4);
    nr__keys_free(&keys);
}

static void bytes_that_are_no_text_become_replacements(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    add(&keys, "\xff\xc3(\xe0\x80\x80z");
    expect(&keys, L"\xfffd");
    expect(&keys, L"\xfffd");
    expect(&keys, L"(");
    expect(&keys, L"\xfffd");
    expect(&keys, L"z");
    nr__keys_free(&keys);
}

static void a_sequence_without_end_is_cut(void **state) {
    nr__keys_t keys = {0};
    wchar_t key[NR__KEY_MAX];
    (void)state;
    add(&keys, "\033[1111111111111111111111111111111111111111");
    assert_int_equal(nr__keys_take(&keys, key), NR__KEY_MAX);
    nr__keys_free(&keys);
}

static void escape_twice_is_escape_once(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    add(&keys, "\033\033\033[A");
    expect(&keys, L"\033[A");
    nr__keys_free(&keys);
}

static void the_last_key_can_be_put_back(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    add(&keys, "ab");
    expect(&keys, L"a");
    nr__keys_put_back(&keys);
    nr__keys_put_back(&keys);
    expect(&keys, L"a");
    expect(&keys, L"b");
    nr__keys_free(&keys);
}

static void pasted_text_is_taken_up_to_its_end(void **state) {
    nr__keys_t keys = {0};
    size_t len = 0;
    (void)state;
    add(&keys, "some\ntext\033[20");
    assert_null(nr__keys_take_until(&keys, "\033[201~", &len));
    add(&keys, "1~x");
    const char *text = nr__keys_take_until(&keys, "\033[201~", &len);
    assert_int_equal(len, 9);
    assert_memory_equal(text, "some\ntext", 9);
    expect(&keys, L"x");
    nr__keys_free(&keys);
}

static void characters_survive_both_ways(void **state) {
    (void)state;
    for (wchar_t c = 1; c < 0x110000; c++) {
        char bytes[4];
        wchar_t back;
        size_t len = nr__utf8_encode(c, bytes);
        int surrogate = c >= 0xd800 && c < 0xe000;
        assert_int_equal(nr__utf8_decode(bytes, len, &back), len);
        assert_int_equal(back, surrogate ? 0xfffd : c);
    }
}

static void escape_is_a_key_only_where_nothing_follows(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    assert_false(nr__keys_take_escape(&keys));
    add(&keys, "\033");
    expect(&keys, L"");
    assert_true(nr__keys_take_escape(&keys));
    add(&keys, "\033[");
    assert_false(nr__keys_take_escape(&keys));
    add(&keys, "A");
    expect(&keys, L"\033[A");
    nr__keys_free(&keys);
}

static void all_but_the_end_can_be_dropped(void **state) {
    nr__keys_t keys = {0};
    (void)state;
    add(&keys, "begins");
    expect(&keys, L"b");
    nr__keys_shorten(&keys, 2);
    nr__keys_put_back(&keys); /* it is gone */
    expect(&keys, L"n");
    nr__keys_shorten(&keys, 5);
    add(&keys, "x");
    expect(&keys, L"s");
    nr__keys_shorten(&keys, 0);
    expect(&keys, L"");
    nr__keys_free(&keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_out_one_by_one),
        cmocka_unit_test(a_key_whose_rest_has_not_come_waits_for_it),
        cmocka_unit_test(bytes_that_are_no_text_become_replacements),
        cmocka_unit_test(a_sequence_without_end_is_cut),
        cmocka_unit_test(escape_twice_is_escape_once),
        cmocka_unit_test(the_last_key_can_be_put_back),
        cmocka_unit_test(pasted_text_is_taken_up_to_its_end),
        cmocka_unit_test(escape_is_a_key_only_where_nothing_follows),
        cmocka_unit_test(all_but_the_end_can_be_dropped),
        cmocka_unit_test(characters_survive_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
