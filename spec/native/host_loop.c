#define _POSIX_C_SOURCE 200809L
#include "host_loop.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "plugin.h"

#define LIMIT_MS 30000

struct host_loop {
    nr_worker_t *worker;
    uint64_t timer; /* when it is due; UINT64_MAX: stopped */
    int alive;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int wakes; /* under the lock */
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wake(void *ctx) {
    host_loop_t *loop = ctx;
    pthread_mutex_lock(&loop->lock);
    loop->wakes = 1;
    pthread_cond_signal(&loop->woken);
    pthread_mutex_unlock(&loop->lock);
}

static void set_timer(void *ctx, uint64_t ms) {
    host_loop_t *loop = ctx;
    loop->timer = ms == UINT64_MAX ? UINT64_MAX : now_ms() + ms;
}

static void keep_alive(void *ctx, int on) {
    ((host_loop_t *)ctx)->alive = on;
}

host_loop_t *host_loop_new(void) {
    host_loop_t *loop = calloc(1, sizeof(*loop));
    assert_non_null(loop);
    loop->timer = UINT64_MAX;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->woken, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&loop->lock, NULL);
    nr_loop_t functions = {
        .ctx = loop, .wake = wake, .set_timer = set_timer, .keep_alive = keep_alive};
    assert_int_equal(nr_worker_open(&functions, &loop->worker, NULL), 0);
    return loop;
}

void host_loop_free(host_loop_t *loop) {
    nr_worker_close(loop->worker);
    pthread_cond_destroy(&loop->woken);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

nr_worker_t *host_loop_worker(host_loop_t *loop) {
    return loop->worker;
}

int host_loop_is_alive(const host_loop_t *loop) {
    return loop->alive;
}

/* Waits until woken or until `until`. */
static void wait_until(host_loop_t *loop, uint64_t until) {
    struct timespec due = {.tv_sec = (time_t)(until / 1000),
                           .tv_nsec = (long)(until % 1000) * 1000000};
    pthread_mutex_lock(&loop->lock);
    int rc = 0;
    while (!loop->wakes && rc == 0) {
        rc = pthread_cond_timedwait(&loop->woken, &loop->lock, &due);
    }
    loop->wakes = 0;
    pthread_mutex_unlock(&loop->lock);
}

void host_loop_next(host_loop_t *loop, nr_event_t *event) {
    uint64_t limit = now_ms() + LIMIT_MS;
    while (!nr_worker_next(loop->worker, event)) {
        assert_true(now_ms() < limit);
        if (!nr_worker_sleep(loop->worker)) {
            wait_until(loop, loop->timer < limit ? loop->timer : limit);
        }
        nr_worker_awake(loop->worker);
        if (loop->timer <= now_ms()) {
            loop->timer = UINT64_MAX;
            nr_worker_timer(loop->worker);
        }
    }
}

nr_plugin_t *host_loop_load(host_loop_t *loop, const char *path, const char *name) {
    nr_load_options_t options = {.name = name};
    nr_plugin_t *plugin = NULL;
    nr_error_t err;
    if (nr_plugin_load(loop->worker, path, &options, &plugin, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return plugin;
}

int host_loop_call(nr_plugin_t *plugin, const char *path, void *user, nr_result_t *result) {
    NrRequest from = {.path = {(const uint8_t *)path, (uint32_t)strlen(path), 0}};
    NrBytes nothing = {0};
    nr_call_options_t options = {.user = user};
    nr_request_t request;
    assert_int_equal(nr_request_init(&request, &from, NULL), 0);
    return nr_call(plugin, &request, nothing, &options, result, NULL);
}

void host_loop_assert_answers(nr_plugin_t *plugin, const char *path, const char *text) {
    nr_result_t result;
    assert_int_equal(host_loop_call(plugin, path, NULL, &result), NR_DONE);
    assert_int_equal(result.error, 0);
    assert_int_equal(result.status, NR_OK);
    assert_int_equal(result.len, strlen(text));
    assert_memory_equal(result.data, text, strlen(text));
    nr_result_release(&result);
}

void host_loop_hold(nr_plugin_t *plugin, void *user) {
    nr_result_t result;
    assert_int_equal(host_loop_call(plugin, "/hold", user, &result), NR_PENDING);
}

void (*host_loop_symbol(nr_plugin_t *plugin, const char *name))(void) {
    void (*function)(void);
    void *symbol = nr__library_symbol(&plugin->lane->image->library, name);
    assert_non_null(symbol);
    memcpy(&function, &symbol, sizeof(symbol));
    return function;
}

void host_loop_await_result(host_loop_t *loop, void *user, int error, const char *text) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_RESULT);
    assert_ptr_equal(event.user, user);
    assert_int_equal(event.result.error, error);
    if (text != NULL) {
        assert_int_equal(event.result.len, strlen(text));
        assert_memory_equal(event.result.data, text, strlen(text));
    }
    nr_result_release(&event.result);
}

nr_unload_report_t host_loop_await_report(host_loop_t *loop, void *user) {
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_int_equal(event.kind, NR_EVENT_UNLOADED);
    assert_ptr_equal(event.user, user);
    return event.report;
}

void host_loop_assert_unmapped(const nr_unload_report_t *report) {
    if (NR__SANITIZED) {
        host_loop_assert_stays(report, "sanitizer");
    } else {
        assert_string_equal(report->reason, "");
        assert_int_equal(report->unmapped, 1);
    }
}

void host_loop_assert_stays(const nr_unload_report_t *report, const char *words) {
    assert_int_equal(report->unmapped, 0);
    if (strstr(report->reason, words) == NULL) {
        fail_msg("expected \"%s\" in: %s", words, report->reason);
    }
}

nr_unload_report_t host_loop_unload(host_loop_t *loop, nr_plugin_t *plugin, uint64_t grace_ms) {
    nr_error_t err;
    if (nr_plugin_unload(plugin, grace_ms, &err, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return host_loop_await_report(loop, &err);
}
