/* Streams: their order, who waits for them, and every way in which they end. */
#define _GNU_SOURCE

#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "stream.h"

static int released;

static NrStatus stream_inside(played_t *played, uint64_t sid, NrBytes payload) {
    char text[300];

    (void)payload;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%*d", i * 2 + 1, i); /* small and large ones */
        core_send(played, sid, NR_OK, text);
    }
    core_send_owned(played, sid, NR_STREAM_END, "the end", &released);
    core_send(played, sid, NR_OK, "after the end");
    return NR_OK;
}

static void a_stream_from_inside_handle_is_queued_in_order(void **state) {
    played_t *played = core_play(&core, stream_inside);
    nr_stream_t *stream = core_stream(played, NULL);
    char text[300];

    (void)state;
    released = 0;
    assert_int_equal(nr_worker_pending(core.worker), 0); /* it has ended already */
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%*d", i * 2 + 1, i);
        core_assert_frame(stream, NR_OK, text);
    }
    core_assert_frame(stream, NR_STREAM_END, "the end");
    assert_int_equal(released, 1);
    core_assert_next(stream, NR_E_STREAM_ENDED);
    core_assert_next(stream, NR_E_STREAM_ENDED);
    assert_int_equal(played->image.duplicate, 1);
    assert_int_equal(played->lane.ok, 1);
    nr_stream_close(stream);
    assert_int_equal(played->cancels, 0);
}

static void a_waiting_reader_is_told_once(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    core_assert_next(stream, NR_PENDING);
    nr_stream_wait(stream, &core);
    core_send(played, played->sid, NR_OK, "one");
    core_send(played, played->sid, NR_OK, "two");
    core_run(&core, 1);
    assert_int_equal(core.events[0].kind, NR_EVENT_READABLE);
    assert_ptr_equal(core.events[0].user, &core);
    assert_ptr_equal(core.events[0].stream, stream);
    core_assert_frame(stream, NR_OK, "one");
    nr_stream_wait(stream, &core); /* there is something: the event comes without a frame */
    core_run(&core, 2);
    core_assert_frame(stream, NR_OK, "two");
    core_poll(&core);
    assert_int_equal(core.events_len, 2);
    core_send(played, played->sid, NR_OK, "nobody waits");
    core_poll(&core);
    assert_int_equal(core.events_len, 2);
    core_send(played, played->sid, NR_ERR, "");
    core_run_all(&core);
    assert_int_equal(core.events_len, 2);
    assert_int_equal(played->lane.errors, 1);
    core_assert_frame(stream, NR_OK, "nobody waits");
    core_assert_frame(stream, NR_ERR, "");
    nr_stream_wait(stream, &core);
    core_run(&core, 3);
    core_assert_next(stream, NR_E_STREAM_ENDED);
    nr_stream_close(stream);
}

static void a_wait_can_be_taken_back(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    nr_stream_wait(stream, &core);
    core_send(played, played->sid, NR_OK, "frame");
    nr_stream_wait(stream, NULL);
    core_poll(&core);
    assert_int_equal(core.events_len, 0);
    nr_stream_wait(stream, &core);
    nr_stream_wait(stream, NULL);
    core_poll(&core);
    assert_int_equal(core.events_len, 0);
    nr_stream_wait(stream, &core); /* read before its event comes: it waits on */
    core_assert_frame(stream, NR_OK, "frame");
    core_poll(&core);
    assert_int_equal(core.events_len, 0);
    core_send(played, played->sid, NR_STREAM_END, "");
    core_run(&core, 1);
    nr_stream_close(stream);
}

static void an_unknown_status_ends_a_stream(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    core_send2(played, played->sid, NR_BACKPRESSURE, "does not end a v2 stream");
    core_send(played, played->sid, 4711, "ends it");
    core_send(played, played->sid, NR_OK, "after it");
    core_assert_frame(stream, NR_BACKPRESSURE, "does not end a v2 stream");
    core_assert_frame(stream, 4711, "ends it");
    core_assert_next(stream, NR_E_STREAM_ENDED);
    nr_stream_close(stream);
    stream = core_stream(played, NULL);
    core_send(played, played->sid, NR_BACKPRESSURE, "unknown to v1");
    core_assert_frame(stream, NR_BACKPRESSURE, "unknown to v1");
    core_assert_next(stream, NR_E_STREAM_ENDED);
    nr_stream_close(stream);
}

