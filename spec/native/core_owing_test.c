/* What is owed, counted while threads answer late, twice, and what is about to be forgotten. */
#define _GNU_SOURCE

#include <stdlib.h>
#include <threads.h>

#include "core_fixture.h"

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
    static uint64_t sids[KEPT + USES], leased[LEASED];
    uv_thread_t payer, repeater;

    (void)state;
    debt.played = core_play(&core, NULL);
    debt.answered = core_call(debt.played, NULL, 0);
    core_send(debt.played, debt.answered, NR_OK, "once");
    core_run_all(&core);
    for (int i = 0; i < LEASED; i++) { /* in the place of the answered one, too; never forgotten */
        leased[i] = core_call(debt.played, NULL, 0);
        nr__host_vtable2.acquire_result_buffer(&debt.played->image, leased[i], 8);
        nr_call_cancel(core.worker, leased[i]);
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
    for (int i = 0; i < LEASED; i++) {
        core_send(debt.played, leased[i], NR_OK, "late");
    }
    assert_int_equal(debt.played->image.owed, 0);
}

/* Of two images whose tags are the same, because there were so many before, only one is paid. */
static void what_is_late_pays_for_its_own_image(void **state) {
    played_t *one = core_play(&core, NULL), *other = core_play(&core, NULL);
    uint64_t open, given_up;

    (void)state;
    one->image.serial = NR__TAG_LOOK;
    other->image.serial = NR__TAG_LOOK + 1;
    given_up = core_call(one, NULL, 0);
    assert_int_equal(nr_call_cancel(core.worker, given_up), 0);
    open = core_call(one, NULL, 0);
    core_send(other, given_up, NR_OK, "not mine");
    core_send(other, open, NR_OK, "not mine");
    assert_int_equal(other->image.unknown, 2);
    assert_int_equal(one->image.owed, 1);
    core_send(one, given_up, NR_OK, "late");
    core_send(one, open, NR_OK, "in time");
    core_run_all(&core);
    assert_int_equal(one->image.owed, 0);
    assert_int_equal(one->image.late, 1);
    assert_int_equal(one->lane.ok, 1);
}

enum { THREADS = 32, SIDS = 10000, OPEN = 128, LAG = 2000 };

/* Every sid is answered by one of the threads for certain, often long after it was given up, and by
 * others as it comes. */
static struct {
    uv_thread_t threads[THREADS];
    played_t *played;
    _Atomic uint64_t sids[SIDS];
    atomic_int len, stop;
} crowd;

