/* What is owed, counted while threads answer what is about to be forgotten. */
#define _GNU_SOURCE

#include <stdlib.h>

#include "core_support.h"

static core_t core;

/* One thread pays the oldest debt at the moment in which its slot is needed, one answers for the
 * second time what was answered long ago. */
static struct {
    played_t *played;
    uint64_t answered;
    _Atomic uint64_t oldest;
    atomic_int stop;
} debt;

static void pay_the_oldest(void *arg) {
    uint64_t paid = 0;

    (void)arg;
    while (!atomic_load(&debt.stop)) {
        uint64_t sid = atomic_load(&debt.oldest);

        if (sid != paid) {
            core_send(debt.played, sid, NR_OK, "late");
            paid = sid;
        }
    }
}

static void answer_again(void *arg) {
    (void)arg;
    while (!atomic_load(&debt.stop)) {
        core_send(debt.played, debt.answered, NR_OK, "again");
    }
}

/* A call that is given up, and owed. */
static uint64_t owe(void) {
    uint64_t sid = core_call(debt.played, NULL, 0);

    assert_int_equal(nr_call_cancel(core.worker, sid), 0);
    return sid;
}

static void what_comes_twice_pays_nothing_while_a_slot_is_forgotten(void **state) {
    enum { KEPT = NR__SLAB_OWING + 1, USES = 100000, LEASED = 200 };
    static uint64_t sids[KEPT + USES];
    uv_thread_t payer, repeater;

    (void)state;
    debt.played = core_play(&core, NULL);
    debt.answered = core_call(debt.played, NULL, 0);
    core_send(debt.played, debt.answered, NR_OK, "once");
    core_run_all(&core);
    for (int i = 0; i < LEASED; i++) { /* in the place of the answered one, too; never forgotten */
        uint64_t sid = core_call(debt.played, NULL, 0);
        nr__host_vtable2.acquire_result_buffer(&debt.played->image, sid, 8);
        nr_call_cancel(core.worker, sid);
    }
    for (int i = 0; i < KEPT; i++) {
        sids[i] = owe();
    }
    uv_thread_create(&payer, pay_the_oldest, NULL);
    uv_thread_create(&repeater, answer_again, NULL);
    for (int i = 0; i < USES; i++) {
        atomic_store(&debt.oldest, sids[i]);
        for (volatile int wait = i % 64; wait > 0; wait--) {
        }
        sids[KEPT + i] = owe();
    }
    atomic_store(&debt.stop, 1);
    uv_thread_join(&payer);
    uv_thread_join(&repeater);
    for (int i = 0; i < KEPT + USES; i++) { /* what the payer has missed, and all others again */
        core_send(debt.played, sids[i], NR_OK, "late");
    }
    assert_int_equal(debt.played->image.owed, LEASED);
    assert_int_equal(debt.played->image.forgotten, 0);
}

static int setup(void **state) {
    (void)state;
    core_open(&core);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    core_close(&core);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_twice_pays_nothing_while_a_slot_is_forgotten,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
