/*
 * The host core: loads plugins, starts calls and streams, and hands finished ones back on the
 * thread of an event loop. This is the whole public C API; it knows nothing of Lua.
 *
 *   worker   one thread and one event loop; owns the calls that were started on it
 *   plugin   a name under which a worker knows a loaded image
 *   image    one loaded and initialised copy of a plugin file
 *   call     one sid, open on one worker towards one image; answered once (unary) or many times
 *
 * Threads: a function tagged [loop] is called on the thread of its worker's loop and not from
 * inside a plugin's function. Nothing here calls back into the embedder except `nr_loop_t`;
 * finished work is fetched with `nr_worker_next`.
 *
 * Errors: functions that can fail return 0 (or a positive value that they name) or a negative
 * NR_E*; text goes to a caller-given `nr_error_t *`, which may be NULL. Out-parameters are
 * written on success only. Times are milliseconds.
 */
#ifndef NYLON_RING_HOST_H
#define NYLON_RING_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <nylon_ring/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define NR_API
#else
#define NR_API __attribute__((visibility("default")))
#endif

/* Every failure that the host can name: X(NAME, number, "code"). The numbers and the codes are
 * stable; the Lua constants and `nr_error_code` are made from this list. */
#define NR_ERRORS(X)                                                                               \
    X(LOAD_FAILED, -1, "load_failed")                                                              \
    X(INVALID_PATH, -2, "invalid_path")                                                            \
    X(MISSING_SYMBOL, -3, "missing_symbol")                                                        \
    X(INCOMPATIBLE_ABI_VERSION, -4, "incompatible_abi_version")                                    \
    X(INCOMPATIBLE_INFO_SIZE, -5, "incompatible_info_size")                                        \
    X(NULL_PLUGIN_INFO, -6, "null_plugin_info")                                                    \
    X(NULL_PLUGIN_VTABLE, -7, "null_plugin_vtable")                                                \
    X(MISSING_REQUIRED_FUNCTIONS, -8, "missing_required_functions")                                \
    X(INVALID_PLUGIN_INFO, -9, "invalid_plugin_info")                                              \
    X(PLUGIN_INIT_FAILED, -10, "plugin_init_failed")                                               \
    X(PLUGIN_HANDLE_FAILED, -11, "plugin_handle_failed")                                           \
    X(PLUGIN_NOT_FOUND, -12, "plugin_not_found")                                                   \
    X(NAME_TAKEN, -13, "name_taken")                                                               \
    X(ENTRY_NOT_FOUND, -14, "entry_not_found")                                                     \
    X(PLUGIN_UNLOADED, -15, "plugin_unloaded")                                                     \
    X(PLUGIN_BUSY, -16, "plugin_busy")                                                             \
    X(PLUGIN_PINNED, -17, "plugin_pinned")                                                         \
    X(DRAIN_TIMEOUT, -18, "drain_timeout")                                                         \
    X(TIMEOUT, -19, "timeout")                                                                     \
    X(CANCELLED, -20, "cancelled")                                                                 \
    X(BACKPRESSURE, -21, "backpressure")                                                           \
    X(TOO_LARGE, -22, "too_large")                                                                 \
    X(TOO_MANY_CALLS, -23, "too_many_calls")                                                       \
    X(UNSUPPORTED, -24, "unsupported")                                                             \
    X(INVALID_REQUEST, -25, "invalid_request")                                                     \
    X(MALFORMED_RESULT, -26, "malformed_result")                                                   \
    X(STREAM_ENDED, -27, "stream_ended")                                                           \
    X(NO_MEMORY, -28, "no_memory")                                                                 \
    X(SYSTEM, -29, "system")                                                                       \
    X(LOOP_CLOSED, -30, "loop_closed")                                                             \
    X(TASK_FAILED, -31, "task_failed")                                                             \
    X(MISUSE, -32, "misuse")                                                                       \
    X(DEADLOCK, -33, "deadlock")                                                                   \
    X(UNKNOWN_CALL, -34, "unknown_call")

enum {
#define NR__ERROR_ENUM(name, number, code) NR_E_##name = (number),
    NR_ERRORS(NR__ERROR_ENUM)
#undef NR__ERROR_ENUM
};

