/* Plugins that answer from threads of their own, from one that takes no lock to 64 at a time. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>

#include "plugin_support.h"

#define THREADS 64
#define FRAMES 20

static void calls_are_answered_from_any_of_64_threads(void **state) {
    (void)state;
    plugin_open("fixture_threads");
    for (int i = 0; i < 2000; i++) {
        (void)plugin_start("/answer", "x");
    }
    for (int i = 0; i < 2000; i++) {
        assert_string_equal(plugin_await(), "0 x");
    }
    plugin_close();
}

static void an_answer_from_a_thread_may_come_before_handle_returns(void **state) {
    (void)state;
    plugin_open("fixture_threads");
    for (int i = 0; i < 100; i++) {
        assert_string_equal(plugin_call("/before", "x"), "0 x");
    }
    plugin_close();
}

static void of_64_threads_at_once_one_wins(void **state) {
    (void)state;
    plugin_open("fixture_threads");
    for (int i = 0; i < 20; i++) {
        assert_memory_equal(plugin_call("/race", ""), "0 ", 2);
    }
    assert_int_equal(plugin_stats().ok, 20);
    plugin_close();
}

/* Each thread's frames arrive in its order, all before the end. */
static void a_stream_keeps_the_order_of_each_of_its_threads(void **state) {
    (void)state;
    long next[THREADS] = {0};
    plugin_open("fixture_threads");
    nr_stream_t *stream = plugin_stream_open("/stream?frames=20", "", 0);
    for (int i = 0; i < THREADS * FRAMES; i++) {
        char *frame_text = NULL;
        const char *answer = plugin_stream_take(stream, 1);
        assert_memory_equal(answer, "0 ", 2);
        long thread = strtol(answer + 2, &frame_text, 10);
        assert_in_range(thread, 0, THREADS - 1);
        assert_int_equal(strtol(frame_text, NULL, 10), next[thread]);
        next[thread]++;
    }
    assert_string_equal(plugin_stream_take(stream, 1), "4 ");
    nr_stream_close(stream);
    plugin_close();
}

static void the_pool_answers_in_order_and_wakes_from_sleep(void **state) {
    (void)state;
    char body[160], expected[176];
    plugin_open("fixture_pool");
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++) {
            (void)snprintf(body, sizeof(body), "%d %0*d", i, i, 0);
            (void)plugin_start("/echo", body);
        }
        for (int i = 0; i < 100; i++) {
            (void)snprintf(expected, sizeof(expected), "0 %d %0*d", i, i, 0);
            assert_string_equal(plugin_await(), expected);
        }
    }
    plugin_close();
}

int main(void) {
    /* The pool goes to sleep after few polls, so that waking it is tested as well. */
    (void)setenv("NYLON_RING_POOL_SPIN", "10", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_answered_from_any_of_64_threads),
        cmocka_unit_test(an_answer_from_a_thread_may_come_before_handle_returns),
        cmocka_unit_test(of_64_threads_at_once_one_wins),
        cmocka_unit_test(a_stream_keeps_the_order_of_each_of_its_threads),
        cmocka_unit_test(the_pool_answers_in_order_and_wakes_from_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
