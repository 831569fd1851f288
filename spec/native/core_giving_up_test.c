/* Calls that the host ends: by time, by their caller, with their plugin, with their worker. */
#define _GNU_SOURCE

#include <stdlib.h>

#include "core_fixture.h"

static int released;

static void a_call_times_out_and_its_plugin_is_told(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t sid = core_call(played, &core, 5), other = core_call(played, NULL, 10000);

    (void)state;
    core_run(&core, 1);
    assert_int_equal(core.events[0].error, NR_E_TIMEOUT);
    assert_int_equal(core.events[0].sid, sid);
    assert_ptr_equal(core.events[0].user, &core);
    assert_int_equal(played->cancelled, sid);
    assert_int_equal(played->cancels, 1);
    assert_int_equal(played->lane.timeouts, 1);
    assert_int_equal(played->image.owed, 1);
    core_send(played, sid, NR_OK, "too late");
    assert_int_equal(played->image.late, 1);
    assert_int_equal(played->image.owed, 0);
    core_send(played, other, NR_OK, "in time");
    core_run_all(&core);
    assert_int_equal(core.events_len, 2);
    assert_int_equal(core.events[1].error, 0);
}

static void a_cancelled_call_never_completes(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t open = core_call(played, NULL, 0), answered = core_call(played, NULL, 0);

    (void)state;
    released = 0;
    assert_int_equal(nr_call_cancel(core.worker, open), 0);
    assert_int_equal(nr_call_cancel(core.worker, open), NR_E_CANCELLED);
    assert_int_equal(played->cancelled, open);
    core_send_owned(played, answered, NR_OK, "nobody reads it", &released);
    assert_int_equal(nr_call_cancel(core.worker, answered), 0);
    assert_int_equal(released, 1);
    assert_int_equal(played->cancels, 1); /* it had answered: there is nothing to cancel */
    core_send_owned(played, open, NR_OK, "late", &released);
    assert_int_equal(released, 2);
    core_run_all(&core);
    assert_int_equal(core.events_len, 0);
    assert_int_equal(played->lane.cancelled, 2);
    assert_int_equal(played->image.held, 0);
}

static void a_cancel_takes_back_a_timeout_that_was_not_fetched(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t first = core_call(played, NULL, 0), second = core_call(played, NULL, 0);
    nr_event_t event;

    (void)state;
    assert_int_equal(nr__worker_give_up_lane(core.worker, &played->lane, NR_E_PLUGIN_UNLOADED), 2);
    assert_int_equal(nr_call_cancel(core.worker, first), 0);
    assert_int_equal(nr_call_cancel(core.worker, first), NR_E_CANCELLED);
    assert_int_equal(nr_worker_next(core.worker, &event), 1);
    assert_int_equal(event.result.sid, second);
    assert_int_equal(event.result.error, NR_E_PLUGIN_UNLOADED);
    assert_int_equal(nr_worker_next(core.worker, &event), 0);
}

/* Looking through what is queued for each one would take minutes. */
static void a_cancel_costs_the_same_however_many_have_timed_out(void **state) {
    played_t *played = core_play(&core, NULL);
    enum { CALLS = 400000 };
    uint64_t *sids = malloc(CALLS * sizeof *sids);
    nr_event_t event;

    (void)state;
    for (int i = 0; i < CALLS; i++) {
        sids[i] = core_call(played, NULL, 0);
    }
    assert_int_equal(nr__worker_give_up_lane(core.worker, &played->lane, NR_E_TIMEOUT), CALLS);
    for (int i = 0; i < CALLS / 2; i++) {
        assert_int_equal(nr_call_cancel(core.worker, sids[i]), 0);
    }
    for (int i = CALLS; i-- > CALLS / 2 + 1;) {
        assert_int_equal(nr_call_cancel(core.worker, sids[i]), 0);
    }
    assert_int_equal(nr_worker_next(core.worker, &event), 1);
    assert_int_equal(event.result.sid, sids[CALLS / 2]);
    assert_int_equal(nr_worker_next(core.worker, &event), 0);
    free(sids);
}