/* Text of one failure: one line that names cause and cure. Owned by the caller. */
typedef struct nr_error {
    int code;          /* an NR_E_*, or 0 */
    NrStatus status;   /* what the plugin answered, where it did; else NR_OK */
    char message[496]; /* UTF-8, zero-terminated, never cut inside a character */
} nr_error_t;

/* The stable lower_snake name of an NR_E_*; "unknown" for any other number. Static. [any thread] */
NR_API const char *nr_error_code(int error);

/* The name of a status ("Ok", "StreamEnd", ...); "Status" for an unknown one. Static. [any thread]
 */
NR_API const char *nr_status_name(NrStatus status);

/* 1 when a frame with this status is a stream's last one. [any thread] */
NR_API int nr_status_ends(NrStatus status);

/* How many of the first bytes of `text` are whole, well-formed characters of UTF-8 (no overlong
 * forms, no surrogates, nothing above U+10FFFF): `len` when all of it is, as requests need it.
 * `text` may be NULL where `len` is 0. [any thread] */
NR_API size_t nr_utf8_prefix(const uint8_t *text, size_t len);

/* The host's version, as "0.1.0". Static. [any thread] */
NR_API const char *nr_version(void);

/* ---- Worker ---------------------------------------------------------------------------- */

typedef struct nr_worker nr_worker_t;
typedef struct nr_plugin nr_plugin_t;
typedef struct nr_stream nr_stream_t;

/* What a worker needs of its event loop. Copied by `nr_worker_open`; `ctx` stays the embedder's
 * and must live until `nr_worker_close` has returned. See `nr_uv.h` for one over plain libuv. */
typedef struct nr_loop {
    void *ctx;
    /* Ends the loop's present or next wait, so that the embedder fetches with `nr_worker_next`.
     * Never called after `nr_worker_close` has returned. [any thread] */
    void (*wake)(void *ctx);
    /* Calls `nr_worker_timer` once, after `ms` milliseconds; replaces what was set before.
     * UINT64_MAX stops the timer. [loop] */
    void (*set_timer)(void *ctx, uint64_t ms);
    /* 1: work is pending, the loop must stay alive for it; 0: nothing is. [loop] */
    void (*keep_alive)(void *ctx, int on);
} nr_loop_t;

/* Opens a worker for the calling thread's loop. `*out` belongs to the caller until
 * `nr_worker_close`. Errors: NO_MEMORY, TOO_MANY_CALLS (no worker id is free). [loop] */
NR_API int nr_worker_open(const nr_loop_t *loop, nr_worker_t **out, nr_error_t *err);

/* Gives up what is still open (no event comes for it), shuts the worker's plugins down, all at the
 * same time and waiting no longer than for one unload's shutdown, and frees the worker. A plugin
 * that owes results stays mapped: unload it first to drain it. [loop] */
NR_API void nr_worker_close(nr_worker_t *worker);

/* Calls and streams that are open, and unloads that are under way. [loop] */
NR_API size_t nr_worker_pending(const nr_worker_t *worker);

/* To be called right before the loop waits (uv_prepare). 1: events are ready, the loop must not
 * wait; 0: it may, `wake` will be called. [loop] */
NR_API int nr_worker_sleep(nr_worker_t *worker);

/* To be called right after the loop waited (uv_check). [loop] */
NR_API void nr_worker_awake(nr_worker_t *worker);

/* To be called when the timer that `set_timer` asked for is due. [loop] */
NR_API void nr_worker_timer(nr_worker_t *worker);

/* ---- Results and events ---------------------------------------------------------------- */

/* The most bytes of one result or frame; a call that is answered with more ends with TOO_LARGE. */
#define NR_RESULT_MAX (UINT64_C(1) << 30)

/* What the state of one call may take, keys and what was replaced but handed out included. Over it
 * the plugin's set_state says so, and a call that begins with more is not started (TOO_LARGE). */
#define NR_STATE_MAX (UINT64_C(1) << 20)

/* What a call came to. The holder owns the payload until `nr_result_release`, and must not move
 * or copy the structure: `data` may point into it. */
typedef struct nr_result {
    void *user;          /* as given at the start */
    uint64_t sid;        /* never 0 */
    int error;           /* 0, or the NR_E_* with which the host ended the call */
    NrStatus status;     /* the plugin's, when error is 0 or PLUGIN_HANDLE_FAILED */
    const uint8_t *data; /* never NULL */
    uint64_t len;
    void (*release)(struct nr_result *result); /* internal; NULL: nothing to free */
    uint64_t owner[3];                         /* internal */
    uint8_t store[40];                         /* internal: small payloads */
} nr_result_t;

