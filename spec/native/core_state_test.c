/* State and leases: memory of the host that a plugin uses while its call is open, and after. */
#define _GNU_SOURCE

#include "core_support.h"

#include <stdlib.h>

#include "lease.h"
#include "state.h"

static core_t core;
static played_t *played;
static int released;

static NrBytes set(uint64_t sid, const char *key, const char *value) {
    return nr__host_ext.set_state(&played->image, sid, core_str(key), core_bytes(value));
}

static NrBytes get(uint64_t sid, const char *key) {
    return nr__host_ext.get_state(&played->image, sid, core_str(key));
}

static void assert_state(uint64_t sid, const char *key, const char *value) {
    NrBytes bytes = get(sid, key);

    assert_int_equal(bytes.len, strlen(value));
    assert_non_null(bytes.ptr);
    assert_int_equal((uintptr_t)bytes.ptr % 16, 0);
    assert_memory_equal(bytes.ptr, value, bytes.len);
}

static void finish(uint64_t sid) {
    core_send(played, sid, NR_OK, "");
    core_poll(&core);
    assert_int_equal(core_state(sid), NR__DONE);
}

static void values_are_kept_by_key_until_the_answer(void **state) {
    uint64_t sid = core_call(played, NULL, 0), other = core_call(played, NULL, 0);

    (void)state;
    assert_int_equal(set(sid, "a", "1").len, 0);
    assert_int_equal(set(sid, "b", "2").len, 0);
    assert_int_equal(set(sid, "", "of the empty key").len, 0);
    assert_int_equal(set(sid, "a", "3").len, 0);
    assert_state(sid, "a", "3");
    assert_state(sid, "b", "2");
    assert_state(sid, "", "of the empty key");
    assert_state(sid, "c", "");
    assert_state(other, "a", "");
    finish(sid);
    finish(other);
    assert_state(sid, "a", "");
    assert_true(set(sid, "a", "4").len > 0);
    assert_true(set(0, "a", "4").len > 0);
    assert_int_equal(played->image.unknown + played->image.late, 0); /* those were no results */
}

static void a_value_that_was_handed_out_does_not_change(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrBytes first, second;

    (void)state;
    set(sid, "k", "first");
    first = get(sid, "k");
    set(sid, "k", "second");
    set(sid, "k", "third"); /* replaces the second, which nobody has seen */
    second = get(sid, "k");
    set(sid, "k", "fourth");
    assert_memory_equal(first.ptr, "first", 5);
    assert_memory_equal(second.ptr, "third", 5);
    assert_state(sid, "k", "fourth");
    finish(sid);
}

static void a_value_handed_out_survives_giving_up_until_the_late_answer(void **state) {
    uint64_t sid = core_call(played, NULL, 1), unseen = core_call(played, NULL, 0);
    NrBytes value;

    (void)state;
    set(sid, "k", "still here");
    value = get(sid, "k");
    set(unseen, "k", "nobody has it");
    core_run(&core, 1);
    nr_call_cancel(core.worker, unseen);
    assert_int_equal(core_state(sid), NR__PARKED);
    assert_int_equal(core_state(unseen), NR__DROPPED);
    assert_memory_equal(value.ptr, "still here", 10);
    assert_true(set(sid, "k", "new").len > 0);
    assert_int_equal(get(sid, "k").len, 0);
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, value);
    core_poll(&core);
    assert_int_equal(core_state(sid), NR__DONE);
    assert_int_equal(core.events_len, 1);
}

static void a_late_answer_after_the_worker_frees_what_was_parked(void **state) {
    core_t second;
    played_t *first = played;
    uint64_t sid;

    (void)state;
    core_open(&second);
    played = core_play(&second, NULL);
    sid = core_call(played, NULL, 0);
    set(sid, "k", "v");
    get(sid, "k");
    core_close(&second);
    assert_int_equal(core_state(sid), NR__PARKED);
    core_send(played, sid, NR_OK, "nobody is there to free it");
    assert_int_equal(core_state(sid), NR__ANSWERED);
    core_open(&second); /* the next worker of this slab frees it */
    core_poll(&second);
    assert_int_equal(core_state(sid), NR__DONE);
    core_close(&second);
    played = first;
}