static void a_cancel_takes_back_the_end_of_the_use_that_it_names(void **state) {
    uint64_t sids[4] = {core_call(core_play(&core, NULL), NULL, 0)};
    nr_event_t event;

    (void)state;
    nr_call_cancel(core.worker, sids[0]);
    for (uint64_t i = 0; i < 4; i++) { /* the same slot, again and again */
        sids[i] = sids[0] + (i << 21);
        nr__worker_ended(core.worker, NULL, sids[i], NR_E_TIMEOUT);
    }
    assert_int_equal(nr_call_cancel(core.worker, sids[0]), 0);
    assert_int_equal(nr_worker_next(core.worker, &event), 1);
    assert_int_equal(event.result.sid, sids[1]);
    assert_int_equal(nr_call_cancel(core.worker, sids[1]), NR_E_CANCELLED);
    assert_int_equal(nr_call_cancel(core.worker, sids[2]), 0);
    assert_int_equal(nr_call_cancel(core.worker, sids[2]), NR_E_CANCELLED);
    assert_int_equal(nr_call_cancel(core.worker, sids[3]), 0);
    assert_int_equal(nr_worker_next(core.worker, &event), 0);
}

/* The numbers that slots remember of ends which are not queued mean other slots' ends by now. */
static void a_cancel_is_not_led_astray_by_what_slots_remember(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t ended = core_call(played, NULL, 0), open = core_call(played, NULL, 0);
    nr__cold_t *cold = nr__slot_cold(nr__slot_find(open));
    nr_event_t event;

    (void)state;
    nr__pending_give_up(core.worker, ended, NR_E_TIMEOUT, 0);
    for (uint32_t number = 0; number < 3; number++) { /* of the queued one, and of the next ones */
        nr__slot_cold(nr__slot_find(ended))->ended = number;
        assert_int_equal(nr_call_cancel(core.worker, ended + (UINT64_C(2) << 20)), NR_E_CANCELLED);
        cold->ended = number;
        assert_int_equal(nr_call_cancel(core.worker, open + (UINT64_C(2) << 20)), NR_E_CANCELLED);
    }
    cold->ended = 1; /* the number that it gets */
    nr__pending_give_up(core.worker, open, NR_E_TIMEOUT, 0);
    assert_int_equal(nr_call_cancel(core.worker, open + (UINT64_C(2) << 20)), NR_E_CANCELLED);
    assert_int_equal(nr_call_cancel(core.worker, open), 0);
    assert_int_equal(nr_worker_next(core.worker, &event), 1);
    assert_int_equal(event.result.sid, ended);
    assert_int_equal(nr_worker_next(core.worker, &event), 0);
}

static void many_deadlines_fire_in_order_and_finished_ones_do_not(void **state) {
    played_t *played = core_play(&core, NULL);
    enum { CALLS = 500 };
    uint64_t sids[CALLS];

    (void)state;
    for (int i = 0; i < CALLS; i++) {
        sids[i] = core_call(played, NULL, (uint64_t)(CALLS - i) % 40 + 1);
    }
    for (int i = 0; i < CALLS; i += 2) {
        core_send(played, sids[i], NR_OK, "");
    }
    core_run_all(&core);
    assert_int_equal(core.events_len, CALLS);
    assert_int_equal(played->lane.ok, CALLS / 2);
    assert_int_equal(played->lane.timeouts, CALLS / 2);
    for (int i = 0; i < CALLS; i++) { /* new calls do not meet old deadlines */
        sids[i] = core_call(played, NULL, 100000);
    }
    for (int i = 0; i < CALLS; i++) {
        core_send(played, sids[i], NR_OK, "");
    }
    core_run_all(&core);
    assert_int_equal(played->lane.timeouts, CALLS / 2);
}

static void everything_open_is_given_up_when_the_worker_closes(void **state) {
    core_t second;
    played_t *played;
    uint64_t open, answered;

    (void)state;
    released = 0;
    core_open(&second);
    played = core_play(&second, NULL);
    open = core_call(played, NULL, 50000);
    answered = core_call(played, NULL, 0);
    core_send_owned(played, answered, NR_OK, "in the mailbox", &released);
    core_close(&second);
    assert_int_equal(released, 1);
    assert_int_equal(played->cancelled, open);
    core_send_owned(played, open, NR_OK, "after the loop", &released);
    core_send_owned(played, answered, NR_OK, "after the loop", &released);
    assert_int_equal(released, 3);
    assert_int_equal(played->image.late, 1);
    assert_int_equal(played->image.duplicate, 1);

    core_open(&second); /* the same id and slab, with other sids */
    played = core_play(&second, NULL);
    assert_int_equal(core_call(played, NULL, 0) >> 56, open >> 56);
    assert_int_not_equal(played->sid, open);
    assert_int_not_equal(played->sid, answered);
    core_close(&second);
}