/* Frees the payload; once or more often. [loop] */
NR_API void nr_result_release(nr_result_t *result);

typedef enum nr_event_kind {
    NR_EVENT_RESULT = 1, /* a unary call has finished: `result` */
    NR_EVENT_READABLE,   /* a stream that `nr_stream_next` left waiting has a frame or its end */
    NR_EVENT_UNLOADED,   /* an unload, or the old image of a reload, is done: `report` */
    NR_EVENT_LOG         /* a plugin's log line, see `nr_worker_capture_logs`: `log` */
} nr_event_kind_t;

/* How an image ended. */
typedef struct nr_unload_report {
    int error;          /* 0; DRAIN_TIMEOUT when calls had to be completed at the grace's end */
    int unmapped;       /* 1: the file is no longer mapped */
    uint64_t completed; /* calls that were completed with PLUGIN_UNLOADED */
    uint64_t owed;      /* results that the plugin had not sent when it was shut down */
    char reason[256];   /* why it stays mapped; empty when unmapped */
} nr_unload_report_t;

typedef struct nr_log_line {
    uint32_t level;      /* NR_LOG_* of ext/log.h */
    uint64_t sid;        /* 0: no call */
    const char *plugin;  /* zero-terminated */
    const char *message; /* zero-terminated as well; may hold zero bytes */
    size_t len;
} nr_log_line_t;

/* One event. What it points to is valid until the next `nr_worker_next` of this worker, but for
 * `result`, which the caller releases. */
typedef struct nr_event {
    nr_event_kind_t kind;
    void *user; /* as given at the start of the call, the stream, the unload or the reload */
    nr_result_t result;
    nr_stream_t *stream;
    nr_unload_report_t report;
    nr_log_line_t log;
} nr_event_t;

/* Takes the next event: 1, or 0 when there is none. To be called until it answers 0 whenever the
 * loop was woken; may be called from inside the handling of an event (a nested run of the loop goes
 * on with the same queue). [loop] */
NR_API int nr_worker_next(nr_worker_t *worker, nr_event_t *event);

/* ---- Plugins --------------------------------------------------------------------------- */

typedef struct nr_load_options {
    const char *name; /* NULL: the plugin's own name */
    uint32_t abi;     /* 0: v1 before v2; 1 or 2: that one only */
    size_t trace;     /* as nr_plugin_trace (nr_trace.h), from init on; 0: not traced */
} nr_load_options_t;

typedef struct {
    const char *name;    /* under which it is loaded */
    const char *path;    /* absolute, of the original file */
    const char *version; /* the plugin's own */
    const char *own_name;
    uint32_t abi;       /* 1 or 2 */
    uint64_t serial;    /* of the image; another one after a reload */
    const char *pinned; /* why the image can not be unmapped; NULL: it can */
    int has_cancel, has_writable, takes_input;
    size_t trace; /* events that are recorded of its ABI; 0: it is not traced */
} nr_plugin_info_t;

typedef struct nr_stats {
    uint64_t calls, ok, errors, in_flight, late, duplicate, unknown, cancelled, timeouts,
        backpressure, owed;
} nr_stats_t;

/* Loads a plugin from a private copy of the file and runs its init. `*out` belongs to the worker
 * and stays valid until the worker is closed; once it was unloaded it refuses calls. The same file
 * under another name is another image with variables of its own. A failure leaves nothing behind.
 * Errors: all of the loader's, NAME_TAKEN, MISUSE for a name that is no short text. [loop] */
NR_API int nr_plugin_load(nr_worker_t *worker, const char *path, const nr_load_options_t *options,
                          nr_plugin_t **out, nr_error_t *err);

/* The worker's plugin of this name, or NULL. [loop] */
NR_API nr_plugin_t *nr_plugin_find(nr_worker_t *worker, const char *name, size_t len);

/* The worker's plugins in the order of loading: `previous` NULL gives the first, NULL ends. [loop]
 */
NR_API nr_plugin_t *nr_plugin_each(nr_worker_t *worker, nr_plugin_t *previous);

/* What is known of it; the texts are valid until the worker is closed. [loop] */
NR_API void nr_plugin_info(const nr_plugin_t *plugin, nr_plugin_info_t *out);

