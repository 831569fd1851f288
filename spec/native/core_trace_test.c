/* The trace of a plugin's ABI: what is recorded, in which order, and for how long. */
#define _GNU_SOURCE

#include "core_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <nylon_ring/ext/log.h>
#include <nylon_ring/nr_trace.h>

#include "log.h"

#define MANY 256

static core_t core;
static played_t *played;
static nr_trace_event_t events[MANY];
static uint64_t lost; /* of the last read_after */

static void trace(size_t capacity) {
    assert_int_equal(nr_plugin_trace(&played->plugin, capacity, NULL), 0);
}

static size_t read_after(uint64_t after) {
    return nr_plugin_events(&played->plugin, after, events, MANY, &lost);
}

/* What was recorded, a word or more each: "handle done, send_result delivered". */
static const char *recorded(void) {
    static char text[1024];
    size_t count = read_after(0);
    char *to = text;

    *to = '\0';
    for (size_t i = 0; i < count; i++) {
        to += sprintf(to, "%s%s %s", i > 0 ? ", " : "", nr_trace_name(events[i].kind),
                      nr_outcome_name(events[i].outcome));
    }
    return text;
}

static NrStatus answer_inside(played_t *by, uint64_t sid, NrBytes payload) {
    nr__host_vtable1.send_result(&by->image, sid, NR_OK, payload);
    return NR_UNSUPPORTED;
}

static void a_call_is_recorded_in_the_order_of_causes(void **state) {
    nr_request_t request = core_request("/stream", "frames=3");

    (void)state;
    trace(8);
    played->on_handle = answer_inside;
    assert_int_equal(nr_notify(&played->plugin, &request, core_bytes("hello"), NULL, NULL),
                     NR_E_PLUGIN_HANDLE_FAILED);
    assert_string_equal(recorded(), "handle done, send_result delivered");
    assert_string_equal(events[0].text, "/stream?frames=3");
    assert_int_equal(events[0].answer, NR_UNSUPPORTED);
    assert_int_equal(events[0].where, NR_TRACE_ON_LOOP);
    assert_int_equal(events[1].where, NR_TRACE_INSIDE);
    assert_int_equal(events[1].status, NR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(events[i].seq, i + 1);
        assert_int_equal(events[i].sid, played->sid);
        assert_int_equal(events[i].len, 5);
        assert_int_equal(events[i].image, played->image.serial);
        assert_int_equal(events[i].thread, nr__thread_number());
    }
    assert_true(events[1].at_ns >= events[0].at_ns);
    assert_true(events[0].took_ns > events[1].took_ns);
    assert_true(uv_hrtime() >= events[1].at_ns);
}

static NrStatus handle_by_id(uint32_t id, uint64_t sid, NrBytes payload) {
    (void)id;
    (void)sid;
    (void)payload;
    return NR_INVALID;
}

static uint32_t resolve(NrStr entry) {
    return entry.len == 1 ? 7 : NR_ENTRY_UNKNOWN;
}

static void entries_are_recorded_by_name_with_the_way_they_went(void **state) {
    nr_request_t known = core_request("/", ""), unknown = core_request("/other", "");

    (void)state;
    played = core_play2(&core, NULL);
    played->v2.resolve_entry = resolve;
    played->v2.handle_by_id = handle_by_id;
    trace(8);
    nr_notify(&played->plugin, &known, core_bytes(""), NULL, NULL);
    nr_notify(&played->plugin, &unknown, core_bytes(""), NULL, NULL);
    assert_string_equal(recorded(), "handle_by_id done, handle done");
    assert_string_equal(events[0].text, "/");
    assert_int_equal(events[0].answer, NR_INVALID);
    assert_string_equal(events[1].text, "/other");
}

static void send_once(void *arg) {
    core_send(played, *(uint64_t *)arg, NR_ERR, "no");
}

static void send_on_a_thread(uint64_t sid) {
    uv_thread_t thread;

    assert_int_equal(uv_thread_create(&thread, send_once, &sid), 0);
    uv_thread_join(&thread);
}

