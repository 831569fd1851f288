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
    struct nr__handle *next, **previous;
    char name[]; /* a copy that outlives the plugin */
} nr__handle_t;

/* A request whose strings are kept alive by Lua, and which way a call with it takes. */
typedef struct nr__prepared {
    nr_request_t request;
    struct nr__prepared *target; /* the one that stands for this plugin's target; often itself */
    uint32_t suspends;           /* so many calls are still made the way that suspends */
    uint32_t padding;
} nr__prepared_t;

/* A stream as Lua holds it: the payload of a userdata. */
typedef struct nr__reader {
    nr_stream_t *stream;   /* NULL: closed */
    struct nr__task *task; /* that waits for a frame, or NULL */
    struct nr__reader *next, **previous;
    uint32_t suspends; /* as in a prepared request */
    uint32_t padding;
} nr__reader_t;

/* Calls that go the way that suspends after one had to wait. When so many in a row were answered
 * inside `handle` after all, the next one tries the fast way again. */
enum { NR__SUSPENDS = 32 };

/* What `call` answers, beside what `nr_call` does: nothing was started, the loop has to turn once
 * before. A loop of calls that are answered inside `handle` would never let it see a signal. */
enum { NR__INTERRUPTED = 2 };

typedef struct nr__fast {
    struct nr__task *current; /* the running task or NULL */
    nr_result_t result;       /* of the last function that returned NR_DONE; released by the next */
    int (*call)(struct nr__fast *fast, nr__handle_t *plugin, nr__prepared_t *request,
                const char *body, size_t len, double timeout);
    int (*notify)(struct nr__fast *fast, nr__handle_t *plugin, nr__prepared_t *request,
                  const char *body, size_t len);
    int (*next)(struct nr__fast *fast, nr__reader_t *reader);
    int (*prepare)(struct nr__fast *fast, nr__prepared_t *out, const NrRequest *from);
    void (*release)(struct nr__fast *fast);
    int closed;               /* the worker is gone */
    volatile int interrupted; /* set by a signal handler: the next call answers NR__INTERRUPTED */
    nr_error_t err;           /* of the last function that returned a negative value */
} nr__fast_t;

/* Adds `fast` (the address) and `layout` to the module table on top of the stack. */
void nr__fast_open(lua_State *L, struct nr__bridge *b);

/* Lets go of the last result. */
void nr__fast_close(struct nr__bridge *b);

/* Fills `fast->err` for a plugin that is gone, and returns its code. */
int nr__fast_unloaded(nr__fast_t *fast, const nr__handle_t *plugin);

/* The call as both ways make it. The result is in `fast->result`. */
int nr__fast_start(nr__fast_t *fast, nr__handle_t *plugin, nr__prepared_t *request, NrBytes body,
                   const nr_call_options_t *options);

#endif