/* Its counters, counted on across reloads. [loop] */
NR_API void nr_plugin_stats(const nr_plugin_t *plugin, nr_stats_t *out);

/* Refuses new calls, lets the open ones finish, at the end of `grace_ms` completes the rest with
 * PLUGIN_UNLOADED, then shuts the image down on a helper thread and unmaps it where that is safe. A
 * shutdown that has not returned within 5,000 ms (NYLON_RING_SHUTDOWN_MS) is not waited for.
 * 0: an NR_EVENT_UNLOADED with `user` will come, exactly once. A grace of 0 refuses with
 * PLUGIN_BUSY while calls are open. Errors: PLUGIN_BUSY, PLUGIN_UNLOADED (already). [loop] */
NR_API int nr_plugin_unload(nr_plugin_t *plugin, uint64_t grace_ms, void *user, nr_error_t *err);

/* Loads and initialises the file anew (`path` NULL: the same path), then swaps: new calls go to the
 * new image, open ones finish on the old one, which is then unloaded as above (its
 * NR_EVENT_UNLOADED has `user`). On failure the old image keeps serving. [loop] */
NR_API int nr_plugin_reload(nr_plugin_t *plugin, const char *path, uint64_t grace_ms, void *user,
                            nr_error_t *err);

/* Images that were unloaded but whose code may still run: results are owed, there is no shutdown,
 * or it has not returned. Above 0 the process must leave without running static destructors
 * (_exit). [any thread] */
NR_API size_t nr_host_abandoned(void);

/* What can be read from a plugin file, and by opening it, without running `init`: its static
 * constructors and the functions that it exports for the host's questions do run. Texts are owned
 * by the structure. Errors: the loader's. [any thread] */
typedef struct nr_inspection nr_inspection_t;
NR_API int nr_inspect(const char *path, nr_inspection_t **out, nr_error_t *err);
NR_API void nr_inspection_free(nr_inspection_t *inspection);

struct nr_inspection {
    char *path, *name, *version;
    uint32_t abi; /* that a load would use */
    uint32_t struct_size;
    int has_v1, has_v2; /* which entry symbols are there */
    const char *pinned; /* NULL or why */
    char **symbols;     /* all exported dynamic symbols, sorted */
    size_t symbols_len;
    char **extensions; /* ids of the plugin's own tables that the host knows */
    size_t extensions_len;
    int has_shutdown, has_stream_input, has_resolve;
};

/* ---- Calls ----------------------------------------------------------------------------- */

/* A request that was checked once and can be started often. The strings are views that the caller
 * keeps alive and unchanged while calls with it are started (they are not used after a start). For
 * a v2 plugin `request.path` is the entry's name and the rest is not sent. */
typedef struct nr_request {
    NrRequest request;
    uint32_t entry_id;     /* internal: cache of resolve_entry for one image */
    uint32_t entry_known;  /* internal */
    uint64_t entry_serial; /* internal */
} nr_request_t;

/* Checks every string of `from` (UTF-8, no NULL with a length, lengths that fit) and fills `*out`
 * with views that are never NULL. Errors: INVALID_REQUEST. [any thread] */
NR_API int nr_request_init(nr_request_t *out, const NrRequest *from, nr_error_t *err);

/* First values of the sid's state. Copied. */
typedef struct nr_state_value {
    NrStr key;
    NrBytes value;
} nr_state_value_t;

typedef struct nr_call_options {
    void *user;          /* comes back in the result */
    uint64_t timeout_ms; /* 0: none */
    const nr_state_value_t *state;
    size_t state_len;
} nr_call_options_t;

enum { NR_PENDING = 0, NR_DONE = 1 };

/* Starts a unary call. NR_DONE: it was answered inside `handle`, `*result` is the answer and the
 * caller releases it. NR_PENDING: exactly one NR_EVENT_RESULT will come, unless the caller gives
 * the call up; `result->sid` is set. A negative value: it was not started and nothing will come
 * (PLUGIN_UNLOADED, TOO_MANY_CALLS, TOO_LARGE, NO_MEMORY, INVALID_REQUEST; PLUGIN_HANDLE_FAILED
 * with `err->status`). `options` may be NULL. The payload is borrowed for the call. [loop] */
NR_API int nr_call(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
                   const nr_call_options_t *options, nr_result_t *result, nr_error_t *err);

