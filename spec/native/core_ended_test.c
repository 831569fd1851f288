/* The queue of ends: what is taken back is the end of the sid that was named, and nothing else. */
#define _GNU_SOURCE

#include <stdlib.h>

#include "core_support.h"

/* The first one of the process, where all numbers are 0. */
static void a_cancel_beside_the_first_end_finds_its_own_call(void **state) {
    core_t core;
    played_t *played;
    uint64_t ended, open;

    (void)state;
    core_open(&core);
    played = core_play(&core, NULL);
    ended = core_call(played, NULL, 0);
    open = core_call(played, NULL, 0);
    assert_int_equal(nr__pending_give_up(core.worker, ended, NR_E_TIMEOUT, 0), 1);
    assert_int_equal(nr_call_cancel(core.worker, open), 0);
    assert_int_equal(played->cancelled, open);
    assert_int_equal(nr_call_cancel(core.worker, open), NR_E_CANCELLED);
    assert_int_equal(nr_call_cancel(core.worker, ended), 0);
    core_close(&core);
}

/* Slots outlive their worker, whose successor counts from 0 again. */
static void numbers_of_an_earlier_worker_lead_nowhere(void **state) {
    nr__ends_t ends = {0};
    nr__cold_t cold[2] = {{.ended = 1}, {.ended = 0}};

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        nr__ended_t ended = {NULL, 10 + i, NR_E_TIMEOUT, 0};
        nr__ends_push(&ends, &cold[i], &ended);
    }
    assert_int_equal(nr__ends_take_back(&ends, &cold[0], 9), 0);
    assert_int_equal(nr__ends_take_back(&ends, &cold[1], 9), 0);
    assert_int_equal(nr__ends_take_back(&ends, &cold[0], 10), 1);
    assert_int_equal(nr__ends_take_back(&ends, &cold[1], 11), 1);
    nr__ends_free(&ends);
}

enum { SLOTS = 6, USES = 200000 };

/* What the queue has to be like: the same by looking through all. */
static struct {
    uint64_t sids[USES];
    size_t first, len, live;
} model;

static int model_take_back(uint64_t sid) {
    for (size_t i = model.first; i < model.len; i++) {
        if (model.sids[i] == sid) {
            model.sids[i] = 0;
            model.live--;
            return 1;
        }
    }
    return 0;
}

static uint64_t model_next(void) {
    while (model.first < model.len) {
        uint64_t sid = model.sids[model.first++];
        if (sid != 0) {
            model.live--;
            return sid;
        }
    }
    return 0;
}

static void any_order_is_told_as_by_looking_through_all(void **state) {
    nr__ends_t ends = {.number = UINT32_MAX - USES / 4}; /* wraps on the way */
    static nr__cold_t cold[SLOTS];
    uint32_t random = 1;

    (void)state;
    for (uint64_t use = 1; use <= USES; use++) {
        uint64_t sid = use * SLOTS + (random >> 8) % SLOTS, past;
        nr__ended_t ended = {NULL, sid, NR_E_TIMEOUT, 0};

        nr__ends_push(&ends, &cold[sid % SLOTS], &ended);
        model.sids[model.len++] = sid;
        model.live++;
        random = random * 1664525 + 1013904223;
        past = sid - (random >> 8) % (12 * SLOTS); /* was it ever one? perhaps */
        assert_int_equal(nr__ends_take_back(&ends, &cold[past % SLOTS], past),
                         model_take_back(past));
        random = random * 1664525 + 1013904223;
        for (uint32_t i = (random >> 8) % 3; i > 0; i--) {
            uint64_t next = model_next();
            assert_int_equal(nr__ends_next(&ends, &ended), next != 0);
            assert_true(next == 0 || ended.sid == next);
        }
        assert_int_equal(ends.live, model.live);
    }
    nr__ends_free(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_beside_the_first_end_finds_its_own_call),
        cmocka_unit_test(numbers_of_an_earlier_worker_lead_nowhere),
        cmocka_unit_test(any_order_is_told_as_by_looking_through_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
