/* The limits of a stream: Backpressure for who sees it, an end for who does not. */
#define _GNU_SOURCE

#include "core_fixture.h"

static int released;

static void a_full_queue_answers_backpressure(void **state) {
    nr_stream_options_t options = {.max_frames = 64};
    played_t *played = core_play2(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);
    int i;

    (void)state;
    released = 0;
    for (i = 0; i < 64; i++) {
        assert_int_equal(core_send2(played, played->sid, NR_OK, "f"), NR_OK);
    }
    assert_int_equal(core_send_owned(played, played->sid, NR_OK, "x", &released), NR_BACKPRESSURE);
    assert_int_equal(released, 1);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_BACKPRESSURE);
    assert_int_equal(played->image.backpressure, 2);
    for (i = 0; i < 31; i++) {
        core_assert_frame(stream, NR_OK, "f");
    }
    assert_int_equal(played->writables, 0);
    core_assert_frame(stream, NR_OK, "f"); /* half of it is free */
    assert_int_equal(played->writables, 2);
    for (i = 0; i < 32; i++) {
        assert_int_equal(core_send2(played, played->sid, NR_OK, "g"), NR_OK);
    }
    assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_BACKPRESSURE);
    assert_int_equal(core_send2(played, played->sid, NR_STREAM_END, "end"), NR_OK);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_INVALID);
    for (i = 0; i < 64; i++) {
        core_assert_frame(stream, NR_OK, i < 32 ? "f" : "g");
    }
    core_assert_frame(stream, NR_STREAM_END, "end");
    core_assert_next(stream, NR_E_STREAM_ENDED);
    assert_int_equal(played->writables, 2); /* nothing to write to any more */
    nr_stream_close(stream);
    assert_int_equal(played->closes, 0); /* it had ended */
}

static NrStatus fill_inside(played_t *played, uint64_t sid, NrBytes payload) {
    (void)payload;
    for (int i = 0; i < 64; i++) {
        assert_int_equal(core_send2(played, sid, NR_OK, "f"), NR_OK);
    }
    assert_int_equal(core_send2(played, sid, NR_OK, "x"), NR_BACKPRESSURE);
    assert_int_equal(core_send_owned(played, sid, NR_OK, "x", &released), NR_BACKPRESSURE);
    assert_int_equal(core_send2(played, sid, NR_STREAM_END, "end"), NR_OK);
    assert_int_equal(core_send2(played, sid, NR_STREAM_END, "end"), NR_INVALID);
    return NR_OK;
}

static void a_queue_may_be_full_inside_handle(void **state) {
    nr_stream_options_t options = {.max_frames = 64};
    played_t *played = core_play2(&core, fill_inside);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    for (int i = 0; i < 64; i++) {
        core_assert_frame(stream, NR_OK, "f");
    }
    core_assert_frame(stream, NR_STREAM_END, "end");
    assert_int_equal(played->image.backpressure, 2);
    assert_int_equal(played->image.duplicate, 1);
    nr_stream_close(stream);
}

static void bytes_are_limited_but_one_frame_always_fits(void **state) {
    nr_stream_options_t options = {.max_bytes = 10};
    played_t *played = core_play2(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    assert_int_equal(core_send2(played, played->sid, NR_OK, "a frame of 22 bytes ..."), NR_OK);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_BACKPRESSURE);
    core_assert_frame(stream, NR_OK, "a frame of 22 bytes ...");
    assert_int_equal(played->writables, 1);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "12345"), NR_OK);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "67890"), NR_OK);
    assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_BACKPRESSURE);
    nr_stream_close(stream);
    assert_int_equal(played->closes, 1);
    assert_int_equal(played->cancels, 1);
}

static void a_v1_stream_over_its_limits_keeps_what_is_queued_and_ends(void **state) {
    nr_stream_options_t options = {.max_frames = 64};
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    nr_stream_wait(stream, &core);
    for (int i = 0; i < 70; i++) {
        core_send(played, played->sid, NR_OK, "f");
    }
    core_run(&core, 1);
    assert_int_equal(played->cancels, 1);
    assert_int_equal(nr_worker_pending(core.worker), 0);
    for (int i = 0; i < 64; i++) {
        core_assert_frame(stream, NR_OK, "f");
    }
    core_assert_next(stream, NR_E_BACKPRESSURE);
    assert_int_equal(played->image.backpressure, 1);
    assert_int_equal(played->image.late, 5);
    assert_int_equal(played->image.owed, 1);
    core_send(played, played->sid, NR_STREAM_END, "late");
    assert_int_equal(played->image.owed, 0);
    nr_stream_close(stream);
    assert_int_equal(played->cancels, 1);
}

static NrStatus overflow_inside(played_t *played, uint64_t sid, NrBytes payload) {
    (void)payload;
    for (int i = 0; i < 100; i++) {
        core_send(played, sid, NR_OK, "f");
    }
    return NR_OK;
}

static void a_v1_stream_may_overflow_inside_handle(void **state) {
    nr_stream_options_t options = {.max_frames = 64};
    played_t *played = core_play(&core, overflow_inside);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    assert_int_equal(nr_worker_pending(core.worker), 0);
    assert_int_equal(played->cancels, 1);
    for (int i = 0; i < 64; i++) {
        core_assert_frame(stream, NR_OK, "f");
    }
    core_assert_next(stream, NR_E_BACKPRESSURE);
    nr_stream_close(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_full_queue_answers_backpressure),
        TEST(a_queue_may_be_full_inside_handle),
        TEST(bytes_are_limited_but_one_frame_always_fits),
        TEST(a_v1_stream_over_its_limits_keeps_what_is_queued_and_ends),
        TEST(a_v1_stream_may_overflow_inside_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