static void a_result_is_recorded_with_what_became_of_it(void **state) {
    uint64_t answered = core_call(played, NULL, 0), given_up = core_call(played, NULL, 0);

    (void)state;
    trace(16);
    send_on_a_thread(answered);
    core_send(played, answered, NR_OK, "again");
    assert_int_equal(nr_call_cancel(core.worker, given_up), 0);
    core_send(played, given_up, NR_OK, "late");
    core_send(played, UINT64_C(12345) << 20, NR_OK, "");
    assert_string_equal(recorded(), "send_result delivered, send_result duplicate, cancel done, "
                                    "send_result late, send_result unknown");
    assert_int_equal(events[0].where, NR_TRACE_ON_THREAD);
    assert_true(events[0].thread != nr__thread_number());
    assert_int_equal(events[0].status, NR_ERR);
    assert_int_equal(events[1].where, NR_TRACE_ON_LOOP);
    core_run_all(&core);
}

static void a_payload_that_can_not_be_taken_is_told_so(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrVecU8 malformed = {.ptr = NULL, .len = 3};
    NrBytes bytes = {NULL, 3};

    (void)state;
    trace(16);
    assert_int_equal(nr__host_vtable2.send_result(&played->image, sid, NR_OK, malformed),
                     NR_INVALID);
    nr__host_vtable1.send_result(&played->image, sid, NR_OK, bytes);
    assert_string_equal(recorded(), "send_result refused, send_result failed");
    core_run_all(&core);
    assert_int_equal(core.events[0].error, NR_E_MALFORMED_RESULT);
}

static void leases_and_state_are_recorded(void **state) {
    uint64_t sid = core_call(played, NULL, 0);
    NrBufferLease lease;

    (void)state;
    trace(16);
    nr__host_ext.set_state(&played->image, sid, core_str("key"), core_bytes("value"));
    nr__host_ext.get_state(&played->image, sid, core_str("key"));
    lease = nr__host_vtable2.acquire_result_buffer(&played->image, sid, 100);
    nr__host_vtable2.acquire_result_buffer(&played->image, sid, 100);
    nr__host_vtable2.commit_result_buffer(&played->image, sid, NR_OK, lease.token + 2, 6);
    nr__host_vtable2.commit_result_buffer(&played->image, sid, NR_OK, lease.token, 6);
    nr__host_ext.get_state(&played->image, sid, core_str("key"));
    assert_string_equal(recorded(), "set_state done, get_state done, acquire_result_buffer done, "
                                    "acquire_result_buffer refused, commit_result_buffer refused, "
                                    "commit_result_buffer delivered, get_state refused");
    assert_string_equal(events[0].text, "key");
    assert_int_equal(events[0].len, 5);
    assert_int_equal(events[1].len, 5);
    assert_int_equal(events[2].len, 100);
    assert_int_equal(events[5].len, 6);
    core_run_all(&core);
}

static void a_stream_is_recorded_from_both_ends(void **state) {
    nr_stream_options_t options = {.max_frames = 64};
    nr_stream_t *stream;
    nr_result_t frame;
    int released = 0;

    (void)state;
    played = core_play2(&core, NULL);
    stream = core_stream(played, &options);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(core_send2(played, played->sid, NR_OK, "x"), NR_OK);
    }
    trace(16);
    assert_int_equal(core_send_owned(played, played->sid, NR_OK, "x", &released), NR_BACKPRESSURE);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(nr_stream_next(stream, &frame), NR_DONE);
        nr_result_release(&frame);
    }
    assert_int_equal(nr_stream_send(stream, core_bytes("input"), NULL), 0);
    nr_stream_close(stream);
    assert_string_equal(recorded(), "send_result_owned backpressure, writable done, "
                                    "stream_data done, cancel done, stream_close done");
    assert_int_equal(events[2].len, 5);
    assert_int_equal(events[4].sid, played->sid);
    core_send2(played, played->sid, NR_STREAM_END, "");
}

static void log_lines_are_recorded_below_their_level_too(void **state) {
    const char *line = "a line\nthat is longer than what an event of a trace keeps: ööööö";

    (void)state;
    trace(4);
    nr__host_log.log(&played->image, 7, NR_LOG_TRACE, core_str(line));
    assert_string_equal(recorded(), "log done");
    assert_int_equal(events[0].status, NR_LOG_TRACE);
    assert_int_equal(events[0].len, strlen(line));
    assert_string_equal(events[0].text,
                        "a line that is longer than what an event of a trace keeps: ...");
}

