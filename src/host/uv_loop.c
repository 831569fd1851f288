#define _GNU_SOURCE /* uv.h needs it in strict C11 */

#include <nylon_ring/nr_uv.h>

#include <stdlib.h>

#include "error.h"

enum {
    HANDLES = 5,
    EVENTS_A_TURN = 1024 /* what is left waits for the loop's other handles */
};

/* prepare: may the loop wait? check: what has come? idle: keeps a loop that may not wait from it.
 */
struct nr_uv {
    nr_worker_t *worker;
    nr_uv_event_cb on_event;
    void *ctx;
    uv_async_t async;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int open; /* handles that are not closed */
};

static void wake(void *ctx) {
    nr_uv_t *ring = ctx;

    uv_async_send(&ring->async);
}

static void on_async(uv_async_t *async) {
    (void)async; /* it has ended the wait, and check does the rest */
}

static void on_timer(uv_timer_t *timer) {
    nr_uv_t *ring = timer->data;

    nr_worker_timer(ring->worker);
}

static void set_timer(void *ctx, uint64_t ms) {
    nr_uv_t *ring = ctx;

    if (ms == UINT64_MAX) {
        uv_timer_stop(&ring->timer);
        return;
    }
    uv_update_time(ring->timer.loop); /* the loop's time may be that of before a long callback */
    uv_timer_start(&ring->timer, on_timer, ms, 0);
}

static void keep_alive(void *ctx, int on) {
    nr_uv_t *ring = ctx;

    if (on) {
        uv_ref((uv_handle_t *)&ring->async);
    } else {
        uv_unref((uv_handle_t *)&ring->async);
    }
}

static void on_idle(uv_idle_t *idle) {
    uv_idle_stop(idle);
}

static void on_prepare(uv_prepare_t *prepare) {
    nr_uv_t *ring = prepare->data;

    if (nr_worker_sleep(ring->worker)) {
        uv_idle_start(&ring->idle, on_idle);
    }
}

static void on_check(uv_check_t *check) {
    nr_uv_t *ring = check->data;
    nr_event_t event;

    nr_worker_awake(ring->worker);
    for (int i = 0; i < EVENTS_A_TURN && nr_worker_next(ring->worker, &event); i++) {
        ring->on_event(ring->worker, &event, ring->ctx);
    }
}

static void on_closed(uv_handle_t *handle) {
    nr_uv_t *ring = handle->data;

    if (--ring->open == 0) {
        free(ring);
    }
}

static void add(nr_uv_t *ring, uv_handle_t *handle) {
    handle->data = ring;
    uv_unref(handle);
    ring->open++;
}

/* Only uv_async_init can fail, and it comes first. */
static int init_handles(nr_uv_t *ring, uv_loop_t *loop) {
    int error = uv_async_init(loop, &ring->async, on_async);

    if (error != 0) {
        return error;
    }
    uv_timer_init(loop, &ring->timer);
    uv_prepare_init(loop, &ring->prepare);
    uv_check_init(loop, &ring->check);
    uv_idle_init(loop, &ring->idle);
    uv_prepare_start(&ring->prepare, on_prepare);
    uv_check_start(&ring->check, on_check);
    add(ring, (uv_handle_t *)&ring->async);
    add(ring, (uv_handle_t *)&ring->timer);
    add(ring, (uv_handle_t *)&ring->prepare);
    add(ring, (uv_handle_t *)&ring->check);
    add(ring, (uv_handle_t *)&ring->idle);
    return 0;
}

static void close_handles(nr_uv_t *ring) {
    uv_handle_t *handles[HANDLES] = {(uv_handle_t *)&ring->async, (uv_handle_t *)&ring->timer,
                                     (uv_handle_t *)&ring->prepare, (uv_handle_t *)&ring->check,
                                     (uv_handle_t *)&ring->idle};

    for (int i = 0; i < HANDLES; i++) {
        uv_close(handles[i], on_closed);
    }
}

int nr_uv_open(uv_loop_t *loop, nr_uv_event_cb on_event, void *ctx, nr_uv_t **out,
               nr_error_t *err) {
    nr_uv_t *ring = calloc(1, sizeof *ring);
    nr_loop_t needs = {ring, wake, set_timer, keep_alive};
    int error;

    if (ring == NULL) {
        return nr__fail(err, NR_E_NO_MEMORY, "no memory for a worker");
    }
    error = init_handles(ring, loop);
    if (error != 0) {
        free(ring);
        return nr__fail(err, NR_E_SYSTEM, "no handle for waking the loop: %s", uv_strerror(error));
    }
    ring->on_event = on_event;
    ring->ctx = ctx;
    error = nr_worker_open(&needs, &ring->worker, err);
    if (error != 0) {
        close_handles(ring);
        return error;
    }
    *out = ring;
    return 0;
}

nr_worker_t *nr_uv_worker(nr_uv_t *ring) {
    return ring->worker;
}

void nr_uv_close(nr_uv_t *ring) {
    nr_worker_close(ring->worker);
    ring->worker = NULL;
    close_handles(ring);
}
