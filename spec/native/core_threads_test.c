/* Everything at once from many threads: each call completes once, each payload is released once,
 * and nothing reaches another call. */
#define _GNU_SOURCE

#include "core_fixture.h"

#include <stdlib.h>
#include <threads.h>

#define THREADS 64

/* Hostile threads: every one of them answers every sid of a batch, and starts on the next batch
 * when it is there. */
typedef struct storm {
    uv_thread_t threads[THREADS];
    played_t *played;
    uv_mutex_t lock;
    uv_cond_t more;
    unsigned batch; /* under the lock; 0: none yet */
    int stop;       /* the same */
    _Atomic uint64_t sids[THREADS];
    atomic_ulong sent, released;
} storm_t;

static storm_t storm;

static void count_released(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)owner_ctx;
    (void)len;
    free((void *)(uintptr_t)ptr);
    atomic_fetch_add(&storm.released, 1);
}

/* Sends the sid's own number, owned, as its answer: who reads another one has another's. */
static void send_number(uint64_t sid, NrStatus status) {
    uint64_t *number = malloc(sizeof *number);
    NrOwnedBytes bytes = {(const uint8_t *)number, sizeof *number, NULL, count_released};

    *number = sid;
    atomic_fetch_add(&storm.sent, 1);
    nr__host_vtable2.send_result_owned(&storm.played->image, sid, status, bytes);
}

/* An empty answer: the buffer is not written to, because another thread's answer may have consumed
 * the lease already. */
static void answer_by_lease(uint64_t sid) {
    NrBufferLease lease = nr__host_vtable2.acquire_result_buffer(&storm.played->image, sid, 8);

    if (lease.ptr != NULL) {
        nr__host_vtable2.commit_result_buffer(&storm.played->image, sid, NR_OK, lease.token, 0);
    }
}

static void rage_at(uint64_t sid, unsigned turn) {
    nr__host_ext.set_state(&storm.played->image, sid, core_str("k"), core_bytes("value"));
    nr__host_ext.get_state(&storm.played->image, sid, core_str("k"));
    if (turn % 5 == 0) {
        answer_by_lease(sid);
    }
    send_number(sid, turn % 3 == 0 ? NR_STREAM_END : NR_OK);
}

/* 1 when there is a batch after `*batch`, which it becomes. */
static int wait_for_batch(unsigned *batch) {
    int goes_on;

    uv_mutex_lock(&storm.lock);
    while (storm.batch == *batch && !storm.stop) {
        uv_cond_wait(&storm.more, &storm.lock);
    }
    goes_on = storm.batch != *batch;
    *batch = storm.batch;
    uv_mutex_unlock(&storm.lock);
    return goes_on;
}

static void rage(void *arg) {
    unsigned first = (unsigned)(uintptr_t)arg, batch = 0;

    while (wait_for_batch(&batch)) {
        for (unsigned i = 0; i < THREADS; i++) {
            rage_at(atomic_load(&storm.sids[(first + i) % THREADS]), i);
        }
    }
}

static void start_storm(void) {
    memset(&storm, 0, sizeof storm);
    storm.played = core_play(&core, NULL);
    uv_mutex_init(&storm.lock);
    uv_cond_init(&storm.more);
    for (uintptr_t i = 0; i < THREADS; i++) {
        uv_thread_create(&storm.threads[i], rage, (void *)i);
    }
}

static void next_batch(int stop) {
    uv_mutex_lock(&storm.lock);
    storm.batch += !stop;
    storm.stop = stop;
    uv_cond_broadcast(&storm.more);
    uv_mutex_unlock(&storm.lock);
}

static void stop_storm(void) {
    next_batch(1);
    for (int i = 0; i < THREADS; i++) {
        uv_thread_join(&storm.threads[i]);
    }
    uv_mutex_destroy(&storm.lock);
    uv_cond_destroy(&storm.more);
}

static uint64_t completed, timed_out;

static void on_result(core_t *on, const core_event_t *event) {
    on->events_len = 0;
    if (event->error == NR_E_TIMEOUT) {
        timed_out++;
        return;
    }
    assert_int_equal(event->error, 0);
    if (event->len > 0) { /* not by a lease */
        assert_int_equal(event->len, sizeof event->sid);
        assert_memory_equal(event->data, &event->sid, sizeof event->sid);
    }
    completed++;
}

/* 64 threads answer 64 calls at a time, all threads every call, while the loop cancels some of
 * them, times some out, and starts the next ones in the same slots. */