static void a_worker_without_a_free_slot_refuses_calls(void **state) {
    played_t *played = core_play(&core, NULL);
    nr__slab_t *slab = core.worker->slab;
    nr_request_t request = core_request("/", "");
    uint32_t fresh, owing_len;
    nr__slot_t *idle;
    nr_result_t result;
    nr_error_t err;

    (void)state;
    nr_call_cancel(core.worker, core_call(played, NULL, 0));
    fresh = slab->fresh;
    idle = slab->idle;
    slab->fresh = NR__SLAB_SLOTS;
    slab->idle = NULL;
    nr_call_cancel(core.worker, core_call(played, NULL, 0)); /* in one that is owed */
    owing_len = slab->owing_len;
    slab->owing_len = 0;
    assert_int_equal(nr_call(&played->plugin, &request, core_bytes(""), NULL, &result, &err),
                     NR_E_TOO_MANY_CALLS);
    assert_non_null(strstr(err.message, "1048576"));
    slab->fresh = fresh;
    slab->idle = idle;
    slab->owing_len = owing_len;
    nr_call_cancel(core.worker, core_call(played, NULL, 0));
}

static void worker_ids_run_out_and_are_used_again(void **state) {
    nr_loop_t loop = {0};
    nr_worker_t *workers[NR__SLABS], *again;
    size_t count = 0;
    uint8_t id;

    (void)state;
    while (nr_worker_open(&loop, &workers[count], NULL) == 0) {
        count++;
    }
    assert_int_equal(count, NR__SLABS - 1); /* the test's own has one */
    assert_int_equal(nr_worker_open(&loop, &again, NULL), NR_E_TOO_MANY_CALLS);
    id = workers[100]->slab->id;
    nr_worker_close(workers[100]);
    assert_int_equal(nr_worker_open(&loop, &workers[100], NULL), 0);
    assert_int_equal(workers[100]->slab->id, id);
    while (count > 0) {
        nr_worker_close(workers[--count]);
    }
}

static void an_answer_in_time_survives_the_end_of_its_plugin(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t answered = core_call(played, NULL, 0), open = core_call(played, NULL, 0);

    (void)state;
    core_send(played, answered, NR_OK, "in time");
    assert_int_equal(nr__worker_give_up_lane(core.worker, &played->lane, NR_E_PLUGIN_UNLOADED), 1);
    core_run_all(&core);
    assert_int_equal(core.events_len, 2);
    assert_int_equal(core.events[0].sid, open);
    assert_int_equal(core.events[0].error, NR_E_PLUGIN_UNLOADED);
    assert_int_equal(core.events[1].sid, answered);
    assert_int_equal(core.events[1].error, 0);
}

static void fire(nr__timer_t *timer) {
    (void)timer;
    released++;
}

static void a_timer_for_ever_does_not_fire(void **state) {
    nr__timer_t timer = {.fire = fire};

    (void)state;
    released = 0;
    nr__worker_after(core.worker, UINT64_MAX, &timer);
    nr_worker_timer(core.worker);
    nr__worker_after_cancel(core.worker, &timer);
    assert_int_equal(released, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_call_times_out_and_its_plugin_is_told),
        TEST(a_cancelled_call_never_completes),
        TEST(a_cancel_takes_back_a_timeout_that_was_not_fetched),
        TEST(a_cancel_takes_back_the_end_of_the_use_that_it_names),
        TEST(a_cancel_is_not_led_astray_by_what_slots_remember),
        TEST(a_cancel_costs_the_same_however_many_have_timed_out),
        TEST(many_deadlines_fire_in_order_and_finished_ones_do_not),
        TEST(a_worker_without_a_free_slot_refuses_calls),
        TEST(worker_ids_run_out_and_are_used_again),
        TEST(an_answer_in_time_survives_the_end_of_its_plugin),
        TEST(everything_open_is_given_up_when_the_worker_closes),
        TEST(a_timer_for_ever_does_not_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
