/*
 * A worker on a plain libuv loop, for programs that embed the host core.
 *
 *     nr_uv_t *ring;
 *     nr_uv_open(uv_default_loop(), on_event, ctx, &ring, &err);
 *     nr_plugin_load(nr_uv_worker(ring), ...); nr_call(...);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);     calls on_event for whatever finishes
 *     nr_uv_close(ring);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);     lets the handles close
 *
 * The loop stays alive as long as calls, streams or unloads are pending.
 */
#ifndef NYLON_RING_NR_UV_H
#define NYLON_RING_NR_UV_H

#include <uv.h>

#include <nylon_ring/host.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nr_uv nr_uv_t;

/* Called for each event, from the loop and not from inside of anything of the host. The callback
 * releases `event->result` of a NR_EVENT_RESULT. It may run the loop in itself. [loop] */
typedef void (*nr_uv_event_cb)(nr_worker_t *worker, nr_event_t *event, void *ctx);

/* Opens a worker on the loop, which must live until the handles are closed. `*out` belongs to the
 * caller until `nr_uv_close`. Errors: as nr_worker_open, SYSTEM. [loop] */
NR_API int nr_uv_open(uv_loop_t *loop, nr_uv_event_cb on_event, void *ctx, nr_uv_t **out,
                      nr_error_t *err);

NR_API nr_worker_t *nr_uv_worker(nr_uv_t *ring);

/* Closes the worker and its handles; `ring` is freed when the loop has closed them. Not from inside
 * the event callback. [loop] */
NR_API void nr_uv_close(nr_uv_t *ring);

#ifdef __cplusplus
}
#endif

#endif