static void every_call_completes_once_under_64_threads(void **state) {
    uint64_t cancelled = 0, calls = 0, sids[THREADS];

    (void)state;
    completed = timed_out = 0;
    core.on_event = on_result;
    start_storm();
    for (int batch = 0; batch < 100; batch++) {
        for (int i = 0; i < THREADS; i++, calls++) {
            sids[i] = core_call(storm.played, NULL, i % 7 == 0 ? 1 : 0);
            atomic_store(&storm.sids[i], sids[i]);
        }
        next_batch(0);
        for (int i = 0; i < THREADS; i += 11) {
            cancelled += nr_call_cancel(core.worker, sids[i]) == 0;
        }
        core_run_all(&core);
    }
    stop_storm();
    core_poll(&core);
    assert_int_equal(completed + timed_out + cancelled, calls);
    assert_true(completed > 0);
    assert_int_equal(atomic_load(&storm.released), atomic_load(&storm.sent));
    assert_int_equal(storm.played->image.held, 0);
    assert_int_equal(storm.played->lane.in_flight, 0);
    assert_int_equal(
        storm.played->lane.ok + storm.played->lane.timeouts + storm.played->lane.cancelled, calls);
}

enum { DEBTS = 6 * NR__SLAB_OWING, PAYERS = 4 };

/* Calls that were given up, in their order; each payer takes every PAYERS-th. */
static struct {
    played_t *played;
    uint64_t sids[DEBTS];
    atomic_uint known;
} debts;

static void pay_debts(void *arg) {
    for (unsigned i = (unsigned)(uintptr_t)arg; i < DEBTS; i += PAYERS) {
        while (atomic_load(&debts.known) <= i) {
            thrd_yield();
        }
        core_send(debts.played, debts.sids[i], NR_OK, "late");
    }
}

/* Slots are used again, and their debts forgotten, while the answers come. */
static void every_debt_is_paid_once(void **state) {
    uv_thread_t payers[PAYERS];

    (void)state;
    debts.played = core_play(&core, NULL);
    atomic_store(&debts.known, 0);
    for (uintptr_t i = 0; i < PAYERS; i++) {
        uv_thread_create(&payers[i], pay_debts, (void *)i);
    }
    for (unsigned i = 0; i < DEBTS; i++) {
        debts.sids[i] = core_call(debts.played, NULL, 0);
        assert_int_equal(nr_call_cancel(core.worker, debts.sids[i]), 0);
        /* The payers begin when the first slots are forgotten. */
        atomic_store(&debts.known, i > 2 * NR__SLAB_OWING ? i + 1 : 0);
    }
    for (int i = 0; i < PAYERS; i++) {
        uv_thread_join(&payers[i]);
    }
    assert_int_equal(debts.played->image.owed, 0);
    assert_int_equal(debts.played->image.forgotten, 0);
    assert_int_equal(debts.played->image.late, DEBTS);
    assert_int_equal(debts.played->image.duplicate, 0);
}

/* Reads until the stream has ended; answers how many frames there were. */
static uint64_t read_all(nr_stream_t *stream) {
    uint64_t frames = 0;
    nr_result_t frame;

    for (;;) {
        int answer = nr_stream_next(stream, &frame);

        if (answer == NR_E_STREAM_ENDED) {
            return frames;
        }
        if (answer == NR_PENDING) {
            nr_stream_wait(stream, stream);
            core_run(&core, core.events_len + 1);
            continue;
        }
        assert_int_equal(answer, NR_DONE);
        assert_int_equal(frame.sid, nr_stream_sid(stream));
        assert_memory_equal(frame.data, &frame.sid, sizeof frame.sid);
        nr_result_release(&frame);
        frames++;
    }
}

/* The same with streams: some are read to their end, some closed at any moment. */
static void streams_end_once_under_64_threads(void **state) {
    nr_stream_t *streams[THREADS];
    uint64_t frames = 0;

    (void)state;
    start_storm();
    for (int batch = 0; batch < 15; batch++) {
        for (int i = 0; i < THREADS; i++) {
            streams[i] = core_stream(storm.played, NULL);
            atomic_store(&storm.sids[i], nr_stream_sid(streams[i]));
        }
        next_batch(0);
        for (int i = 0; i < THREADS; i++) {
            frames += i % 3 == 0 ? 0 : read_all(streams[i]);
            nr_stream_close(streams[i]);
        }
    }
    stop_storm();
    core_poll(&core);
    assert_true(frames >= 15 * 42);
    assert_int_equal(atomic_load(&storm.released), atomic_load(&storm.sent));
    assert_int_equal(storm.played->image.held, 0);
    assert_int_equal(nr_worker_pending(core.worker), 0);
}

