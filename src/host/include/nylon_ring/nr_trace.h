/* What crosses a plugin's ABI, recorded: for tools that show what a plugin does. */
#ifndef NYLON_RING_NR_TRACE_H
#define NYLON_RING_NR_TRACE_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is recorded of a plugin's ABI: X(NAME, "name"). The host calls the first ones, the plugin
 * those from SEND_RESULT on. */
#define NR_TRACES(X)                                                                               \
    X(INIT, "init")                                                                                \
    X(HANDLE, "handle")                                                                            \
    X(HANDLE_BY_ID, "handle_by_id")                                                                \
    X(STREAM_DATA, "stream_data")                                                                  \
    X(STREAM_CLOSE, "stream_close")                                                                \
    X(CANCEL, "cancel")                                                                            \
    X(WRITABLE, "writable")                                                                        \
    X(SHUTDOWN, "shutdown")                                                                        \
    X(SEND_RESULT, "send_result")                                                                  \
    X(SEND_RESULT_OWNED, "send_result_owned")                                                      \
    X(ACQUIRE_RESULT_BUFFER, "acquire_result_buffer")                                              \
    X(COMMIT_RESULT_BUFFER, "commit_result_buffer")                                                \
    X(SET_STATE, "set_state")                                                                      \
    X(GET_STATE, "get_state")                                                                      \
    X(LOG, "log")

typedef enum nr_trace_kind {
#define NR__TRACE_ENUM(name, text) NR_TRACE_##name,
    NR_TRACES(NR__TRACE_ENUM)
#undef NR__TRACE_ENUM
} nr_trace_kind_t;

/* What became of it: X(NAME, "name"). */
#define NR_OUTCOMES(X)                                                                             \
    X(UNDER_WAY, "under way")       /* it has not returned */                                      \
    X(DONE, "done")                 /* it has, and was no result */                                \
    X(DELIVERED, "delivered")       /* the result is the call's, or in its stream's queue */       \
    X(LATE, "late")                 /* dropped: the host had given the call up */                  \
    X(DUPLICATE, "duplicate")       /* dropped: the call had been answered, the stream ended */    \
    X(UNKNOWN, "unknown")           /* dropped: no such sid for this plugin */                     \
    X(BACKPRESSURE, "backpressure") /* not taken: the stream's queue is full */                    \
    X(FAILED, "failed")             /* the call ends: malformed, too large or no memory */         \
    X(REFUSED, "refused")           /* not taken, and nothing has changed */

typedef enum nr_outcome {
#define NR__OUTCOME_ENUM(name, text) NR_OUTCOME_##name,
    NR_OUTCOMES(NR__OUTCOME_ENUM)
#undef NR__OUTCOME_ENUM
} nr_outcome_t;

/* Their names; "unknown" for any other number. Static. [any thread] */
NR_API const char *nr_trace_name(nr_trace_kind_t kind);
NR_API const char *nr_outcome_name(nr_outcome_t outcome);

typedef enum nr_trace_where {
    NR_TRACE_ON_LOOP, /* on the thread of the plugin's worker */
    NR_TRACE_INSIDE,  /* there, by the plugin inside the `handle` of the same sid */
    NR_TRACE_ON_THREAD
} nr_trace_where_t;

/* One crossing of a plugin's ABI. */
typedef struct nr_trace_event {
    uint64_t seq;     /* 1, 2, ... in the order of their beginnings */
    uint64_t at_ns;   /* when it began, in the time of uv_hrtime */
    uint64_t took_ns; /* 0 while it is under way */
    uint64_t image;   /* the serial of its image */
    uint64_t thread;  /* the thread that it was on: its pthread_t */
    uint64_t sid;     /* 0: none */
    uint64_t len;     /* bytes of the payload, the value or the buffer */
    nr_trace_kind_t kind;
    nr_trace_where_t where;
    nr_outcome_t outcome;
    NrStatus status; /* that a result came with; of a log line, its level */
    NrStatus answer; /* what the plugin's function answered, if it answers a status */
    char text[64];   /* path and query or entry, key, or message; a longer one ends in "..." */
} nr_trace_event_t;

/* The most events that a plugin's trace keeps. */
#define NR_TRACE_MAX (1u << 20)

/* Records the last `capacity` crossings of the plugin's ABI from now on, also after a reload; what
 * was recorded before is dropped. 0 ends it; it then costs nothing. Errors: NO_MEMORY, TOO_LARGE.
 * [loop] */
NR_API int nr_plugin_trace(nr_plugin_t *plugin, size_t capacity, nr_error_t *err);

/* Copies up to `len` of the recorded events after number `after`, oldest first, and answers how
 * many; `*lost` (NULL: not wanted) more came after it and were overwritten. Good for an unloaded
 * plugin as well. Waits, for 20 ms at most and once an event, for what the plugin's threads are
 * about in the host, so that the result that one has just read is told with its outcome. [loop] */
NR_API size_t nr_plugin_events(const nr_plugin_t *plugin, uint64_t after, nr_trace_event_t *out,
                               size_t len, uint64_t *lost);

#ifdef __cplusplus
}
#endif

#endif