static void count_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)ptr;
    (void)len;
    ++*(int *)owner_ctx;
}

static void an_answer_may_be_a_value_of_the_state(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrOwnedBytes owned = {.owner_ctx = &released, .release = count_release};
    NrBytes value;

    (void)state;
    set(sid, "k", "longer than what a slot keeps in itself, and gone with the state");
    value = get(sid, "k");
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, value);
    core_run(&core, 1);
    assert_int_equal(core.events[0].len, 64);
    assert_memory_equal(core.events[0].data, "longer than what a slot keeps in", 32);

    released = 0;
    sid = core_call(played, NULL, 0);
    set(sid, "k", "lent, but it is the state's own memory");
    value = get(sid, "k");
    owned.ptr = value.ptr;
    owned.len = value.len;
    assert_int_equal(nr__host_vtable2.send_result_owned(&played->image, sid, NR_OK, owned), NR_OK);
    assert_int_equal(released, 1); /* copied: the state ends before it is read */
    core_run(&core, 2);
    assert_memory_equal(core.events[1].data, "lent, but", 9);
}

static void the_state_is_capped(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrBytes half = {calloc(1, NR_STATE_MAX / 2), NR_STATE_MAX / 2}, malformed = {NULL, 1};

    (void)state;
    assert_int_equal(nr__host_ext.set_state(&played->image, sid, core_str("a"), half).len, 0);
    assert_int_equal(nr__host_ext.set_state(&played->image, sid, core_str("a"), half).len, 0);
    assert_true(nr__host_ext.set_state(&played->image, sid, core_str("b"), half).len > 0);
    assert_int_equal(get(sid, "b").len, 0);
    assert_int_equal(get(sid, "a").len, half.len);
    assert_true(nr__host_ext.set_state(&played->image, sid, core_str("a"), half).len > 0);
    assert_int_equal(get(sid, "a").len, half.len);
    half.len = UINT64_MAX;
    assert_true(nr__host_ext.set_state(&played->image, sid, core_str("c"), half).len > 0);
    assert_true(nr__host_ext.set_state(&played->image, sid, core_str("c"), malformed).len > 0);
    free((void *)(uintptr_t)half.ptr);
    finish(sid);
}

static void the_caller_gives_first_values(void **state) {
    nr_state_value_t values[] = {{core_str("user"), core_bytes("mia")},
                                 {core_str("role"), core_bytes("guest")},
                                 {core_str("role"), core_bytes("admin")}};
    nr_call_options_t options = {.state = values, .state_len = 3};
    nr_request_t request = core_request("/", "");
    nr_result_t result;
    nr_error_t err;

    (void)state;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), &options, &result, &err),
                     NR_PENDING);
    assert_state(result.sid, "user", "mia");
    assert_state(result.sid, "role", "admin");
    finish(result.sid);
    values[1].value.len = NR_STATE_MAX + 1;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), &options, &result, &err),
                     NR_E_TOO_LARGE);
    values[1].value.ptr = NULL;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), &options, &result, &err),
                     NR_E_INVALID_REQUEST);
    assert_int_equal(played->lane.calls, 1);
}

static NrBufferLease acquire(uint64_t sid, uint64_t capacity) {
    return nr__host_vtable2.acquire_result_buffer(&played->image, sid, capacity);
}

static NrStatus commit(uint64_t sid, uint64_t token, uint64_t len) {
    return nr__host_vtable2.commit_result_buffer(&played->image, sid, NR_OK, token, len);
}

static void a_lease_becomes_the_answer_without_a_copy(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrBufferLease lease = acquire(sid, 1000);
    nr_event_t event;

    (void)state;
    assert_non_null(lease.ptr);
    assert_true(lease.cap >= 1000);
    assert_null(acquire(sid, 1000).ptr); /* one at a time */
    memcpy(lease.ptr, "written in place", 16);
    assert_int_equal(commit(sid, lease.token + 2, 16), NR_INVALID);
    assert_int_equal(commit(sid, lease.token, 1001), NR_INVALID);
    assert_int_equal(core_state(sid), NR__OPEN);
    assert_int_equal(commit(sid, lease.token, 16), NR_OK);
    assert_int_equal(commit(sid, lease.token, 16), NR_INVALID);
    assert_int_equal(nr_worker_next(core.worker, &event), 1);
    assert_ptr_equal(event.result.data, lease.ptr);
    assert_int_equal(event.result.len, 16);
    nr_result_release(&event.result);
    core_run_all(&core);
}

