/*
 * What the compiled code of lua/nylon_ring/fast.lua sees of the bridge: one structure of scalars,
 * pointers and function pointers, reached through the FFI. `core.layout` has the sizes and offsets
 * that the cdef in Lua is checked against when it loads.
 *
 * The functions run in compiled traces: they must not touch the Lua state, in no way.
 */
#ifndef NYLON_RING_FAST_H
#define NYLON_RING_FAST_H

#include <lua.h>
#include <nylon_ring/host.h>

struct nr__bridge;
struct nr__task;

/* A plugin as Lua holds it: the payload of a userdata. */
typedef struct nr__handle {
    nr_plugin_t *plugin; /* NULL: it was unloaded */
    nr_plugin_t *known;  /* the same, also after that; NULL: the worker is gone */
    struct nr__handle *next, **previous;
    char name[]; /* a copy that outlives the plugin */
} nr__handle_t;

/* A stream as Lua holds it: the payload of a userdata. */
typedef struct nr__reader {
    nr_stream_t *stream;   /* NULL: closed */
    struct nr__task *task; /* that waits for a frame, or NULL */
    struct nr__reader *next, **previous;
    uint32_t frames; /* that were read so far; wraps */
    uint32_t padding;
    /* What the stream was opened with, for messages. */
    uint64_t opened;   /* milliseconds, of an arbitrary clock */
    uint64_t deadline; /* milliseconds; 0: none */
    uint64_t max_frames, max_bytes;
} nr__reader_t;

/* What `call` and `next` return beside NR_PENDING and negative errors. */
enum {
    NR__PLAIN = NR_DONE, /* `status` and `size` are the answer's, its bytes are in `text` */
    NR__KEPT = 2,        /* they are at `data`, until `release` is called */
    NR__ODD = 3,         /* `core.result` makes of it what the caller gets */
    NR__OUTSIDE = 4,     /* nothing was started: no task runs */
    /* Nothing was started: the loop has to turn before. A loop of calls that are answered inside
     * `handle`, or of frames that are there, would never let it see a signal. */
    NR__INTERRUPTED = 5,
    /* Nothing was started: the last answer was not released. Either memory ran out for it, or this
     * is a finalizer that Lua runs while it is taken. */
    NR__UNREAD = 6
};

typedef struct nr__fast {
    uint32_t status, size;
    const char *data;
    char text[40];
    int (*call)(struct nr__fast *fast, nr__handle_t *plugin, nr_request_t *request,
                const char *body, size_t len, double timeout);
    int (*notify)(struct nr__fast *fast, nr__handle_t *plugin, nr_request_t *request,
                  const char *body, size_t len);
    int (*next)(struct nr__fast *fast, nr__reader_t *reader);
    int (*prepare)(struct nr__fast *fast, nr_request_t *out, const NrRequest *from);
    void (*release)(struct nr__fast *fast);
    /* Set by a signal handler: calls are NR__INTERRUPTED, of every task, until the one whom the
     * loop tells of the signal clears it. */
    volatile int interrupted;
    /* From here on only C looks. */
    struct nr__task *current; /* the running task or NULL */
    int unread;               /* `data` is in use until `release` */
    nr_result_t result;       /* of `call` and `next` */
    nr_result_t slow_result;  /* of `core.call` and `core.recv`; the next one releases it */
    nr_error_t err;           /* of the last function that returned a negative value */
    int closed;               /* the worker is gone */
} nr__fast_t;

/* Adds `fast` (the address) and `layout` to the module table on top of the stack. */
void nr__fast_open(lua_State *L, struct nr__bridge *b);

/* Lets go of the last result. */
void nr__fast_close(struct nr__bridge *b);

/* Fills `fast->err` for a plugin that is gone, and returns its code. */
int nr__fast_unloaded(nr__fast_t *fast, const nr__handle_t *plugin);

/* The call as both ways make it. `result` is one of those above; what is left in it is released. */
int nr__fast_start(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, NrBytes body,
                   const nr_call_options_t *options, nr_result_t *result);

/* The same of a call that no answer is wanted of: 0 or an error. */
int nr__fast_notify(nr__fast_t *fast, nr__handle_t *plugin, nr_request_t *request, NrBytes body,
                    const nr_call_options_t *options);

/* The next frame, as `nr_stream_next`; the same holds for `result`. */
int nr__fast_next(nr__reader_t *reader, nr_result_t *result);

/* Releases a result, once or more often. */
void nr__fast_release(nr_result_t *result);

#endif