static void the_last_events_are_kept_and_read_on_from_a_number(void **state) {
    (void)state;
    trace(4);
    for (int i = 0; i < 10; i++) {
        core_send(played, 0, NR_OK, "");
    }
    assert_int_equal(read_after(0), 4);
    assert_int_equal(lost, 6);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(events[i].seq, 7 + i);
    }
    assert_int_equal(read_after(4), 4);
    assert_int_equal(lost, 2);
    assert_int_equal(read_after(9), 1);
    assert_int_equal(lost, 0);
    assert_int_equal(events[0].seq, 10);
    assert_int_equal(read_after(10), 0);
    assert_int_equal(read_after(1000), 0);
    assert_int_equal(nr_plugin_events(&played->plugin, 0, events, 2, NULL), 2);
    assert_int_equal(events[1].seq, 8);
}

static void a_trace_is_off_until_it_is_asked_for_and_begins_anew(void **state) {
    nr_plugin_info_t info;
    nr_error_t err;

    (void)state;
    core_send(played, 0, NR_OK, "");
    assert_int_equal(read_after(0), 0);
    trace(4);
    core_send(played, 0, NR_OK, "");
    trace(0);
    core_send(played, 0, NR_OK, "");
    assert_int_equal(read_after(0), 0);
    trace(2);
    core_send(played, 0, NR_OK, "");
    assert_int_equal(read_after(0), 1);
    assert_int_equal(events[0].seq, 2);
    assert_int_equal(lost, 0); /* it was of another time */
    nr_plugin_info(&played->plugin, &info);
    assert_int_equal(info.trace, 2);
    assert_int_equal(nr_plugin_trace(&played->plugin, NR_TRACE_MAX + 1, &err), NR_E_TOO_LARGE);
    assert_int_equal(read_after(0), 1);
}

static nr_plugin_t *load_traced(const char *name) {
    nr_load_options_t options = {.trace = 64};
    nr_plugin_t *plugin;
    char path[512];
    nr_error_t err;

    snprintf(path, sizeof path, "%s/%s.so", NR_PLUGIN_DIR, name);
    if (nr_plugin_load(core.worker, path, &options, &plugin, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return plugin;
}

/* Events of this kind, and the image of the last one. */
static size_t count_of(const nr_plugin_t *plugin, nr_trace_kind_t kind, uint64_t *image) {
    size_t len = nr_plugin_events(plugin, 0, events, MANY, NULL), count = 0;

    for (size_t i = 0; i < len; i++) {
        if (events[i].kind == kind) {
            count++;
            *image = events[i].image;
            assert_int_equal(events[i].outcome, NR_OUTCOME_DONE);
        }
    }
    return count;
}

static void a_trace_goes_on_over_a_reload_and_an_unload(void **state) {
    nr_plugin_t *plugin = load_traced("echo");
    nr_plugin_info_t old, now;
    uint64_t image = 0;

    (void)state;
    nr_plugin_info(plugin, &old);
    assert_int_equal(count_of(plugin, NR_TRACE_INIT, &image), 1);
    assert_int_equal(nr_plugin_reload(plugin, NULL, 1000, NULL, NULL), 0);
    nr_plugin_info(plugin, &now);
    assert_int_equal(count_of(plugin, NR_TRACE_INIT, &image), 2);
    assert_int_equal(image, now.serial);
    core_run(&core, 1);
    assert_int_equal(count_of(plugin, NR_TRACE_SHUTDOWN, &image), 1);
    assert_int_equal(image, old.serial);
    assert_int_equal(nr_plugin_unload(plugin, 1000, NULL, NULL), 0);
    core_run(&core, 2);
    assert_int_equal(count_of(plugin, NR_TRACE_SHUTDOWN, &image), 2);
    assert_int_equal(image, now.serial);
}

/* An owned result whose release tells that it runs, and waits when it shall. */
static struct {
    uv_sem_t entered, leave;
    int waits;
} slow;

static void release_slowly(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)owner_ctx;
    (void)ptr;
    (void)len;
    uv_sem_post(&slow.entered);
    if (slow.waits) {
        uv_sem_wait(&slow.leave);
    }
}

static void send_slowly(void *arg) {
    NrOwnedBytes bytes = {(const uint8_t *)"late", 4, NULL, release_slowly};

    (void)arg;
    nr__host_vtable2.send_result_owned(&played->image, 0, NR_OK, bytes);
}

/* Sends for nobody, and reads what the last event has come to while a thread is about it. */
static nr_outcome_t read_meanwhile(uv_thread_t *thread) {
    size_t len;

    assert_int_equal(uv_thread_create(thread, send_slowly, NULL), 0);
    uv_sem_wait(&slow.entered);
    len = read_after(0);
    return events[len - 1].outcome;
}

static void a_reader_waits_for_what_threads_are_about_but_not_for_ever(void **state) {
    uv_thread_t thread;

    (void)state;
    trace(8);
    uv_sem_init(&slow.entered, 0);
    uv_sem_init(&slow.leave, 0);
    slow.waits = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(read_meanwhile(&thread), NR_OUTCOME_UNKNOWN);
        uv_thread_join(&thread);
    }
    slow.waits = 1;
    assert_int_equal(read_meanwhile(&thread), NR_OUTCOME_UNDER_WAY);
    uv_sem_post(&slow.leave);
    uv_thread_join(&thread);
    assert_int_equal(events[read_after(0) - 1].outcome, NR_OUTCOME_UNKNOWN);
    uv_sem_destroy(&slow.entered);
    uv_sem_destroy(&slow.leave);
}