static void leases_have_limits(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    nr_stream_t *stream = core_stream(played, NULL);
    NrBufferLease none;

    (void)state;
    assert_null(acquire(sid, UINT64_MAX).ptr);
    assert_null(acquire(nr_stream_sid(stream), 10).ptr);
    assert_int_equal(commit(nr_stream_sid(stream), 1, 0), NR_INVALID);
    assert_null(acquire(0, 10).ptr);
    assert_int_equal(commit(sid, 1, 0), NR_INVALID); /* there is none */
    none = acquire(sid, 0);
    assert_non_null(none.ptr);
    assert_int_equal(commit(sid, none.token, 0), NR_OK);
    nr_stream_close(stream);
    core_run_all(&core);
    assert_int_equal(core.events_len, 1);
    assert_int_equal(core.events[0].len, 0);
}

static void another_answer_consumes_the_lease(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrBufferLease lease = acquire(sid, 64);

    (void)state;
    core_send(played, sid, NR_OK, "not by the lease");
    assert_int_equal(commit(sid, lease.token, 5), NR_INVALID);
    core_run_all(&core);
    assert_memory_equal(core.events[0].data, "not by the lease", 16);
    assert_int_equal(core_state(sid), NR__DONE);
}

static void a_lease_given_up_stays_writable_until_its_commit(void **state) {
    uint64_t sid = core_call(played, NULL, 1);
    NrBufferLease lease = acquire(sid, 64);

    (void)state;
    core_run(&core, 1);
    memset(lease.ptr, 'x', 64);
    assert_int_equal(core_state(sid), NR__PARKED);
    assert_int_equal(commit(sid, lease.token + 2, 64), NR_INVALID);
    memset(lease.ptr, 'y', 64);
    assert_int_equal(played->image.owed, 1);
    assert_int_equal(commit(sid, lease.token, 64), NR_INVALID);
    assert_int_equal(played->image.owed, 0);
    assert_int_equal(played->image.late, 1);
    core_poll(&core);
    assert_int_equal(core_state(sid), NR__DONE);
}

static NrStatus lease_inside(played_t *plugin, uint64_t sid, NrBytes payload) {
    NrBufferLease lease = acquire(sid, payload.len);

    (void)plugin;
    memcpy(lease.ptr, payload.ptr, payload.len);
    commit(sid, lease.token, payload.len);
    return NR_OK;
}

static void a_lease_works_inside_handle(void **state) {
    nr_request_t request = core_request("/", "");
    nr_result_t result;

    (void)state;
    played->on_handle = lease_inside;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes("leased"), NULL, &result, NULL),
                     NR_DONE);
    assert_int_equal(result.len, 6);
    assert_memory_equal(result.data, "leased", 6);
    nr_result_release(&result);
}

static int setup(void **state) {
    (void)state;
    core_open(&core);
    played = core_play(&core, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(nr_worker_pending(core.worker), 0);
    core_close(&core);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_are_kept_by_key_until_the_answer),
        TEST(a_value_that_was_handed_out_does_not_change),
        TEST(a_value_handed_out_survives_giving_up_until_the_late_answer),
        TEST(a_late_answer_after_the_worker_frees_what_was_parked),
        TEST(an_answer_may_be_a_value_of_the_state),
        TEST(the_state_is_capped),
        TEST(the_caller_gives_first_values),
        TEST(a_lease_becomes_the_answer_without_a_copy),
        TEST(leases_have_limits),
        TEST(another_answer_consumes_the_lease),
        TEST(a_lease_given_up_stays_writable_until_its_commit),
        TEST(a_lease_works_inside_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
