/* Unary calls: where their answers come from, and what is made of them. */
#define _GNU_SOURCE

#include "core_fixture.h"

#include <stdlib.h>

static NrStatus answer_inside(played_t *played, uint64_t sid, NrBytes payload) {
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, payload);
    return NR_OK;
}

/* Calls and expects an answer inside handle that equals the payload. */
static void assert_echo(nr_plugin_t *plugin, size_t len) {
    nr_request_t request = core_request("echo", ""); /* any path means that to the v1 ones */
    uint8_t *bytes = malloc(len + 1);
    NrBytes payload = {bytes, len};
    nr_result_t result;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 7 + len);
    }
    assert_int_equal(nr_call(plugin, &request, payload, NULL, &result, NULL), NR_DONE);
    assert_int_equal(result.error, 0);
    assert_int_equal(result.status, NR_OK);
    assert_int_equal(result.len, len);
    assert_non_null(result.data);
    assert_memory_equal(result.data, bytes, len);
    assert_true(result.sid != 0);
    nr_result_release(&result);
    nr_result_release(&result);
    free(bytes);
}

static void an_answer_inside_handle_is_there_at_once(void **state) {
    played_t *played = core_play(&core, answer_inside);

    (void)state;
    for (size_t len = 0; len < 200; len++) {
        assert_echo(&played->plugin, len);
    }
    assert_echo(&played->plugin, 1 << 20);
    assert_int_equal(played->lane.calls, 201);
    assert_int_equal(played->lane.ok, 201);
    assert_int_equal(played->lane.in_flight, 0);
    assert_int_equal(nr_worker_pending(core.worker), 0);
}

static void the_loaded_plugins_answer_inside_handle(void **state) {
    static const char *const names[] = {"fixture_noop", "fixture_noop_v2"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        nr_plugin_t *plugin = core_load(&core, names[i]);
        for (size_t len = 0; len < 100; len++) {
            assert_echo(plugin, len);
        }
        assert_echo(plugin, 100000);
    }
}

static NrStatus answer_twice(played_t *played, uint64_t sid, NrBytes payload) {
    (void)payload;
    core_send(played, sid, NR_INVALID, "first");
    core_send(played, sid, NR_OK, "second");
    return NR_OK;
}

static void the_first_answer_wins(void **state) {
    played_t *played = core_play(&core, answer_twice);
    nr_request_t request = core_request("/", "");
    nr_result_t result;

    (void)state;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), NULL, &result, NULL),
                     NR_DONE);
    assert_int_equal(result.status, NR_INVALID);
    assert_memory_equal(result.data, "first", 5);
    assert_int_equal(played->image.duplicate, 1);
    core_send(played, result.sid, NR_OK, "third");
    assert_int_equal(played->image.duplicate, 2);
    assert_int_equal(played->lane.errors, 1);
}

static int released;

static NrStatus answer_and_refuse(played_t *played, uint64_t sid, NrBytes payload) {
    (void)payload;
    core_send_owned(played, sid, NR_OK, "owned by the plugin", &released);
    core_send_owned(played, sid, NR_OK, "again", &released);
    return NR_UNSUPPORTED;
}

static void a_refused_call_discards_what_was_sent(void **state) {
    played_t *played = core_play(&core, answer_and_refuse);
    nr_request_t request = core_request("/", "");
    nr_result_t result;
    nr_error_t err;

    (void)state;
    released = 0;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), NULL, &result, &err),
                     NR_E_PLUGIN_HANDLE_FAILED);
    assert_int_equal(err.status, NR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "played"));
    assert_int_equal(released, 2);
    assert_int_equal(played->image.held, 0);
    assert_int_equal(played->image.owed, 0);
    assert_int_equal(played->lane.errors, 1);
    core_run_all(&core);
    assert_int_equal(core.events_len, 0);
}

static void an_answer_after_handle_comes_as_an_event(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t sid = core_call(played, &core, 0);
    char large[4096];

    (void)state;
    assert_int_equal(nr_worker_pending(core.worker), 1);
    assert_int_equal(played->lane.in_flight, 1);
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    core_send(played, sid, NR_ERR, large);
    core_run(&core, 1);
    assert_int_equal(core.events[0].kind, NR_EVENT_RESULT);
    assert_ptr_equal(core.events[0].user, &core);
    assert_int_equal(core.events[0].sid, sid);
    assert_int_equal(core.events[0].status, NR_ERR);
    assert_int_equal(core.events[0].len, sizeof large - 1);
    assert_int_equal(core.events[0].data[63], 'x');
    assert_int_equal(nr_worker_pending(core.worker), 0);
    assert_int_equal(played->lane.in_flight, 0);
}

static void events_come_in_the_order_of_the_answers(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t sids[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        sids[i] = core_call(played, NULL, 0);
    }
    for (int i = 99; i >= 0; i--) {
        core_send(played, sids[i], NR_OK, "");
    }
    core_run(&core, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(core.events[i].sid, sids[99 - i]);
    }
}

static void the_answer_may_come_from_a_thread_before_handle_returns(void **state) {
    nr_plugin_t *plugin = core_load(&core, "fixture_threads");
    nr_request_t request = core_request("/before", "");
    nr_result_t result;

    (void)state;
    for (int i = 0; i < 200; i++) {
        int started = nr_call(plugin, &request, core_bytes("early"), NULL, &result, NULL);
        assert_int_equal(started, NR_PENDING);
        core_run(&core, (size_t)i + 1);
        assert_memory_equal(core.events[i].data, "early", 5);
    }
}