static NrStatus stream_and_refuse(played_t *played, uint64_t sid, NrBytes payload) {
    (void)payload;
    core_send_owned(played, sid, NR_OK, "1", &released);
    core_send_owned(played, sid, NR_STREAM_END, "2", &released);
    return NR_ERR;
}

static void a_refused_stream_discards_its_frames(void **state) {
    played_t *played = core_play(&core, stream_and_refuse);
    nr_request_t request = core_request("/", "");
    nr_stream_t *stream;
    nr_error_t err;

    (void)state;
    released = 0;
    assert_int_equal(nr_stream_open(&played->plugin, &request, core_bytes(""), NULL, &stream, &err),
                     NR_E_PLUGIN_HANDLE_FAILED);
    assert_int_equal(err.status, NR_ERR);
    assert_int_equal(released, 2);
    assert_int_equal(played->image.held, 0);
    assert_int_equal(played->image.owed, 0);
}

static void a_closed_stream_drops_its_frames_and_later_ones(void **state) {
    played_t *played = core_play2(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    released = 0;
    nr_stream_wait(stream, &core);
    core_send_owned(played, played->sid, NR_OK, "queued", &released);
    core_send_owned(played, played->sid, NR_OK, "queued", &released);
    nr_stream_close(stream);
    assert_int_equal(released, 2);
    assert_int_equal(played->cancels, 1);
    assert_int_equal(played->closes, 1);
    assert_int_equal(core_send_owned(played, played->sid, NR_OK, "late", &released), NR_INVALID);
    assert_int_equal(core_send_owned(played, played->sid, NR_STREAM_END, "", &released),
                     NR_INVALID);
    assert_int_equal(released, 4);
    assert_int_equal(played->image.late, 2);
    assert_int_equal(played->image.owed, 0);
    core_run_all(&core);
    assert_int_equal(core.events_len, 0);
    assert_int_equal(played->image.held, 0);
}

static void a_wait_times_out_and_a_frame_in_time_prevents_it(void **state) {
    nr_stream_options_t options = {.timeout_ms = 30};
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    nr_stream_wait(stream, &core);
    core_send(played, played->sid, NR_OK, "in time");
    core_run(&core, 1);
    core_assert_frame(stream, NR_OK, "in time");
    nr_stream_wait(stream, &core);
    core_run(&core, 2);
    core_assert_next(stream, NR_E_TIMEOUT);
    assert_int_equal(played->lane.timeouts, 1);
    assert_int_equal(played->cancels, 1);
    nr_stream_close(stream);
}

static void time_between_waits_does_not_count(void **state) {
    nr_stream_options_t options = {.timeout_ms = 2};
    played_t *played = core_play(&core, NULL), *other = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    nr_stream_wait(stream, &core);
    nr_stream_wait(stream, NULL);
    core_call(other, NULL, 20);
    core_run(&core, 1);
    assert_int_equal(other->lane.timeouts, 1);
    core_assert_next(stream, NR_PENDING);
    nr_stream_close(stream);
}

static void a_deadline_ends_a_stream_that_nobody_waits_for(void **state) {
    nr_stream_options_t options = {.timeout_ms = 100000, .deadline_ms = 5};
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    core_send(played, played->sid, NR_OK, "queued");
    core_run_all(&core);
    core_assert_frame(stream, NR_OK, "queued");
    core_assert_next(stream, NR_E_TIMEOUT);
    assert_int_equal(core.events_len, 0);
    nr_stream_close(stream);
}

static void an_unload_ends_a_stream_and_its_reader_hears_of_it(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    nr_stream_wait(stream, &core);
    assert_int_equal(nr__worker_give_up_lane(core.worker, &played->lane, NR_E_PLUGIN_UNLOADED), 1);
    core_run(&core, 1);
    core_assert_next(stream, NR_E_PLUGIN_UNLOADED);
    nr_stream_close(stream);
}

static void malformed_frames_end_a_v1_stream_after_its_frames(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);
    NrBytes malformed = {NULL, 1};

    (void)state;
    core_send(played, played->sid, NR_OK, "good");
    nr__host_vtable1.send_result(&played->image, played->sid, NR_OK, malformed);
    core_run_all(&core);
    core_assert_frame(stream, NR_OK, "good");
    core_assert_next(stream, NR_E_MALFORMED_RESULT);
    assert_int_equal(played->image.owed, 0);
    nr_stream_close(stream);
}

