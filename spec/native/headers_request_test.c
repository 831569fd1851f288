/* request.h: query parameters, header look-up and the copy that outlives its request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <nylon_ring/request.h>

static void query_parameters_are_found_by_their_whole_name(void **state) {
    (void)state;
    NrStr query = nr_str("frames=9&frame=1&flag&empty=&eq=a=b&frames=2");
    NrStr value = nr_str("untouched");
    assert_true(nr_query_find(query, "frames", &value));
    assert_true(nr_str_is(value, "9"));
    assert_true(nr_query_find(query, "frame", &value));
    assert_true(nr_str_is(value, "1"));
    assert_true(nr_query_find(query, "flag", &value));
    assert_true(nr_str_is(value, ""));
    assert_true(nr_query_find(query, "empty", &value));
    assert_true(nr_str_is(value, ""));
    assert_true(nr_query_find(query, "eq", &value));
    assert_true(nr_str_is(value, "a=b"));

    value = nr_str("untouched");
    assert_false(nr_query_find(query, "fram", &value));
    assert_false(nr_query_find(nr_str(""), "frames", &value));
    assert_false(nr_query_find(nr_str("&&"), "frames", &value));
    assert_true(nr_str_is(value, "untouched"));
}

static void query_values_are_percent_decoded(void **state) {
    (void)state;
    NrStr query = nr_str("a=J%c3%B6rg%20K&plus=1+1&broken=50%&half=%4&wrong=%zz&zero=a%00b");
    char out[32];
    assert_int_equal(nr_query_get(query, "a", out, sizeof(out)), 7);
    assert_string_equal(out, "J\xC3\xB6rg K");
    assert_int_equal(nr_query_get(query, "plus", out, sizeof(out)), 3);
    assert_string_equal(out, "1+1");
    assert_int_equal(nr_query_get(query, "broken", out, sizeof(out)), 3);
    assert_string_equal(out, "50%");
    assert_int_equal(nr_query_get(query, "half", out, sizeof(out)), 2);
    assert_string_equal(out, "%4");
    assert_int_equal(nr_query_get(query, "wrong", out, sizeof(out)), 3);
    assert_string_equal(out, "%zz");
    assert_int_equal(nr_query_get(query, "zero", out, sizeof(out)), 3);
    assert_memory_equal(out, "a\0b", 4);
}

static void query_values_are_cut_to_the_buffer(void **state) {
    (void)state;
    NrStr query = nr_str("db=abcdef");
    char out[8] = "1234567";
    assert_int_equal(nr_query_get(query, "none", out, sizeof(out)), -1);
    assert_string_equal(out, "1234567");
    assert_int_equal(nr_query_get(query, "db", out, 4), 6);
    assert_memory_equal(out,
                        "abc\0"
                        "567",
                        8);
    assert_int_equal(nr_query_get(query, "db", out, 7), 6);
    assert_string_equal(out, "abcdef");
    assert_int_equal(nr_query_get(query, "db", NULL, 0), 6);
}

static void query_numbers_have_a_default_and_refuse_text(void **state) {
    (void)state;
    uint64_t frames = 5;
    assert_true(nr_query_uint(nr_str("interval=3"), "frames", &frames));
    assert_true(frames == 5);
    assert_true(nr_query_uint(nr_str("interval=3&frames=12"), "frames", &frames));
    assert_true(frames == 12);
    assert_false(nr_query_uint(nr_str("frames=many"), "frames", &frames));
    assert_true(frames == 12);
}

static const NrRequest *sample_request(NrHeader headers[2]) {
    static NrRequest request;
    headers[0].key = nr_str("User-Agent");
    headers[0].value = nr_str("busted");
    headers[1].key = nr_str("user-agent");
    headers[1].value = nr_str("second");
    request.path = nr_str("/api");
    request.method = nr_str("POST");
    request.query = nr_str_n(NULL, 0);
    request.headers = headers;
    request.headers_len = 2;
    return &request;
}

static void headers_are_found_whatever_their_case(void **state) {
    (void)state;
    NrHeader headers[2];
    const NrRequest *request = sample_request(headers);
    NrStr value = nr_str("untouched");
    assert_false(nr_header_find(request, "Accept", &value));
    assert_true(nr_str_is(value, "untouched"));
    assert_true(nr_header_find(request, "USER-AGENT", &value));
    assert_true(nr_str_is(value, "busted"));
}

static void a_copy_shares_no_memory_with_its_request(void **state) {
    (void)state;
    NrHeader headers[2];
    char path[] = "/api", body[] = "payload";
    NrRequest request = *sample_request(headers);
    request.path = nr_str(path);
    NrRequestCopy *copy = nr_request_copy(&request, nr_bytes_str(body));
    assert_non_null(copy);
    memset(path, '#', 4);
    memset(body, '#', 7);
    memset(headers, 0xFF, sizeof(headers));
    memset(&request, 0xFF, sizeof(request));

    NrStr agent = nr_str("");
    assert_true(nr_str_is(copy->request.path, "/api"));
    assert_true(nr_str_is(copy->request.method, "POST"));
    assert_int_equal(copy->request.query.len, 0);
    assert_non_null(copy->request.query.ptr);
    assert_int_equal(copy->request.headers_len, 2);
    assert_true(nr_header_find(&copy->request, "user-agent", &agent));
    assert_true(nr_str_is(agent, "busted"));
    assert_int_equal(copy->payload.len, 7);
    assert_memory_equal(copy->payload.ptr, "payload", 7);
    nr_request_free(copy);
}

static void a_copy_of_nothing_is_still_a_request(void **state) {
    (void)state;
    NrRequest request = {0};
    NrRequestCopy *copy = nr_request_copy(&request, nr_bytes(NULL, 0));
    assert_non_null(copy);
    assert_int_equal(copy->payload.len, 0);
    assert_int_equal(copy->request.path.len, 0);
    assert_int_equal(copy->request.headers_len, 0);
    nr_request_free(copy);
    nr_request_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_parameters_are_found_by_their_whole_name),
        cmocka_unit_test(query_values_are_percent_decoded),
        cmocka_unit_test(query_values_are_cut_to_the_buffer),
        cmocka_unit_test(query_numbers_have_a_default_and_refuse_text),
        cmocka_unit_test(headers_are_found_whatever_their_case),
        cmocka_unit_test(a_copy_shares_no_memory_with_its_request),
        cmocka_unit_test(a_copy_of_nothing_is_still_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
