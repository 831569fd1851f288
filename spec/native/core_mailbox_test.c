/* The mailbox: nothing is lost, nothing wakes for nothing, and nothing wakes what is closed. */
#define _GNU_SOURCE

#include "core_fixture.h"

#include <stdlib.h>

typedef struct counter_job {
    nr__job_t job;
    int *runs;
    nr_worker_t *ran_on;
} counter_job_t;

static void run_counter(nr__job_t *job, nr_worker_t *worker) {
    counter_job_t *counter = (counter_job_t *)job;

    ++*counter->runs;
    counter->ran_on = worker;
}

static void jobs_run_on_the_loop_until_it_closes(void **state) {
    core_t second;
    nr__address_t address;
    int runs = 0;
    counter_job_t first = {{{0}, run_counter}, &runs, NULL}, late = first, lost = first;

    (void)state;
    core_open(&second);
    address = nr__worker_address(second.worker);
    assert_int_equal(nr__worker_post(address, &first.job), 0);
    core_poll(&second);
    assert_int_equal(runs, 1);
    assert_ptr_equal(first.ran_on, second.worker);
    late.ran_on = second.worker;
    assert_int_equal(nr__worker_post(address, &late.job), 0);
    core_close(&second);
    assert_int_equal(runs, 2);
    assert_null(late.ran_on); /* only to clean up */
    assert_int_equal(nr__worker_post(address, &lost.job), NR_E_LOOP_CLOSED);
    core_open(&second); /* another worker of the same id is not meant */
    assert_int_equal(nr__worker_post(address, &lost.job), NR_E_LOOP_CLOSED);
    core_close(&second);
    assert_int_equal(runs, 2);
}

/* One thread that answers each call as soon as it sees its sid. */
typedef struct ponger {
    uv_thread_t thread;
    uv_sem_t go;
    played_t *played;
    uint64_t sid; /* NOT_STARTED ends it */
} ponger_t;

static void pong(void *arg) {
    ponger_t *ponger = arg;

    for (;;) {
        uv_sem_wait(&ponger->go);
        if (ponger->sid == NOT_STARTED) {
            return;
        }
        core_send(ponger->played, ponger->sid, NR_OK, "pong");
    }
}

static NrStatus hand_to_thread(played_t *played, uint64_t sid, NrBytes payload) {
    ponger_t *ponger = played->data;

    (void)payload;
    ponger->sid = sid;
    uv_sem_post(&ponger->go);
    return NR_OK;
}

static void on_pong(core_t *on, const core_event_t *event) {
    int *left = on->data;

    (void)event;
    on->events_len = 0;
    --*left;
}

/* One call at a time: each answer finds the loop about to sleep, asleep, or awake, and must always
 * be seen. A lost wake would hang the test. */
static void no_wake_is_lost(void **state) {
    ponger_t ponger = {.played = core_play(&core, hand_to_thread)};
    int left = 20000;

    (void)state;
    uv_sem_init(&ponger.go, 0);
    ponger.played->data = &ponger;
    core.on_event = on_pong;
    core.data = &left;
    uv_thread_create(&ponger.thread, pong, &ponger);
    while (left > 0) {
        core_call(ponger.played, NULL, 0);
        uv_run(&core.loop, UV_RUN_DEFAULT);
    }
    ponger.sid = NOT_STARTED;
    uv_sem_post(&ponger.go);
    uv_thread_join(&ponger.thread);
    uv_sem_destroy(&ponger.go);
    assert_int_equal(ponger.played->lane.ok, 20000);
}

typedef struct wakes {
    int wakes, alive;
} wakes_t;

static void count_wake(void *ctx) {
    ((wakes_t *)ctx)->wakes++;
}

static void no_timer(void *ctx, uint64_t ms) {
    (void)ctx;
    (void)ms;
}

static void set_alive(void *ctx, int on) {
    ((wakes_t *)ctx)->alive = on;
}