static void input_reaches_the_plugin_until_it_is_finished(void **state) {
    played_t *played = core_play2(&core, NULL), *deaf = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL), *other = core_stream(deaf, NULL);
    NrBytes malformed = {NULL, 1};

    (void)state;
    assert_int_equal(nr_stream_send(stream, core_bytes("in"), NULL), 0);
    assert_int_equal(nr_stream_send(stream, malformed, NULL), NR_E_INVALID_REQUEST);
    assert_int_equal(nr_stream_finish(stream, NULL), 0);
    assert_int_equal(nr_stream_send(stream, core_bytes("in"), NULL), NR_E_STREAM_ENDED);
    assert_int_equal(nr_stream_finish(stream, NULL), NR_E_STREAM_ENDED);
    assert_int_equal(nr_stream_send(other, core_bytes("in"), NULL), NR_E_UNSUPPORTED);
    nr_stream_close(stream);
    nr_stream_close(other);
    assert_int_equal(played->closes, 1); /* once, by finish */
}

static void a_stream_outlives_its_worker(void **state) {
    core_t second;
    played_t *played;
    nr_stream_t *stream;
    nr_result_t frame;

    (void)state;
    core_open(&second);
    played = core_play(&second, NULL);
    stream = core_stream(played, NULL);
    core_send(played, played->sid, NR_OK, "queued, and longer than what a result stores in itself");
    core_send(played, played->sid, NR_OK, "short");
    nr_stream_wait(stream, &core);
    core_close(&second);
    core_send(played, played->sid, NR_OK, "late");
    assert_int_equal(nr_stream_next(stream, &frame), NR_DONE);
    core_assert_frame(stream, NR_OK, "short");
    core_assert_next(stream, NR_E_LOOP_CLOSED);
    nr_stream_wait(stream, &core);
    nr_stream_close(stream);
    assert_memory_equal(frame.data, "queued", 6);
    nr_result_release(&frame);
}

static void a_look_between_does_not_take_the_wait_back(void **state) {
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, NULL);

    (void)state;
    nr_stream_wait(stream, &core);
    core_assert_next(stream, NR_PENDING);
    core_send(played, played->sid, NR_OK, "one");
    core_poll(&core);
    assert_int_equal(core.events_len, 1);
    core_assert_frame(stream, NR_OK, "one");
    nr_stream_close(stream);
}

static void a_wait_whose_frame_was_read_otherwise_still_times_out(void **state) {
    nr_stream_options_t options = {.timeout_ms = 10};
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    core_send(played, played->sid, NR_OK, "one");
    nr_stream_wait(stream, &core);
    core_assert_frame(stream, NR_OK, "one");
    core_poll(&core);
    assert_int_equal(core.events_len, 0);
    assert_true(nr__slot_cold(stream->slot)->due != NR__NEVER);
    core_run(&core, 1);
    core_assert_next(stream, NR_E_TIMEOUT);
    nr_stream_close(stream);
}

/* The loop was busy, and sees the frame and the passed time at once. */
static void a_frame_that_came_in_time_is_not_timed_out(void **state) {
    nr_stream_options_t options = {.timeout_ms = 5};
    played_t *played = core_play(&core, NULL);
    nr_stream_t *stream = core_stream(played, &options);

    (void)state;
    nr_stream_wait(stream, &core);
    core_send(played, played->sid, NR_OK, "in time");
    while (nr__now() <= nr__slot_cold(stream->slot)->due) {
    }
    nr_worker_timer(core.worker);
    core_poll(&core);
    assert_int_equal(core.events_len, 1);
    core_assert_frame(stream, NR_OK, "in time");
    core_assert_next(stream, NR_PENDING);
    assert_int_equal(played->cancels, 0);
    nr_stream_close(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_stream_from_inside_handle_is_queued_in_order),
        TEST(a_waiting_reader_is_told_once),
        TEST(a_wait_can_be_taken_back),
        TEST(an_unknown_status_ends_a_stream),
        TEST(a_refused_stream_discards_its_frames),
        TEST(a_closed_stream_drops_its_frames_and_later_ones),
        TEST(a_wait_times_out_and_a_frame_in_time_prevents_it),
        TEST(time_between_waits_does_not_count),
        TEST(a_deadline_ends_a_stream_that_nobody_waits_for),
        TEST(an_unload_ends_a_stream_and_its_reader_hears_of_it),
        TEST(malformed_frames_end_a_v1_stream_after_its_frames),
        TEST(input_reaches_the_plugin_until_it_is_finished),
        TEST(a_stream_outlives_its_worker),
        TEST(a_look_between_does_not_take_the_wait_back),
        TEST(a_wait_whose_frame_was_read_otherwise_still_times_out),
        TEST(a_frame_that_came_in_time_is_not_timed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