/* As `nr_call`, but no answer is wanted: finished when `handle` returns. 0 or an error. [loop] */
NR_API int nr_notify(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
                     const nr_call_options_t *options, nr_error_t *err);

/* Gives a unary call up: no event will come for it, a late answer is dropped and counted, a plugin
 * with `nylon.cancel/1` is told. 0, or CANCELLED when the sid is not open (any more). [loop] */
NR_API int nr_call_cancel(nr_worker_t *worker, uint64_t sid);

/* ---- Streams --------------------------------------------------------------------------- */

typedef struct nr_stream_options {
    void *user;           /* comes back in NR_EVENT_READABLE; see nr_stream_wait */
    uint64_t timeout_ms;  /* limits each wait for a frame; 0: none */
    uint64_t deadline_ms; /* limits the whole stream; 0: none */
    uint64_t max_frames;  /* queued; 0: default; 64 at least */
    uint64_t max_bytes;   /* queued; 0: default */
    const nr_state_value_t *state;
    size_t state_len;
} nr_stream_options_t;

/* Queue limits where the options name none: those that answer Backpressure to a plugin which can
 * see it, and those at which a v1 stream ends with BACKPRESSURE. */
#define NR_STREAM_FRAMES 256
#define NR_STREAM_BYTES (4u << 20)
#define NR_STREAM_FRAMES_V1 (1u << 20)
#define NR_STREAM_BYTES_V1 (256u << 20)

/* Starts a stream; frames that came inside `handle` are already queued. `*out` belongs to the
 * caller until `nr_stream_close`, also after the stream's end. Errors as `nr_call`. [loop] */
NR_API int nr_stream_open(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
                          const nr_stream_options_t *options, nr_stream_t **out, nr_error_t *err);

/* Takes the next frame: NR_DONE, `*frame` is released by the caller. An ending status is in the
 * last frame. NR_PENDING: none yet; `nr_stream_wait` asks for an event. A negative value: how the
 * host ended the stream (TIMEOUT, PLUGIN_UNLOADED, BACKPRESSURE, ...), after the queued frames were
 * taken; STREAM_ENDED after the last frame. [loop] */
NR_API int nr_stream_next(nr_stream_t *stream, nr_result_t *frame);

/* Asks for one NR_EVENT_READABLE with `user` when there is something to take (or the wait's timeout
 * has ended the stream). `user` NULL takes the request back: no event will come. [loop] */
NR_API void nr_stream_wait(nr_stream_t *stream, void *user);

/* Input for the plugin (v2, or `nylon.duplex/1`). 0; BACKPRESSURE: not taken, offer it again later;
 * UNSUPPORTED: the plugin takes none; STREAM_ENDED; PLUGIN_HANDLE_FAILED with `err->status`. [loop]
 */
NR_API int nr_stream_send(nr_stream_t *stream, NrBytes data, nr_error_t *err);

/* Tells the plugin that no more input comes. Further sends answer STREAM_ENDED. [loop] */
NR_API int nr_stream_finish(nr_stream_t *stream, nr_error_t *err);

/* Gives the stream up if it has not ended, drops what is queued, and frees it. [loop] */
NR_API void nr_stream_close(nr_stream_t *stream);

NR_API uint64_t nr_stream_sid(const nr_stream_t *stream);

/* Whether nothing is left to be read: the call is over, and closing only frees the memory. [loop]
 */
NR_API int nr_stream_ended(const nr_stream_t *stream);

/* ---- Logs ------------------------------------------------------------------------------ */

typedef enum nr_capture {
    NR_CAPTURE_OFF,
    NR_CAPTURE_INSTEAD, /* of standard error */
    NR_CAPTURE_BESIDE   /* it: each line is written as it comes, too */
} nr_capture_t;

/* Says whether plugins' log lines come to this worker as NR_EVENT_LOG. One worker at a time; a
 * later one takes over. [loop] */
NR_API void nr_worker_capture_logs(nr_worker_t *worker, nr_capture_t how);

/* The lowest level that is kept: NR_LOG_*, or one above them for none. NYLON_RING_LOG (trace,
 * debug, info, warn, error, off) says it at first, else info. [any thread] */
NR_API void nr_log_set_level(uint32_t level);
NR_API uint32_t nr_log_level(void);

#ifdef __cplusplus
}
#endif

#endif