static void only_a_sleeping_loop_with_an_empty_box_is_woken(void **state) {
    wakes_t wakes = {0, 0};
    nr_loop_t loop = {&wakes, count_wake, no_timer, set_alive};
    core_t fake = {0};
    played_t *played;
    uint64_t sids[4];
    nr_event_t event;

    (void)state;
    assert_int_equal(nr_worker_open(&loop, &fake.worker, NULL), 0);
    played = core_play(&fake, NULL);
    for (int i = 0; i < 4; i++) {
        sids[i] = core_call(played, NULL, 0);
    }
    assert_int_equal(wakes.alive, 1);
    core_send(played, sids[0], NR_OK, "while it runs");
    assert_int_equal(wakes.wakes, 0);
    assert_int_equal(nr_worker_sleep(fake.worker), 1); /* it must not wait */
    assert_int_equal(nr_worker_next(fake.worker, &event), 1);
    assert_int_equal(nr_worker_sleep(fake.worker), 0);
    core_send(played, sids[1], NR_OK, "while it sleeps");
    assert_int_equal(wakes.wakes, 1);
    core_send(played, sids[2], NR_OK, "it was woken already");
    assert_int_equal(wakes.wakes, 1);
    nr_worker_awake(fake.worker);
    assert_int_equal(nr_worker_next(fake.worker, &event), 1);
    assert_int_equal(nr_worker_sleep(fake.worker), 1); /* the other one of the batch */
    assert_int_equal(nr_worker_next(fake.worker, &event), 1);
    assert_int_equal(nr_worker_next(fake.worker, &event), 0);
    assert_int_equal(nr_worker_sleep(fake.worker), 0);
    assert_int_equal(wakes.alive, 1);
    nr_worker_close(fake.worker);
    assert_int_equal(wakes.alive, 0);
    core_send(played, sids[3], NR_OK, "after it closed");
    assert_int_equal(wakes.wakes, 1);
}

/* A callback that runs the loop in itself goes on with the batch that was detached before. */
static void run_inside(core_t *on, const core_event_t *event) {
    (void)event;
    if (on->events_len == 1) {
        core_run(on, 10);
    }
}

static void a_nested_run_goes_on_with_the_batch(void **state) {
    played_t *played = core_play(&core, NULL);
    uint64_t sids[10];

    (void)state;
    core.on_event = run_inside;
    for (int i = 0; i < 10; i++) {
        sids[i] = core_call(played, NULL, 0);
    }
    for (int i = 0; i < 10; i++) {
        core_send(played, sids[i], NR_OK, "");
    }
    core_run_all(&core);
    assert_int_equal(core.events_len, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(core.events[i].sid, sids[i]);
    }
}

static int fired;

static void count_fire(nr__timer_t *timer) {
    (void)timer;
    fired++;
}

static void timers_fire_once_and_can_be_taken_back(void **state) {
    nr__timer_t timers[4] = {
        {.fire = count_fire}, {.fire = count_fire}, {.fire = count_fire}, {.fire = count_fire}};
    played_t *played = core_play(&core, NULL);

    (void)state;
    fired = 0;
    nr__worker_after(core.worker, 5, &timers[0]);
    nr__worker_after(core.worker, 1, &timers[1]);
    nr__worker_after(core.worker, 3, &timers[2]);
    nr__worker_after(core.worker, 1, &timers[3]);
    nr__worker_after_cancel(core.worker, &timers[2]);
    core_call(played, NULL, 20); /* keeps the loop alive until then */
    core_run_all(&core);
    assert_int_equal(fired, 3);
    assert_int_equal(core.events[0].error, NR_E_TIMEOUT);
    nr__worker_after_cancel(core.worker, &timers[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(jobs_run_on_the_loop_until_it_closes),
        TEST(no_wake_is_lost),
        TEST(only_a_sleeping_loop_with_an_empty_box_is_woken),
        TEST(a_nested_run_goes_on_with_the_batch),
        TEST(timers_fire_once_and_can_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