/* Workers come and go, of one id, while threads answer what was open on them. */
static void workers_close_while_64_threads_answer(void **state) {
    nr_stream_t *streams[THREADS / 2];
    core_t other;

    (void)state;
    start_storm();
    for (int batch = 0; batch < 40; batch++) {
        core_open(&other);
        storm.played->lane.worker = other.worker;
        for (int i = 0; i < THREADS / 2; i++) {
            streams[i] = core_stream(storm.played, NULL);
            atomic_store(&storm.sids[i], nr_stream_sid(streams[i]));
            nr_stream_wait(streams[i], streams);
            atomic_store(&storm.sids[THREADS / 2 + i], core_call(storm.played, NULL, 5));
        }
        next_batch(0);
        core_run(&other, (size_t)batch);
        core_close(&other);
        for (int i = 0; i < THREADS / 2; i++) {
            nr_stream_close(streams[i]);
        }
    }
    stop_storm();
    core_open(&other); /* takes what the threads have left to the last one */
    core_poll(&other);
    assert_int_equal(other.events_len, 0);
    core_close(&other);
    assert_int_equal(atomic_load(&storm.released), atomic_load(&storm.sent));
    assert_int_equal(storm.played->image.held, 0);
    assert_int_equal(storm.played->lane.in_flight, 0);
}

/* A frame of the form "thread frame" is the next one of its thread. */
static void assert_next_of_thread(const nr_result_t *frame, unsigned long next[THREADS]) {
    char text[32] = {0}, *rest;
    unsigned long thread, number;

    assert_true(frame->len < sizeof text);
    memcpy(text, frame->data, frame->len);
    thread = strtoul(text, &rest, 10);
    number = strtoul(rest, &rest, 10);
    assert_int_equal(*rest, 0);
    assert_true(thread < THREADS);
    assert_int_equal(number, next[thread]++);
}

/* A plugin with 64 threads of its own: each thread's frames come in its order. */
static void frames_of_each_thread_keep_their_order(void **state) {
    nr_plugin_t *plugin = core_load(&core, "fixture_threads");
    nr_request_t request = core_request("/stream", "frames=100");
    unsigned long next[THREADS] = {0};
    nr_stream_t *stream;
    nr_result_t frame = {.status = NR_OK};
    int answer;

    (void)state;
    assert_int_equal(nr_stream_open(plugin, &request, core_bytes(""), NULL, &stream, NULL), 0);
    while (frame.status == NR_OK) {
        answer = nr_stream_next(stream, &frame);
        if (answer == NR_PENDING) {
            nr_stream_wait(stream, stream);
            core_run(&core, core.events_len + 1);
            continue;
        }
        assert_int_equal(answer, NR_DONE);
        if (frame.status == NR_OK) {
            assert_next_of_thread(&frame, next);
        }
        nr_result_release(&frame);
    }
    assert_int_equal(frame.status, NR_STREAM_END);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(next[i], 100);
    }
    nr_stream_close(stream);
}

static void one_of_64_racing_answers_wins(void **state) {
    nr_plugin_t *plugin = core_load(&core, "fixture_threads");
    nr_request_t request = core_request("/race", "");
    nr_result_t result;
    nr_stats_t stats;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(nr_call(plugin, &request, core_bytes(""), NULL, &result, NULL),
                         NR_PENDING);
        core_run(&core, (size_t)i + 1);
    }
    core_run_all(&core);
    assert_int_equal(core.events_len, 100);
    nr_plugin_stats(plugin, &stats);
    assert_int_equal(stats.ok, 100);
    assert_int_equal(stats.unknown, 0);
}

static struct {
    played_t *played;
    _Atomic uint64_t sid;
    atomic_int stop;
} late;

static void answer_late(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&late.stop, memory_order_relaxed)) {
        uint64_t sid = atomic_load_explicit(&late.sid, memory_order_relaxed);

        if (sid != 0) {
            core_send(late.played, sid, NR_OK, "late");
        }
    }
}

/* The slot of each call that is given up is opened at once for a plugin that did not exist before.
 */
static void late_answers_are_known_while_their_slot_is_used_again(void **state) {
    uv_thread_t thread;

    (void)state;
    late.played = core_play(&core, NULL);
    assert_int_equal(uv_thread_create(&thread, answer_late, NULL), 0);
    for (int i = 0; i < 5000; i++) {
        uint64_t sid = core_call(late.played, NULL, 0);

        assert_int_equal(nr_call_cancel(core.worker, sid), 0);
        atomic_store_explicit(&late.sid, sid, memory_order_relaxed);
        sid = core_call(core_play(&core, NULL), NULL, 0);
        assert_int_equal(nr_call_cancel(core.worker, sid), 0);
    }
    atomic_store_explicit(&late.stop, 1, memory_order_relaxed);
    uv_thread_join(&thread);
    assert_int_equal(late.played->image.unknown, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_call_completes_once_under_64_threads),
        TEST(every_debt_is_paid_once),
        TEST(streams_end_once_under_64_threads),
        TEST(workers_close_while_64_threads_answer),
        TEST(frames_of_each_thread_keep_their_order),
        TEST(one_of_64_racing_answers_wins),
        TEST(late_answers_are_known_while_their_slot_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