#define THREADS 15 /* the sids that they make up begin with their numbers */
#define SENDS 2000

static atomic_uint running;

/* Results for nobody: status, length and sid tell the thread, so that a torn event is seen. */
static void send_many(void *arg) {
    static const uint8_t nothing[THREADS];
    uint64_t number = (uint64_t)(uintptr_t)arg;

    for (uint64_t i = 1; i <= SENDS; i++) {
        NrBytes bytes = {nothing, number};

        nr__host_vtable1.send_result(&played->image, number << 60 | i, (NrStatus)number, bytes);
    }
    atomic_fetch_sub(&running, 1);
}

/* Reads what is new: in order, and whole. */
static uint64_t check_after(uint64_t after, uint64_t last_of[THREADS + 1]) {
    size_t len = read_after(after);

    for (size_t i = 0; i < len; i++) {
        const nr_trace_event_t *event = &events[i];

        assert_true(event->seq > after);
        after = event->seq;
        assert_int_equal(event->sid >> 60, event->len);
        assert_int_equal(event->status, event->len);
        assert_true((event->sid & 0xffffffff) > last_of[event->len]);
        last_of[event->len] = event->sid & 0xffffffff;
    }
    return after;
}

static void threads_record_while_the_loop_reads_and_switches(void **state) {
    uint64_t last_of[THREADS + 1] = {0};
    uv_thread_t threads[THREADS];
    uint64_t seen = 0;
    unsigned turns = 0;
    int on = 1;

    (void)state;
    trace(64);
    atomic_store(&running, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++) {
        uv_thread_create(&threads[i], send_many, (void *)(i + 1));
    }
    do {
        seen = check_after(seen, last_of);
        if (seen > 0 && ++turns % 4 == 0) {
            on = !on;
            trace(on ? 64 : 0);
        }
    } while (atomic_load(&running) > 0);
    for (int i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
    }
    assert_true(check_after(seen, last_of) > 0);
    assert_int_equal(atomic_load(&played->image.unknown), THREADS * SENDS);
}

static int setup(void **state) {
    (void)state;
    nr_log_set_level(NR_LOG_ERROR + 1);
    core_open(&core);
    played = core_play(&core, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    trace(0);
    assert_int_equal(nr_worker_pending(core.worker), 0);
    core_close(&core);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_recorded_in_the_order_of_causes),
        TEST(entries_are_recorded_by_name_with_the_way_they_went),
        TEST(a_result_is_recorded_with_what_became_of_it),
        TEST(a_payload_that_can_not_be_taken_is_told_so),
        TEST(leases_and_state_are_recorded),
        TEST(a_stream_is_recorded_from_both_ends),
        TEST(log_lines_are_recorded_below_their_level_too),
        TEST(the_last_events_are_kept_and_read_on_from_a_number),
        TEST(a_trace_is_off_until_it_is_asked_for_and_begins_anew),
        TEST(a_trace_goes_on_over_a_reload_and_an_unload),
        TEST(a_reader_waits_for_what_threads_are_about_but_not_for_ever),
        TEST(threads_record_while_the_loop_reads_and_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
