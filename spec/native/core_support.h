/* What native tests of calls share: a worker on a loop of its own, plugins that are loaded or that
 * the test itself plays, and the events that came. */
#ifndef CORE_SUPPORT_H
#define CORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <nylon_ring/nr_uv.h>

#include "host_tables.h"
#include "pending.h"

#define NOT_STARTED UINT64_MAX

typedef struct core_event {
    nr_event_kind_t kind;
    void *user;
    uint64_t sid;
    int error;
    NrStatus status;
    uint64_t len;
    uint8_t data[64]; /* its first bytes */
    nr_stream_t *stream;
} core_event_t;

typedef struct core {
    uv_loop_t loop;
    nr_uv_t *ring;
    nr_worker_t *worker;
    core_event_t *events;
    size_t events_len;
    void (*on_event)(struct core *core, const core_event_t *event); /* may be NULL */
    void *data;
} core_t;

/* A plugin that the test plays: an image whose functions are the test's own. It lives for ever, as
 * every image that was initialised. */
typedef struct played {
    nr__image_t image; /* first: its address is the host_ctx */
    nr__lane_t lane;
    nr_plugin_t plugin;
    NrPluginVTable v1;
    NrPluginVTable2 v2;
    NrExtCancel cancel;
    NrExtWritable writable;
    uint64_t sid; /* of the last handle */
    uint64_t cancelled, cancels, writables, closes;
    NrStatus (*on_handle)(struct played *played, uint64_t sid, NrBytes payload);
    void *data;
    struct played *next_played;
} played_t;

void core_open(core_t *core);

/* Closes worker and loop; fails when the loop keeps a handle. */
void core_close(core_t *core);

/* Runs the loop until `count` events have come since core_open or core_forget. */
void core_run(core_t *core, size_t count);
/* Runs the loop as long as something is pending. */
void core_run_all(core_t *core);
/* Takes what is there without waiting. */
void core_poll(core_t *core);
void core_forget(core_t *core);

/* A v1 plugin of this worker whose handle is `on_handle` (NULL: keeps every call open). */
played_t *core_play(core_t *core,
                    NrStatus (*on_handle)(played_t *played, uint64_t sid, NrBytes payload));

/* The same as a v2 plugin, with stream_data (keeps nothing) and stream_close (counts). */
played_t *core_play2(core_t *core,
                     NrStatus (*on_handle)(played_t *played, uint64_t sid, NrBytes payload));

/* Loads build/plugins/<name>.so. */
nr_plugin_t *core_load(core_t *core, const char *name);

/* A request to this path with this query. */
nr_request_t core_request(const char *path, const char *query);

/* Starts a call or stream that must stay open; answers its sid. */
uint64_t core_call(played_t *played, void *user, uint64_t timeout_ms);
nr_stream_t *core_stream(played_t *played, const nr_stream_options_t *options);

/* Takes the next frame and compares it. */
void core_assert_frame(nr_stream_t *stream, NrStatus status, const char *text);

/* Expects that nr_stream_next answers so. */
void core_assert_next(nr_stream_t *stream, int answer);

/* Answers as v1's or v2's plugin would. */
void core_send(played_t *played, uint64_t sid, NrStatus status, const char *text);
NrStatus core_send2(played_t *played, uint64_t sid, NrStatus status, const char *text);
NrStatus core_send_owned(played_t *played, uint64_t sid, NrStatus status, const char *text,
                         int *released);

NrBytes core_bytes(const char *text);
NrStr core_str(const char *text);

nr__state_t core_state(uint64_t sid);

#endif