static void a_notification_is_over_when_handle_returns(void **state) {
    played_t *inside = core_play(&core, answer_inside), *outside = core_play(&core, NULL);
    played_t *refusing = core_play(&core, answer_and_refuse);
    nr_request_t request = core_request("/", "");

    (void)state;
    released = 0;
    assert_int_equal(nr_notify(&inside->plugin, &request, core_bytes("x"), NULL, NULL), 0);
    assert_int_equal(nr_notify(&outside->plugin, &request, core_bytes("x"), NULL, NULL), 0);
    assert_int_equal(nr_notify(&refusing->plugin, &request, core_bytes("x"), NULL, NULL),
                     NR_E_PLUGIN_HANDLE_FAILED);
    assert_int_equal(released, 2);
    assert_int_equal(outside->cancels, 0);
    assert_int_equal(nr_worker_pending(core.worker), 0);
    assert_int_equal(outside->image.owed, 1); /* its plugin is still at work */
    core_send(outside, outside->sid, NR_OK, "dropped");
    assert_int_equal(outside->image.owed, 0);
    core_run_all(&core);
    assert_int_equal(core.events_len, 0);
}

static void malformed_results_end_a_call_or_are_refused(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t sid = core_call(played, NULL, 0);
    NrBytes malformed = {NULL, 5}, huge = {(const uint8_t *)"x", UINT64_MAX};
    NrVecU8 vec = {.ptr = NULL, .len = 5};

    (void)state;
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, malformed);
    core_run(&core, 1);
    assert_int_equal(core.events[0].error, NR_E_MALFORMED_RESULT);

    sid = core_call(played, NULL, 0);
    assert_int_equal(nr__host_vtable2.send_result(&played->image, sid, NR_OK, vec), NR_INVALID);
    assert_int_equal(core_state(sid), NR__OPEN);
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, huge);
    core_run(&core, 2);
    assert_int_equal(core.events[1].error, NR_E_TOO_LARGE);
}

static void a_plugin_that_is_going_takes_no_calls(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_request_t request = core_request("/", "");
    nr_result_t result;
    nr_error_t err;
    NrBytes malformed = {NULL, 1};

    (void)state;
    assert_int_equal(nr_call(&played->plugin, &request, malformed, NULL, &result, &err),
                     NR_E_INVALID_REQUEST);
    played->lane.closed = 1;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), NULL, &result, &err),
                     NR_E_PLUGIN_UNLOADED);
    assert_int_equal(played->lane.calls, 0);
}

static void requests_are_checked_once(void **state) {
    NrRequest from = {.path = core_str("/caf\xc3\xa9")};
    NrHeader header = {core_str("k"), {NULL, 3, 0}};
    nr_request_t request;

    (void)state;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    assert_non_null(request.request.method.ptr);
    assert_non_null(request.request.query.ptr);
    assert_non_null(request.request.headers);
    from.query = core_str("\xff");
    assert_int_equal(nr_request_init(&request, &from, NULL), NR_E_INVALID_REQUEST);
    from.query = core_str("");
    from.headers = &header;
    from.headers_len = 1;
    assert_int_equal(nr_request_init(&request, &from, NULL), NR_E_INVALID_REQUEST);
    header.value = core_str("v");
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
}

static NrStatus nested_handle(played_t *played, uint64_t sid, NrBytes payload) {
    played_t *inner = played->data;

    (void)payload;
    if (inner != NULL) {
        assert_echo(&inner->plugin,
                    10); /* what an embedder must not do still does not confuse it */
    }
    core_send(played, sid, NR_OK, "outer");
    return NR_OK;
}

static void the_call_in_progress_is_restored_after_an_inner_one(void **state) {
    played_t *outer = core_play(&core, nested_handle);
    nr_request_t request = core_request("/", "");
    nr_result_t result;

    (void)state;
    outer->data = core_play(&core, answer_inside);
    assert_int_equal(nr_call(&outer->plugin, &request, core_bytes(""), NULL, &result, NULL),
                     NR_DONE);
    assert_memory_equal(result.data, "outer", 5);
}

static const uint8_t *dropped;

static void note_drop(uint8_t *ptr, size_t len, size_t cap) {
    assert_int_equal(len, 0);
    assert_int_equal(cap, 16);
    dropped = ptr;
}

static void an_empty_owned_answer_is_freed_where_it_was(void **state) {
    static uint8_t room[16];
    played_t *played = core_play(&core, NULL);
    NrVecU8 vec = {.ptr = room, .cap = sizeof room, .owned = 1, .drop_fn = note_drop};
    uint64_t sid = core_call(played, NULL, 0);

    (void)state;
    assert_int_equal(nr__host_vtable2.send_result(&played->image, sid, NR_OK, vec), NR_OK);
    core_run(&core, 1);
    assert_int_equal(core.events[0].len, 0);
    assert_ptr_equal(dropped, room);
    assert_int_equal(played->image.held, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_answer_inside_handle_is_there_at_once),
        TEST(the_loaded_plugins_answer_inside_handle),
        TEST(the_first_answer_wins),
        TEST(a_refused_call_discards_what_was_sent),
        TEST(an_answer_after_handle_comes_as_an_event),
        TEST(events_come_in_the_order_of_the_answers),
        TEST(the_answer_may_come_from_a_thread_before_handle_returns),
        TEST(a_notification_is_over_when_handle_returns),
        TEST(malformed_results_end_a_call_or_are_refused),
        TEST(a_plugin_that_is_going_takes_no_calls),
        TEST(requests_are_checked_once),
        TEST(the_call_in_progress_is_restored_after_an_inner_one),
        TEST(an_empty_owned_answer_is_freed_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