static uint32_t next_random(uint32_t *random) {
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

static void touch(uint64_t sid, uint32_t random) {
    uint32_t what = random % 32;
    NrBufferLease lease;

    if (what < 4) {
        nr__host_ext.set_state(&crowd.played->image, sid, core_str("k"), core_bytes("value"));
        nr__host_ext.get_state(&crowd.played->image, sid, core_str("k"));
    } else if (what < 8) {
        nr__host_vtable2.acquire_result_buffer(&crowd.played->image, sid, 8);
    } else if (what == 8) {
        lease = nr__host_vtable2.acquire_result_buffer(&crowd.played->image, sid, 8);
        nr__host_vtable2.commit_result_buffer(&crowd.played->image, sid, NR_OK, lease.token, 0);
    } else if (what == 9) {
        core_send(crowd.played, sid, NR_STREAM_END, "an answer of another thread's call");
    } else if (nr__sid_is_stream(sid)) {
        core_send(crowd.played, sid, NR_OK, "frame");
    }
}

static void answer_the_crowd(void *arg) {
    uint32_t random = (uint32_t)(uintptr_t)arg;

    for (int own = (int)(uintptr_t)arg; own < SIDS; own += THREADS) {
        int lag = (int)(next_random(&random) % LAG);
        while (atomic_load(&crowd.len) <= own + lag && !atomic_load(&crowd.stop)) {
            int len = atomic_load(&crowd.len), back = (int)(next_random(&random) % LAG) / 16;
            if (len > back) {
                touch(atomic_load(&crowd.sids[len - 1 - back]), next_random(&random));
            }
            thrd_yield();
        }
        core_send(crowd.played, atomic_load(&crowd.sids[own]), NR_STREAM_END, "certain");
    }
}

/* Each slot is in one list, once. */
static void assert_no_slot_is_lost(nr__slab_t *slab) {
    uint8_t *seen = calloc(slab->fresh, 1);
    uint32_t idle = 0, owing = 0;

    for (nr__slot_t *slot = slab->idle; slot != NULL; slot = (nr__slot_t *)slot->mail.next) {
        uint32_t index = nr__slot_identity(nr__slot_word(slot)) & (NR__SLAB_SLOTS - 1);
        assert_int_equal(seen[index]++, 0);
        assert_int_equal(nr__slot_word(slot) & NR__FLAGS, NR__DONE);
        idle++;
    }
    for (nr__slot_t *slot = slab->owing; slot != NULL; slot = (nr__slot_t *)slot->mail.next) {
        uint32_t index = nr__slot_identity(nr__slot_word(slot)) & (NR__SLAB_SLOTS - 1);
        assert_int_equal(seen[index]++, 0);
        assert_true((nr__slot_word(slot) & NR__FLAGS) <= NR__DROPPED);
        owing++;
    }
    assert_int_equal(owing, slab->owing_len);
    assert_int_equal(idle + owing, slab->fresh);
    free(seen);
}

/* Starts something; a stream comes back. */
static nr_stream_t *start_one(uint32_t random) {
    nr_request_t request = core_request("/", "");

    if (random % 4 == 0) {
        return core_stream(crowd.played, NULL);
    }
    if (random % 4 == 1) {
        nr_notify(&crowd.played->plugin, &request, core_bytes(""), NULL, NULL);
    } else {
        core_call(crowd.played, NULL, random % 4 == 2 ? 1 : 0);
    }
    return NULL;
}

static void drop_one(nr_stream_t *stream, uint64_t sid) {
    if (stream != NULL) {
        nr_stream_close(stream);
    } else {
        nr_call_cancel(core.worker, sid);
    }
}

static void no_debt_and_no_slot_is_lost_among_threads(void **state) {
    static nr_stream_t *streams[OPEN];
    uint32_t random = 1;

    (void)state;
    crowd.played = core_play(&core, NULL);
    for (uintptr_t i = 0; i < THREADS; i++) {
        uv_thread_create(&crowd.threads[i], answer_the_crowd, (void *)i);
    }
    for (int i = 0; i < SIDS + OPEN; i++) {
        if (i >= OPEN) {
            drop_one(streams[i % OPEN], atomic_load(&crowd.sids[i - OPEN]));
            streams[i % OPEN] = NULL;
        }
        if (i < SIDS) {
            streams[i % OPEN] = start_one(next_random(&random));
            atomic_store(&crowd.sids[i], crowd.played->sid);
            atomic_store(&crowd.len, i + 1);
        }
        if (i % 16 == 0) {
            core_poll(&core);
        }
        thrd_yield();
    }
    atomic_store(&crowd.stop, 1);
    for (int i = 0; i < THREADS; i++) {
        uv_thread_join(&crowd.threads[i]);
    }
    core_poll(&core);
    assert_int_equal(crowd.played->image.owed, 0);
    assert_int_equal(crowd.played->image.forgotten, 0);
    assert_int_equal(crowd.played->image.unknown, 0);
    assert_int_equal(nr_worker_pending(core.worker), 0);
    assert_no_slot_is_lost(core.worker->slab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_comes_twice_pays_nothing_while_a_slot_is_forgotten),
        TEST(what_is_late_pays_for_its_own_image),
        TEST(no_debt_and_no_slot_is_lost_among_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
